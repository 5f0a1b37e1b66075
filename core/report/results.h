// The long form of all results (results.csv) and the one pivot that makes every table of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/report/table.h"

namespace eexit {

// One row of results.csv; the columns in this order. Numbers that may be missing are empty in the file.
struct Result {
  std::string study{}, run{}, role{}, arch{}, data{}, method{}, regime{}, protocol{}, placement{};
  std::uint64_t seed = 0;
  std::string split{}, policy{}, confidence{}, knobs{};  // knobs joined with ";"
  std::string budget{};                                  // "0.25" ... "max", "" for headline metrics
  std::string metric{};                                  // accuracy, auc, cost_at_0, ..., failed
  std::optional<double> value{}, cost{}, cost_fraction{};
  bool over_budget = false;
  std::vector<int> exits{};  // rows leaving at each
  std::string convention{};
  long long params = 0;
  std::string epochs{};  // backbone:2;joint:1
  double training_macs = 0;
};

// One cell of the row as results.csv holds it; SpecError on an unknown column.
std::string cell_of(Result const&, std::string_view column);

Csv to_csv(std::vector<Result> const&);
std::vector<Result> results_from(Csv const&, std::string const& where);  // RunError on a missing column or a bad number

// What a table is made of: one row per combination of `rows`' columns, one column per combination of `columns`' values,
// in order of first appearance; a cell is the mean over what is left (seeds).
struct Pivot {
  std::string title{};
  std::vector<std::string> rows = {"arch", "data", "method", "regime"};  // results.csv columns
  std::string column = "budget";
  std::string metric = "accuracy", split = "test";
  std::string policy{};      // "": the first policy in the file
  std::string confidence{};  // likewise
  double scale = 100;        // accuracy in percent
  int decimals = 2;
  bool show_cost = false;             // "88.12 (0.49)": realised cost fraction beside the value
  std::vector<std::string> footer{};  // convention, protocol, spec hash, hardware
};

// Rules (design 8): mean and sample deviation with n; n = 1 prints no deviation and the footnote "one seed: differences
// are not evidence"; failed seeds as (ok/n); "-" with a footnote naming the cheapest cost reached where no point meets
// a budget; a mark with a footnote where the realised cost is more than 1 % over the budget; a footnote "no gain from
// more compute on cal" where neighbouring budgets have the same knobs. Plain, rival and oracle rows stand below a rule.
Table pivot(std::vector<Result> const&, Pivot const&);

}  // namespace eexit
