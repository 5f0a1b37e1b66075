// The one pivot that makes every table of results.csv, of one study or of several.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/report/results.h"
#include "core/report/table.h"

namespace eexit {

// What a table is made of: one row per combination of `rows`' values, one column per combination of `columns`' values,
// in order of first appearance, budgets in order of size; a cell is the mean over what is left (seeds). Names are
// columns of results.csv or axes.
struct Pivot {
  std::string title{};
  std::vector<std::string> rows = {"arch", "data", "method", "regime"};
  std::vector<std::string> columns = {"budget"};
  std::string metric = "accuracy", split = "test";
  std::string policy{};      // "": the first policy of each study
  std::string confidence{};  // likewise
  // Only rows of results.csv with one of these values of a column or axis count, as far as they have that column:
  // a plain network has no regime.
  std::vector<std::pair<std::string, std::vector<std::string>>> filter{};
  int decimals = 2;
  bool show_cost = false;             // "88.12 (0.49)": realised cost fraction beside the value
  bool mark = true;                   // best and second of each column
  std::vector<std::string> footer{};  // convention, protocol, spec hash, hardware
};

// Rules (design 8): mean and sample deviation with n; n = 1 prints no deviation and the footnote "one seed: differences
// are not evidence"; failed seeds as (ok/n); "-" with a footnote naming the cheapest cost reached where no point meets
// a budget; a mark with a footnote where the realised cost is more than 1 % over the budget; a footnote "no gain from
// more compute on cal" where neighbouring budgets have the same knobs. Plain, rival and oracle rows stand below a rule,
// published values (role "published") below another. Rows of several studies have a column that names the study.
// SpecError on a name, or a value to filter by, that is not there.
Table pivot(std::vector<Result> const&, Pivot const&);

// Shares are printed in percent.
bool in_percent(std::string const& metric);

// "0.25" -> "25 %"; "max" as it is; "" -> the metric's name.
std::string budget_text(std::string const& budget, std::string const& metric);

// For putting budgets in order: "max" is the largest but for "".
double budget_size(std::string const& budget);

}  // namespace eexit
