// Coordinate ascent over several thresholds: one machinery for every rule that gives each answer one of a few
// thresholds, by its exit or by the class it predicts.
#pragma once

#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

// A row leaves at the first exit whose confidence is strictly above the threshold of that answer's group.
// group: [rows * exits], from 0; answers of the last exit have none, whatever stands there. groups: how many there are.
//
// A heuristic: for each price in a fixed grid, score - price x cost is raised one threshold at a time until none helps,
// from where the price before ended and from the best single threshold. It ends in local optima; what it promises is
// that at no budget its points are worse on this table than one threshold for all groups.
//
// Returns the points that no other point visited beats in both cost and score, from the cheapest on, and as the last
// one all rows at the last exit. Knobs: the groups' thresholds.
std::vector<Point> ascend(ExitTable const&, std::vector<int> const& group, int groups);

}  // namespace eexit
