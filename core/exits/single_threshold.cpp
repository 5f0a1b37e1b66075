#include "core/exits/single_threshold.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/exits/tally.h"

namespace eexit {

namespace {

// When the threshold reaches `value`, `row` moves on from exit `from` to exit `to`.
struct Event {
  double value;
  int row, from, to;
};

// A row leaves at the first exit above the threshold, so only exits that beat all earlier ones are ever left at: it
// moves from one such record to the next, and after the last record to the last exit.
std::vector<Event> events_of(ExitTable const& table, std::vector<double> const& confidence, int first) {
  std::vector<Event> events;
  for (int row = 0; row < table.rows; ++row) {
    int record = first;
    for (int exit = first + 1; exit < table.exits; ++exit) {
      double const highest = confidence[table.at(row, record)];
      bool const last = exit == table.exits - 1;
      if (!last && !(confidence[table.at(row, exit)] > highest)) continue;
      events.push_back({highest, row, record, exit});
      record = exit;
    }
  }
  return events;
}

}  // namespace

std::size_t nearest_cut(std::vector<double> const& surest_first, double wanted) {
  auto const size = surest_first.size();
  auto const near = std::min(size, static_cast<std::size_t>(std::max(wanted, 0.0)));
  auto const splits = [&](std::size_t count) {
    return count > 0 && count < size && surest_first[count - 1] == surest_first[count];
  };
  auto low = near, high = near;
  while (splits(low)) --low;
  if (high < size && static_cast<double>(high) < wanted) ++high;
  while (splits(high)) ++high;
  return static_cast<double>(high) - wanted < wanted - static_cast<double>(low) ? high : low;
}

double threshold_after(std::vector<double> const& surest_first, std::size_t count) {
  if (count == surest_first.size()) return all_leave;
  if (count == 0) return none_leaves;
  return between(surest_first[count], surest_first[count - 1]);
}

// Cost and score come from counts, not from running sums of costs: so they equal simulate() bit for bit.
std::vector<Point> threshold_frontier(ExitTable const& table, std::vector<double> const& confidence, int first,
                                      Knobs const& before) {
  require(first >= 0 && first < table.exits, "a frontier starts at an exit of the table");
  auto events = events_of(table, confidence, first);
  std::sort(events.begin(), events.end(), [](Event const& a, Event const& b) { return a.value < b.value; });

  Tally tally(table, first);
  auto const point = [&](double threshold) {
    Knobs knobs;
    knobs.reserve(before.size() + 1);
    knobs = before;
    knobs.push_back(threshold);
    return tally.point(table, std::move(knobs));
  };
  std::vector<Point> points = {point(all_leave)};
  points.reserve(events.size() + 1);
  for (std::size_t i = 0; i < events.size();) {
    double const value = events[i].value;
    for (; i < events.size() && events[i].value == value; ++i)
      tally.move(table, events[i].row, events[i].from, events[i].to);
    points.push_back(point(i < events.size() ? between(value, events[i].value) : none_leaves));
  }
  return points;
}

}  // namespace eexit
