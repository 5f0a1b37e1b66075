// Every row stops at the same exit; the knob is its index from 0.
#include <cmath>

#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/tally.h"

namespace eexit::policy {

namespace {

std::vector<Point> frontier(ExitTable const& table) {
  std::vector<Point> points;
  for (int exit = 0; exit < table.exits; ++exit)
    points.push_back(Tally(table, exit).point(table, {static_cast<double>(exit)}));
  return points;
}

Policy at(Knobs const& knobs) {
  if (knobs.size() != 1 || !(knobs[0] >= 0 && knobs[0] <= 1e6) || knobs[0] != std::floor(knobs[0]))
    throw SpecError("policy fixed: knobs [" + join(knobs, ", ") + "] (expected one exit index, a whole number from 0)");
  return [exit = static_cast<std::size_t>(knobs[0])](std::span<double const>, std::span<int const> predicted) {
    return predicted.size() > exit;
  };
}

}  // namespace

PolicyFamily fixed(JsonReader& reader) {
  reader.done();
  auto made = family(frontier, at);
  made.by_confidence = false;
  made.sweep = whole_numbers;
  return made;
}

}  // namespace eexit::policy
