// Summaries of numbers and of tables: mean and deviation, calibration error, accuracy-cost headline numbers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

struct Summary {
  int n = 0;
  double mean = 0;
  std::optional<double> deviation;  // sample deviation (n - 1); none for n = 1
};
Summary summarise(std::span<double const> values);

double quantile(std::vector<double> values, double q);  // linear interpolation between order statistics; q in [0, 1]
double median(std::vector<double> values);

// Expected calibration error of exit `exit`: 15 equal bins of confidence, |accuracy - mean confidence| weighted by the
// bin's share (Guo et al. 2017). Meaningful for the confidence max_probability.
double calibration_error(ExitTable const&, int exit, int bins = 15);

// Share of right answers if every row leaves at `exit`.
double accuracy(ExitTable const&, int exit);

// Area under the best-so-far score over cost / plain_cost in [0, 1]: the score at fraction x is the best of all points
// costing at most x (0 before the cheapest). Points in any order.
double area_under(std::vector<Point> const&, double plain_cost);

// At most `most` points of a frontier, first, last and the ones nearest to equal steps of cost kept, order kept.
std::vector<Point> thin(std::vector<Point> const&, int most = 100);

}  // namespace eexit
