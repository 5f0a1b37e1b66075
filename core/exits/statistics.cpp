#include "core/exits/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"

namespace eexit {

Summary summarise(std::span<double const> values) {
  Summary summary;
  summary.n = static_cast<int>(values.size());
  if (values.empty()) return summary;
  summary.mean = std::accumulate(values.begin(), values.end(), 0.0) / summary.n;
  if (summary.n == 1) return summary;
  double squares = 0;
  for (double const value : values) squares += (value - summary.mean) * (value - summary.mean);
  summary.deviation = std::sqrt(squares / (summary.n - 1));
  return summary;
}

double quantile(std::vector<double> values, double q) {
  require(!values.empty(), "a quantile of at least one value");
  require(q >= 0 && q <= 1, "a quantile between 0 and 1");
  std::sort(values.begin(), values.end());
  double const place = q * static_cast<double>(values.size() - 1);
  auto const below = static_cast<std::size_t>(place);
  auto const above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double calibration_error(ExitTable const& table, int exit, int bins) {
  require(bins >= 1, "at least one bin");
  require(exit >= 0 && exit < table.exits, "an exit of the table");
  // The sums of right answers and of confidences differ by count x |accuracy - mean confidence|.
  std::vector<double> gap(static_cast<std::size_t>(bins), 0);
  for (int row = 0; row < table.rows; ++row) {
    double const confidence = table.confidence[table.at(row, exit)];
    // Bins are open below and closed above, as in the paper; 0 belongs to the first.
    int const bin = std::clamp(static_cast<int>(std::ceil(confidence * bins)) - 1, 0, bins - 1);
    gap[static_cast<std::size_t>(bin)] += static_cast<double>(table.right(row, exit)) - confidence;
  }
  double sum = 0;
  for (double const g : gap) sum += std::abs(g);
  return sum / table.rows;
}

double accuracy(ExitTable const& table, int exit) {
  require(exit >= 0 && exit < table.exits, "an exit of the table");
  int right = 0;
  for (int row = 0; row < table.rows; ++row) right += table.right(row, exit);
  return static_cast<double>(right) / table.rows;
}

double area_under(std::vector<Point> const& points, double plain_cost) {
  require(plain_cost > 0, "the plain cost is positive");
  auto sorted = points;
  std::sort(sorted.begin(), sorted.end(), [](Point const& a, Point const& b) { return a.cost < b.cost; });
  double area = 0, best = 0, reached = 0;
  for (auto const& point : sorted) {
    double const x = point.cost / plain_cost;
    if (x > 1) break;
    area += best * (x - reached);
    reached = x;
    best = std::max(best, point.score);
  }
  return area + best * (1 - reached);
}

std::vector<Point> thin(std::vector<Point> const& points, int most) {
  require(most >= 2, "a thinned frontier keeps both ends");
  if (points.size() <= static_cast<std::size_t>(most)) return points;
  double const first = points.front().cost, step = (points.back().cost - first) / (most - 1);
  std::vector<std::size_t> kept = {0};
  // A frontier's costs never fall, so the point nearest to each target is found by walking on from the one before.
  std::size_t at = 0;
  for (int i = 1; i < most - 1; ++i) {
    double const target = first + i * step;
    auto const off = [&](std::size_t j) { return std::abs(points[j].cost - target); };
    while (at + 1 < points.size() && points[at + 1].cost <= target) ++at;
    auto const nearest = at + 1 < points.size() && off(at + 1) < off(at) ? at + 1 : at;
    if (nearest != kept.back()) kept.push_back(nearest);
  }
  if (kept.back() != points.size() - 1) kept.push_back(points.size() - 1);
  std::vector<Point> result;
  for (auto const i : kept) result.push_back(points[i]);
  return result;
}

}  // namespace eexit
