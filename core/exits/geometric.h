// Thresholds by exit for budgeted batch classification (MSDNet, Huang et al. 2018): how many rows leave at each exit is
// laid down, confidences only say which. Labels are never read but for a point's score.
#pragma once

#include <optional>
#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

// Shares leaving at exits 1, 2, ... proportional to 1, q, q^2, ... At each exit but the last in turn the surest of
// those still there leave: as many as come nearest to the share without splitting equal confidences (at a draw the
// fewer).
class Geometric {
 public:
  explicit Geometric(ExitTable const&);  // which must outlive it
  Point at(double log_q) const;          // knobs: the thresholds of all exits but the last; for a single exit one
  // A fixed grid of q and both ends: all rows at the first exit, all at the last; from the cheapest on.
  std::vector<Point> frontier() const;
  // The largest q whose mean cost is at most `cost`, by bisection; none when the first exit costs more.
  std::optional<Point> within(double cost) const;

 private:
  Point all(double threshold, int exit) const;
  ExitTable const& table_;
  std::vector<std::vector<int>> surest_;  // by exit but the last: rows from the surest on
};

}  // namespace eexit
