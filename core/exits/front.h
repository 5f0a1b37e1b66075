// What a search over thresholds keeps of the points it visits.
#pragma once

#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

// The points so far that no other one beats in both cost and score; of two with the same cost and score the first.
// Sorted out at once: with a threshold for each of many classes, all that are visited would not fit into memory.
class Front {
 public:
  void add(double cost, double score, Knobs const& knobs) {
    auto const dearer = points_.upper_bound(cost);
    if (dearer != points_.begin() && std::prev(dearer)->second.score >= score) return;
    auto const from = points_.lower_bound(cost);
    auto to = from;
    while (to != points_.end() && to->second.score <= score) ++to;
    points_.erase(from, to);
    points_[cost] = {knobs, cost, score};
  }
  std::vector<Point> points() const {  // from the cheapest on
    std::vector<Point> all;
    for (auto const& [cost, point] : points_) all.push_back(point);
    return all;
  }
  // The same with all rows at the last exit as the last point, whether or not another one beats it.
  std::vector<Point> points_up_to(Point last) const {
    auto all = points();
    if (!all.empty() && all.back().cost == last.cost) all.pop_back();
    all.push_back(std::move(last));
    return all;
  }

 private:
  std::map<double, Point> points_;  // by cost; scores rise with it
};

}  // namespace eexit
