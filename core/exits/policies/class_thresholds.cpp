// One threshold for each predicted class, the same at every exit: a row stops when its confidence is strictly above the
// threshold of the class predicted there. The knobs are the thresholds by class; a class beyond them, which no row of
// the calibration table was taken for, never stops early.
#include <algorithm>

#include "core/base/text.h"
#include "core/exits/ascent.h"
#include "core/exits/policy.h"
#include "core/exits/single_threshold.h"

namespace eexit::policy {

namespace {

std::vector<Point> frontier(ExitTable const& table) {
  int const classes = 1 + *std::max_element(table.predicted.begin(), table.predicted.end());
  return ascend(table, table.predicted, classes);
}

Policy at(Knobs const& knobs) {
  if (knobs.empty() || !std::all_of(knobs.begin(), knobs.end(), is_threshold))
    throw SpecError("policy class_thresholds: knobs [" + join(knobs, ", ") +
                    "] (expected one number from -1 to 2 for each class)");
  return [knobs](std::span<double const> confidence, std::span<int const> predicted) {
    auto const answer = static_cast<std::size_t>(predicted.back());
    return answer < knobs.size() && confidence.back() > knobs[answer];
  };
}

}  // namespace

PolicyFamily class_thresholds(JsonReader& reader) {
  reader.done();
  auto made = family(frontier, at);
  made.fitted = true;
  return made;
}

}  // namespace eexit::policy
