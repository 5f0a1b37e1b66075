#include "core/report/results.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {
namespace {

// What a reading function throws; set() adds file, line and column.
struct BadCell {
  char const* expected;
};

template <class Integer>
Integer integer_from(std::string_view text) {
  Integer value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) throw BadCell{"an integer"};
  return value;
}

double number_from(std::string_view text) {
  double value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) throw BadCell{"a number"};
  return value;
}

std::optional<double> maybe_number_from(std::string const& text) {
  if (text.empty()) return std::nullopt;
  return number_from(text);
}

std::string maybe_text(std::optional<double> value) { return value ? shortest(*value) : ""; }

std::vector<int> integers_from(std::string const& text) {
  std::vector<int> values;
  if (text.empty()) return values;
  for (auto const& part : split(text, ';')) values.push_back(integer_from<int>(part));
  return values;
}

bool bit_from(std::string const& text) {
  if (text == "0") return false;
  if (text == "1") return true;
  throw BadCell{"0 or 1"};
}

struct Column {
  std::string_view name;
  std::string (*get)(Result const&);
  void (*set)(Result&, std::string const&);
  bool later = false;  // files from before it have no such column
};

template <auto Member>
constexpr Column text_column(std::string_view name, bool later = false) {
  return {name, [](Result const& r) { return r.*Member; }, [](Result& r, std::string const& cell) { r.*Member = cell; },
          later};
}

template <auto Member>
constexpr Column maybe_column(std::string_view name) {
  return {name, [](Result const& r) { return maybe_text(r.*Member); },
          [](Result& r, std::string const& cell) { r.*Member = maybe_number_from(cell); }};
}

// The file's columns, in its order; written and read from the same list.
constexpr std::array columns = {
    text_column<&Result::study>("study"),
    text_column<&Result::run>("run"),
    text_column<&Result::role>("role"),
    text_column<&Result::arch>("arch"),
    text_column<&Result::data>("data"),
    text_column<&Result::method>("method"),
    text_column<&Result::regime>("regime"),
    text_column<&Result::protocol>("protocol"),
    text_column<&Result::placement>("placement"),
    Column{"seed", [](Result const& r) { return std::to_string(r.seed); },
           [](Result& r, std::string const& cell) { r.seed = integer_from<std::uint64_t>(cell); }},
    text_column<&Result::split>("split"),
    text_column<&Result::policy>("policy"),
    text_column<&Result::confidence>("confidence"),
    text_column<&Result::temperature>("temperature", true),
    text_column<&Result::knobs>("knobs"),
    text_column<&Result::budget>("budget"),
    text_column<&Result::metric>("metric"),
    maybe_column<&Result::value>("value"),
    maybe_column<&Result::cost>("cost"),
    maybe_column<&Result::cost_fraction>("cost_fraction"),
    Column{"over_budget", [](Result const& r) { return std::string(r.over_budget ? "1" : "0"); },
           [](Result& r, std::string const& cell) { r.over_budget = bit_from(cell); }},
    Column{"exits", [](Result const& r) { return join(std::span<int const>(r.exits), ";"); },
           [](Result& r, std::string const& cell) { r.exits = integers_from(cell); }},
    text_column<&Result::convention>("convention"),
    Column{"params", [](Result const& r) { return std::to_string(r.params); },
           [](Result& r, std::string const& cell) { r.params = integer_from<long long>(cell); }},
    text_column<&Result::epochs>("epochs"),
    Column{"training_macs", [](Result const& r) { return shortest(r.training_macs); },
           [](Result& r, std::string const& cell) { r.training_macs = number_from(cell); }},
};

void set(Result& result, Column const& column, std::string const& cell, std::string const& place) {
  try {
    column.set(result, cell);
  } catch (BadCell const& bad) {
    throw RunError(place + ", column " + std::string(column.name) + ": expected " + bad.expected + ", found \"" + cell +
                   "\"");
  }
}

}  // namespace

std::vector<std::string> result_columns() {
  std::vector<std::string> names;
  for (auto const& column : columns) names.emplace_back(column.name);
  return names;
}

std::string cell_of(Result const& result, std::string_view name) {
  for (auto const& column : columns)
    if (column.name == name) return column.get(result);
  throw SpecError("results.csv: " + unknown_name("column", name, result_columns()));
}

std::string text_of(Result const& result, std::string const& name) {
  for (auto const& column : columns)
    if (column.name == name) return column.get(result);
  auto const found = result.axes.find(name);
  return found == result.axes.end() ? "" : found->second;
}

void must_be_columns(std::vector<std::string> const& names, std::vector<Result> const& results,
                     std::string const& place) {
  std::set<std::string> axes;
  for (auto const& result : results)
    for (auto const& [axis, value] : result.axes) axes.insert(axis);
  auto known = result_columns();
  known.insert(known.end(), axes.begin(), axes.end());
  for (auto const& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw SpecError(place + ": " + unknown_name("column", name, known));
}

void set_cell(Result& result, std::string_view name, std::string const& text, std::string const& place) {
  for (auto const& column : columns)
    if (column.name == name) return set(result, column, text, place);
  throw SpecError(place + ": " + unknown_name("column", name, result_columns()));
}

Csv to_csv(std::vector<Result> const& results) {
  Csv csv;
  for (auto const& column : columns) csv.header.emplace_back(column.name);
  csv.rows.reserve(results.size());
  for (auto const& result : results) {
    auto& row = csv.rows.emplace_back();
    row.reserve(columns.size());
    for (auto const& column : columns) row.push_back(column.get(result));
  }
  return csv;
}

std::vector<Result> results_from(Csv const& csv, std::string const& where) {
  std::array<std::optional<std::size_t>, columns.size()> position{};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    auto found = std::find(csv.header.begin(), csv.header.end(), columns[c].name);
    if (found != csv.header.end())
      position[c] = static_cast<std::size_t>(found - csv.header.begin());
    else if (!columns[c].later)
      throw RunError(where + ": no column \"" + std::string(columns[c].name) + "\"");
  }
  std::vector<Result> results(csv.rows.size());
  for (std::size_t r = 0; r < csv.rows.size(); ++r) {
    auto const place = where + " row " + std::to_string(r + 1);
    for (std::size_t c = 0; c < columns.size(); ++c)
      if (position[c]) set(results[r], columns[c], csv.rows[r].at(*position[c]), place);
  }
  return results;
}

}  // namespace eexit
