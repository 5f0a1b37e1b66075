#include "core/exits/random_search.h"

#include <algorithm>
#include <functional>
#include <string>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "core/exits/front.h"
#include "core/exits/single_threshold.h"
#include "core/exits/tally.h"

namespace eexit {

namespace {

constexpr double passed_by = 0.2;  // the chance that a quantile lets none leave

}  // namespace

RandomSearch::RandomSearch(ExitTable const& table, Drawn drawn) : table_(table), drawn_(drawn) {
  for (int exit = 0; exit < table.exits - 1; ++exit) {
    auto& sorted = surest_.emplace_back();
    for (int row = 0; row < table.rows; ++row) sorted.push_back(table.confidence[table.at(row, exit)]);
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
  }
}

Knobs RandomSearch::draw(int i) const {
  Random random(stream_seed(0, {"exit_thresholds", "random", std::to_string(i)}));
  Knobs thresholds;
  for (int exit = 0; exit < table_.exits - 1; ++exit) {
    if (drawn_ == Drawn::value) {
      thresholds.push_back(random.uniform());
      continue;
    }
    // Both numbers are drawn in either case: so the next exit's do not depend on this one's.
    bool const none = random.uniform() < passed_by;
    double const share = random.uniform();
    thresholds.push_back(none ? none_leaves : above(exit, share));
  }
  if (thresholds.empty()) thresholds = {none_leaves};
  return thresholds;
}

double RandomSearch::above(int exit, double share) const {
  auto const& sorted = surest_.at(static_cast<std::size_t>(exit));
  return threshold_after(sorted, nearest_cut(sorted, share * table_.rows));
}

Point RandomSearch::at(Knobs thresholds) const {
  require(thresholds.size() >= surest_.size(), "a threshold for each exit but the last");
  int const last = table_.exits - 1;
  Tally tally(table_, last);
  for (int row = 0; row < table_.rows; ++row) {
    double const* const confidence = table_.confidence.data() + table_.at(row, 0);
    int exit = 0;
    while (exit < last && !(confidence[exit] > thresholds[static_cast<std::size_t>(exit)])) ++exit;
    if (exit < last) tally.move(table_, row, last, exit);
  }
  return tally.point(table_, std::move(thresholds));
}

std::vector<Point> RandomSearch::frontier(int draws) const {
  auto const alike = [&](double threshold) { return at(Knobs(std::max<std::size_t>(surest_.size(), 1), threshold)); };
  Front front;
  auto const add = [&](Point const& point) { front.add(point.cost, point.score, point.knobs); };
  auto const last = alike(none_leaves);
  add(last);
  add(alike(all_leave));
  for (int i = 0; i < draws; ++i) add(at(draw(i)));
  return front.points_up_to(last);
}

}  // namespace eexit
