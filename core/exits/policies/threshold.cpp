// One threshold for all exits: a row stops at the first exit whose confidence is strictly above it.
#include <algorithm>

#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/tally.h"

namespace eexit::policy {

namespace {

constexpr double all_leave = -1, none_leaves = 2;

// When the threshold reaches `value`, `row` moves on from exit `from` to exit `to`.
struct Event {
  double value;
  int row, from, to;
};

// A row leaves at the first exit above the threshold, so only exits that beat all earlier ones are ever left at: it
// moves from one such record to the next, and after the last record to the last exit.
std::vector<Event> events_of(ExitTable const& table) {
  std::vector<Event> events;
  for (int row = 0; row < table.rows; ++row) {
    int record = 0;
    for (int exit = 1; exit < table.exits; ++exit) {
      double const highest = table.confidence[table.at(row, record)];
      bool const last = exit == table.exits - 1;
      if (!last && !(table.confidence[table.at(row, exit)] > highest)) continue;
      events.push_back({highest, row, record, exit});
      record = exit;
    }
  }
  return events;
}

// A number t with low <= t < high. Half way between two adjacent doubles rounds onto one of them, maybe the upper.
double between(double low, double high) {
  double const middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

// Cost and score come from counts, not from running sums of costs: so they equal simulate() bit for bit.
std::vector<Point> frontier(ExitTable const& table) {
  auto events = events_of(table);
  std::sort(events.begin(), events.end(), [](Event const& a, Event const& b) { return a.value < b.value; });

  Tally tally(table, 0);
  std::vector<Point> points = {tally.point(table, {all_leave})};
  for (std::size_t i = 0; i < events.size();) {
    double const value = events[i].value;
    for (; i < events.size() && events[i].value == value; ++i)
      tally.move(table, events[i].row, events[i].from, events[i].to);
    double const threshold = i < events.size() ? between(value, events[i].value) : none_leaves;
    points.push_back(tally.point(table, {threshold}));
  }
  return points;
}

Policy at(Knobs const& knobs) {
  if (knobs.size() != 1 || !(knobs[0] >= all_leave && knobs[0] <= none_leaves))
    throw SpecError("policy threshold: knobs [" + join(knobs, ", ") + "] (expected one number from -1 to 2)");
  return [threshold = knobs[0]](std::span<double const> confidence, std::span<int const>) {
    return confidence.back() > threshold;
  };
}

}  // namespace

PolicyFamily threshold(JsonReader& reader) {
  reader.done();
  return family(frontier, at);
}

}  // namespace eexit::policy
