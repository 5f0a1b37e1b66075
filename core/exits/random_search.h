// Thresholds by exit from random search (Gormez et al. 2022, E2CM: arXiv 2103.01148): vectors of thresholds are drawn,
// and those are kept that no other one beats.
#pragma once

#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

// How the threshold of an exit is drawn.
// quantile: the share of all rows that are surer there, whether or not they get that far, is U(0, 1); by a chance of
//   one in five all pass the exit by. Confidences may lie close together, as those of class means do: every draw still
//   divides the rows.
// value: the threshold itself is U(0, 1), as published.
enum class Drawn { quantile, value };

class RandomSearch {
 public:
  RandomSearch(ExitTable const&, Drawn);  // the table must outlive it
  // The thresholds of all exits but the last in draw number `i`: a function of i, the exit and its confidences alone.
  // For a single exit one.
  Knobs draw(int i) const;
  // The threshold that a share of all rows, in [0, 1], are strictly above at an exit: to within half a row where no two
  // confidences are equal; equal ones are not split.
  double above(int exit, double share) const;
  Point at(Knobs thresholds) const;  // knobs: the thresholds
  // Of draws 0 to draws - 1, all rows at exit 1 and all at the last: the points that no other one beats in both cost
  // and score, from the cheapest on, and as the last one all rows at the last exit. Reads labels for the scores. Luck
  // decides: unlike those of ascend, the points may be worse than one threshold for all exits.
  std::vector<Point> frontier(int draws) const;

 private:
  ExitTable const& table_;
  Drawn drawn_;
  std::vector<std::vector<double>> surest_;  // by exit but the last: all rows' confidences from the surest on
};

}  // namespace eexit
