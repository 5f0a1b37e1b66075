// Operating points whose thresholds are clear of all confidences: another batch size changes the last bits of a
// confidence, and a row that is near a threshold tells nothing about live inference.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/exits/policy.h"

namespace eexit {

// Those knobs of a family that are thresholds: patience is not.
inline std::span<double const> thresholds_of(PolicyFamily const& family, Knobs const& knobs) {
  return family.fitted ? std::span(knobs) : std::span(knobs).last(family.by_confidence ? 1 : 0);
}

// How far the nearest confidence of the table is.
inline double clearance(std::span<double const> thresholds, ExitTable const& table) {
  double least = 1;
  for (double const threshold : thresholds)
    for (double const confidence : table.confidence) least = std::min(least, std::abs(confidence - threshold));
  return least;
}

// The clearest of the frontier's middle half.
inline Knobs clear_point(PolicyFamily const& family, ExitTable const& table) {
  auto const points = family.frontier(table);
  auto const first = points.size() / 4, last = points.size() - points.size() / 4;
  auto const clear = [&](Point const& point) { return clearance(thresholds_of(family, point.knobs), table); };
  return std::max_element(points.begin() + static_cast<long>(first), points.begin() + static_cast<long>(last),
                          [&](Point const& a, Point const& b) { return clear(a) < clear(b); })
      ->knobs;
}

}  // namespace eexit
