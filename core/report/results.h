// The long form of all results: results.csv.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"

namespace eexit {

// One row of results.csv; the columns in this order. Numbers that may be missing are empty in the file.
struct Result {
  std::string study{}, run{}, role{}, arch{}, data{}, method{}, regime{}, protocol{}, placement{};
  std::uint64_t seed = 0;
  std::string split{}, policy{}, confidence{};  // a confidence with temperatures is "calibrated ..."
  std::string temperature{}, knobs{};           // by exit, joined with ";"; "" where it is 1
  std::string budget{};                         // "0.25" ... "max", "" for headline metrics
  std::string metric{};                         // accuracy, auc, cost_at_0, ..., failed
  std::optional<double> value{}, cost{}, cost_fraction{};
  bool over_budget = false;
  std::vector<int> exits{};  // rows leaving at each
  std::string convention{};
  long long params = 0;
  std::string epochs{};  // backbone:2;joint:1
  double training_macs = 0;
  // What stands beside results.csv, not in it.
  std::map<std::string, std::string> axes{};  // settings in which runs differ, by name (axes.csv): "train.batch"
  std::string source{};                       // of a published value: who printed it
};

std::vector<std::string> result_columns();  // of results.csv, in order

// One cell of the row as results.csv holds it; SpecError on an unknown column.
std::string cell_of(Result const&, std::string_view column);

// The same for a column or an axis; "" for an axis that the row does not have.
std::string text_of(Result const&, std::string const& name);

// SpecError with the nearest name on one that is no column and no row's axis. `place`: "table: rows".
void must_be_columns(std::vector<std::string> const& names, std::vector<Result> const&, std::string const& place);

// Sets a column from its text; RunError "<place>, column value: expected a number, found "x"".
void set_cell(Result&, std::string_view column, std::string const& text, std::string const& place);

Csv to_csv(std::vector<Result> const&);
std::vector<Result> results_from(Csv const&, std::string const& where);  // RunError on a missing column or a bad number

}  // namespace eexit
