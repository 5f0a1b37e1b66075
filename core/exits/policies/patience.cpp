// PBEE (Zhou et al. 2020): a row stops when more than p exits in a row gave the same prediction; the knob is p.
#include <algorithm>
#include <cmath>

#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/tally.h"

namespace eexit::policy {

namespace {

// The longest run so far grows by one at a time, so one walk over a row finds its exit for every patience: where the
// run first gets longer than p.
std::vector<Point> frontier(ExitTable const& table) {
  int const last = table.exits - 1;
  std::vector<Tally> tallies(static_cast<std::size_t>(table.exits), Tally(table, last));
  for (int row = 0; row < table.rows; ++row) {
    int run = 0, longest = 0;
    for (int exit = 0; exit < last; ++exit) {
      bool const same = exit > 0 && table.predicted[table.at(row, exit)] == table.predicted[table.at(row, exit - 1)];
      run = same ? run + 1 : 1;
      if (run > longest) tallies[static_cast<std::size_t>(longest++)].move(table, row, last, exit);
    }
  }
  std::vector<Point> points;
  for (auto const& tally : tallies) points.push_back(tally.point(table, {static_cast<double>(points.size())}));
  return points;
}

Policy at(Knobs const& knobs) {
  if (knobs.size() != 1 || !(knobs[0] >= 0 && knobs[0] <= 1e6) || knobs[0] != std::floor(knobs[0]))
    throw SpecError("policy patience: knobs [" + join(knobs, ", ") +
                    "] (expected one patience, a whole number from 0)");
  return [patience = static_cast<std::size_t>(knobs[0])](std::span<double const>, std::span<int const> predicted) {
    if (predicted.size() <= patience) return false;
    auto const recent = predicted.last(patience + 1);
    return std::all_of(recent.begin(), recent.end(), [&](int answer) { return answer == recent.front(); });
  };
}

}  // namespace

PolicyFamily patience(JsonReader& reader) {
  reader.done();
  auto made = family(frontier, at);
  made.by_confidence = false;
  made.sweep = whole_numbers;
  return made;
}

}  // namespace eexit::policy
