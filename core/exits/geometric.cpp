#include "core/exits/geometric.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/exits/single_threshold.h"
#include "core/exits/tally.h"

namespace eexit {

namespace {

// Beyond these q all rows leave at one end, up to 10^8 of them.
constexpr double largest_log_q = 20;

}  // namespace

Geometric::Geometric(ExitTable const& table) : table_(table) {
  for (int exit = 0; exit < table.exits - 1; ++exit) {
    auto& rows = surest_.emplace_back(static_cast<std::size_t>(table.rows));
    std::iota(rows.begin(), rows.end(), 0);
    std::stable_sort(rows.begin(), rows.end(), [&](int a, int b) {
      return table.confidence[table.at(a, exit)] > table.confidence[table.at(b, exit)];
    });
  }
}

Point Geometric::at(double log_q) const {
  std::vector<double> share;
  // The largest power is 1, so that none overflows.
  for (int k = 0; k < table_.exits; ++k)
    share.push_back(std::exp(log_q > 0 ? log_q * (k - table_.exits + 1) : log_q * k));
  double const sum = std::accumulate(share.begin(), share.end(), 0.0);

  Tally tally(table_, table_.exits - 1);
  Knobs thresholds;
  std::vector<char> gone(static_cast<std::size_t>(table_.rows), 0);
  std::vector<double> still;
  std::vector<int> rows;
  for (int exit = 0; exit < table_.exits - 1; ++exit) {
    auto const k = static_cast<std::size_t>(exit);
    rows.clear();
    still.clear();
    for (int const row : surest_[k]) {
      if (gone[static_cast<std::size_t>(row)]) continue;
      rows.push_back(row);
      still.push_back(table_.confidence[table_.at(row, exit)]);
    }
    auto const leave = nearest_cut(still, share[k] / sum * table_.rows);
    for (std::size_t i = 0; i < leave; ++i) {
      gone[static_cast<std::size_t>(rows[i])] = 1;
      tally.move(table_, rows[i], table_.exits - 1, exit);
    }
    thresholds.push_back(threshold_after(still, leave));
  }
  if (thresholds.empty()) thresholds = {none_leaves};
  return tally.point(table_, std::move(thresholds));
}

Point Geometric::all(double threshold, int exit) const {
  return Tally(table_, exit).point(table_, Knobs(std::max<std::size_t>(surest_.size(), 1), threshold));
}

std::vector<Point> Geometric::frontier() const {
  constexpr int steps = 60;
  std::vector<Point> points = {all(all_leave, 0)};
  for (int i = -steps; i <= steps; ++i) {
    auto point = at(i * std::log(1000.0) / steps);
    if (point.knobs != points.back().knobs) points.push_back(std::move(point));
  }
  auto const last = all(none_leaves, table_.exits - 1);
  if (points.back().knobs != last.knobs) points.push_back(last);
  // Equal confidences and whole rows make the cost step back here and there.
  std::stable_sort(points.begin(), points.end(), [](Point const& a, Point const& b) { return a.cost < b.cost; });
  return points;
}

std::optional<Point> Geometric::within(double cost) const {
  auto const first = all(all_leave, 0), last = all(none_leaves, table_.exits - 1);
  if (last.cost <= cost) return last;
  if (!(first.cost <= cost)) return std::nullopt;
  auto best = first;
  double low = -largest_log_q, high = largest_log_q;
  // Until q is told to one part in 10^10: finer than any table of rows can tell.
  for (int i = 0; i < 40; ++i) {
    double const middle = low + (high - low) / 2;
    auto point = at(middle);
    if (point.cost <= cost) {
      low = middle;
      best = std::move(point);
    } else {
      high = middle;
    }
  }
  return best;
}

}  // namespace eexit
