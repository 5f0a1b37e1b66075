#include <set>

#include "core/analysis/analysis.h"
#include "core/base/text.h"

namespace eexit::analysis {

Analyse table(JsonReader& reader) {
  Pivot pivot_of;
  pivot_of.rows = reader.texts("rows", pivot_of.rows, "columns of results.csv that name a row");
  pivot_of.column = reader.text("column", pivot_of.column, "column of results.csv whose values stand across");
  pivot_of.metric = reader.text("metric", pivot_of.metric, "metric shown: accuracy, auc, cost_at_0, ...");
  pivot_of.split = reader.one_of("split", pivot_of.split, {"test", "cal"}, "which rows");
  pivot_of.policy = reader.text("policy", "", "exit rule shown; empty: the first in the file");
  pivot_of.confidence = reader.text("confidence", "", "confidence shown; empty: the first in the file");
  pivot_of.decimals = reader.integer("decimals", pivot_of.decimals, {0, 6}, "decimals of a value");
  pivot_of.show_cost = reader.flag("show_cost", false, "realised cost fraction beside the value");
  reader.done();
  return [pivot_of](Study const& study) {
    Pivot asked = pivot_of;
    bool const accuracy = asked.metric == "accuracy" || asked.metric == "auc";
    asked.scale = accuracy ? 100 : 1;
    asked.title = study.name;
    asked.footer = footer(study);
    return Finding{.tables = {pivot(study.results, asked)}, .charts = {}};
  };
}

}  // namespace eexit::analysis
