#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/report/pivot.h"

namespace eexit::analysis {

namespace {

using Json = nlohmann::ordered_json;

// A value as results.csv and axes.csv write it.
std::string text_of(Json const& value, JsonReader const& reader) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return shortest(value.get<double>());
  if (value.is_number() || value.is_boolean()) return value.dump();
  reader.fail("filter", "expected a text, a number or a list of these for each column, found " + value.dump());
}

// {"regime": ["joint", "mixed"], "train.batch": 64}
std::vector<std::pair<std::string, std::vector<std::string>>> read_filter(JsonReader& reader) {
  auto const text = reader.raw("filter", "object: a column or setting -> the value, or list of values, that is kept");
  std::vector<std::pair<std::string, std::vector<std::string>>> filter;
  if (text.empty()) return filter;
  auto const json = Json::parse(text);
  if (!json.is_object()) reader.fail("filter", "expected an object, found " + shortened(text, 60));
  for (auto const& [column, values] : json.items()) {
    std::vector<std::string> kept;
    for (auto const& value : values.is_array() ? values : Json::array({values})) kept.push_back(text_of(value, reader));
    if (kept.empty()) reader.fail("filter", "expected at least one value of " + column);
    filter.emplace_back(column, kept);
  }
  return filter;
}

void must_be_split(std::string const& name, std::vector<Result> const& results) {
  std::vector<std::string> known;
  for (auto const& row : results)
    if (!row.split.empty() && std::find(known.begin(), known.end(), row.split) == known.end())
      known.push_back(row.split);
  bool const all_failed = known.empty();
  if (!all_failed && std::find(known.begin(), known.end(), name) == known.end())
    throw SpecError("table: split: " + unknown_name("split", name, known));
}

}  // namespace

Analyse table(JsonReader& reader) {
  Pivot asked;
  asked.rows =
      reader.texts("rows", asked.rows, "columns of results.csv, or settings such as train.batch, that name a row");
  asked.columns = reader.texts("columns", asked.columns, "the same, whose values stand across");
  asked.metric = reader.text("metric", asked.metric, "metric shown: accuracy, auc, cost_at_0, ...");
  asked.split = reader.text("split", asked.split, "which rows: test, cal or a further test set");
  asked.policy = reader.text("policy", "", "exit rule shown; empty: the first of each study");
  asked.confidence = reader.text("confidence", "", "confidence shown; empty: the first of each policy");
  asked.filter = read_filter(reader);
  asked.decimals = reader.integer("decimals", asked.decimals, {0, 6}, "decimals of a value");
  asked.show_cost = reader.flag("show_cost", false, "realised cost fraction beside the value");
  asked.mark = reader.flag("mark", true, "best of each column bold, second underlined; from three seeds on");
  auto const format = read_format(reader);
  reader.done();
  return [asked, format](Studies studies) {
    Pivot pivoted = asked;
    auto names = asked.rows;
    names.insert(names.end(), asked.columns.begin(), asked.columns.end());
    for (auto const& [column, values] : asked.filter) names.push_back(column);
    // What the title says of where training starts and how much is learned from.
    for (auto const* name : {"arch.weights", "data.limit", "train.protocol.total"}) names.emplace_back(name);
    pivoted.title = join(names_of(studies), ", ");
    pivoted.footer = footer(studies);
    auto const results = results_of(studies, names);
    must_be_split(asked.split, results);
    return Finding{.tables = {pivot(results, pivoted)}, .charts = {}, .format = format};
  };
}

}  // namespace eexit::analysis
