// One threshold for all exits: a row stops at the first exit whose confidence is strictly above it.
#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/single_threshold.h"

namespace eexit::policy {

namespace {

std::vector<Point> frontier(ExitTable const& table) { return threshold_frontier(table, table.confidence); }

Policy at(Knobs const& knobs) {
  if (knobs.size() != 1 || !is_threshold(knobs[0]))
    throw SpecError("policy threshold: knobs [" + join(knobs, ", ") + "] (expected one number from -1 to 2)");
  return [threshold = knobs[0]](std::span<double const> confidence, std::span<int const>) {
    return confidence.back() > threshold;
  };
}

// The reference benchmark's sweep (facts: evaluation 1): linspace(0, 1, 100) inclusive.
std::vector<Knobs> sweep(int) {
  std::vector<Knobs> thresholds;
  for (int i = 0; i < 100; ++i) thresholds.push_back({i / 99.0});
  return thresholds;
}

}  // namespace

PolicyFamily threshold(JsonReader& reader) {
  reader.done();
  auto made = family(frontier, at);
  made.sweep = sweep;
  return made;
}

}  // namespace eexit::policy
