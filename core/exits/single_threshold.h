// What rules with thresholds share: the ends of the scale, the gap between two confidences, the threshold that so many
// rows are above, and the exact frontier of one threshold for all exits.
#pragma once

#include <cstddef>
#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

inline constexpr double all_leave = -1, none_leaves = 2;  // below and above every confidence

inline bool is_threshold(double knob) { return knob >= all_leave && knob <= none_leaves; }  // false for NaN

// A number t with low <= t < high. Half way between two adjacent doubles rounds onto one of them, maybe the upper.
inline double between(double low, double high) {
  double const middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

// How many of these confidences, sorted from the surest on, are cut off when that is to come nearest to `wanted` of
// them without splitting equal ones; at a draw the fewer.
std::size_t nearest_cut(std::vector<double> const& surest_first, double wanted);

// The threshold that the first `count` of these confidences alone are strictly above; none_leaves for none of them,
// all_leave for all. A count that splits equal ones has no such threshold; nearest_cut gives none like that.
double threshold_after(std::vector<double> const& surest_first, std::size_t count);

// Every operating point of "leave at the first exit from `first` on that is above the threshold", from the cheapest
// on: all rows at `first` to all rows at the last exit. confidence: [rows * exits], in place of the table's own; knobs:
// `before`, then the threshold.
std::vector<Point> threshold_frontier(ExitTable const&, std::vector<double> const& confidence, int first = 0,
                                      Knobs const& before = {});

}  // namespace eexit
