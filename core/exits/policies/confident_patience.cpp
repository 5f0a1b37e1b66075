// PCEE-BERT (Zhang et al. 2022): a row stops when more than p exits in a row were each surer than a threshold t; the
// knobs are p and t.
#include <algorithm>
#include <cmath>

#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/single_threshold.h"

namespace eexit::policy {

namespace {

// The last p + 1 exits are all above t when the least sure of them is: for each patience the rule is one threshold on
// that minimum, from exit p on.
std::vector<Point> frontier(ExitTable const& table) {
  std::vector<Point> all;
  auto least = table.confidence;
  for (int patience = 0; patience == 0 || patience <= table.exits - 2; ++patience) {
    if (patience > 0)
      for (int row = 0; row < table.rows; ++row)
        for (int exit = patience; exit < table.exits; ++exit) {
          auto& value = least[table.at(row, exit)];
          value = std::min(value, table.confidence[table.at(row, exit - patience)]);
        }
    auto points = threshold_frontier(table, least, patience, {static_cast<double>(patience)});
    all.insert(all.end(), std::make_move_iterator(points.begin()), std::make_move_iterator(points.end()));
  }
  std::stable_sort(all.begin(), all.end(), [](Point const& a, Point const& b) { return a.cost < b.cost; });
  return all;
}

Policy at(Knobs const& knobs) {
  if (knobs.size() != 2 || !(knobs[0] >= 0 && knobs[0] <= 1e6) || knobs[0] != std::floor(knobs[0]) ||
      !is_threshold(knobs[1]))
    throw SpecError("policy confident_patience: knobs [" + join(knobs, ", ") +
                    "] (expected a patience, a whole number from 0, and a threshold from -1 to 2)");
  return [patience = static_cast<std::size_t>(knobs[0]), threshold = knobs[1]](std::span<double const> confidence,
                                                                               std::span<int const>) {
    if (confidence.size() <= patience) return false;
    auto const recent = confidence.last(patience + 1);
    return std::all_of(recent.begin(), recent.end(), [&](double sure) { return sure > threshold; });
  };
}

}  // namespace

PolicyFamily confident_patience(JsonReader& reader) {
  reader.done();
  return family(frontier, at);
}

}  // namespace eexit::policy
