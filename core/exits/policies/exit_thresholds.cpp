// One threshold for each exit: a row stops at the first exit whose confidence is strictly above that exit's. The knobs
// are the thresholds of all exits but the last.
#include <algorithm>

#include "core/base/text.h"
#include "core/exits/ascent.h"
#include "core/exits/geometric.h"
#include "core/exits/policy.h"
#include "core/exits/random_search.h"
#include "core/exits/single_threshold.h"

namespace eexit::policy {

namespace {

std::vector<Point> by_ascent(ExitTable const& table) {
  std::vector<int> group(table.confidence.size());
  for (std::size_t at = 0; at < group.size(); ++at)
    group[at] = static_cast<int>(at % static_cast<std::size_t>(table.exits));
  return ascend(table, group, std::max(table.exits - 1, 1));
}

std::vector<Point> by_distribution(ExitTable const& table) { return Geometric(table).frontier(); }

Policy at(Knobs const& knobs) {
  if (knobs.empty() || !std::all_of(knobs.begin(), knobs.end(), is_threshold))
    throw SpecError("policy exit_thresholds: knobs [" + join(knobs, ", ") +
                    "] (expected one number from -1 to 2 for each exit but the last)");
  return [knobs](std::span<double const> confidence, std::span<int const>) {
    if (confidence.size() > knobs.size())
      throw SpecError("policy exit_thresholds: expected a threshold for each exit but the last, found knobs [" +
                      join(knobs, ", ") + "] for " + std::to_string(confidence.size() + 1) + " exits or more");
    return confidence.back() > knobs[confidence.size() - 1];
  };
}

}  // namespace

PolicyFamily exit_thresholds(JsonReader& reader) {
  auto const fit = reader.one_of("fit", "geometric", {"geometric", "ascent", "random"},
                                 "geometric: rows leaving at exits 1, 2, ... as 1, q, q^2, ..., labels unread; "
                                 "ascent: coordinate ascent of accuracy at a price of cost, a heuristic; "
                                 "random: the best of many vectors drawn at random");
  bool const random = fit == "random";
  int const draws = reader.integer_where(random, "draws", 2000, {1, 1000000}, "random: vectors drawn");
  auto const drawn = reader.one_of_where(
      random, "drawn", "quantile", {"quantile", "value"},
      "random: quantile, at each exit the share of rows above the threshold is uniform, none in one "
      "draw of five; value, the threshold is uniform in [0, 1)");
  reader.done();
  auto const by_search = [draws, drawn](ExitTable const& table) {
    return RandomSearch(table, drawn == "value" ? Drawn::value : Drawn::quantile).frontier(draws);
  };
  auto made = random ? family(by_search, at) : family(fit == "ascent" ? by_ascent : by_distribution, at);
  made.fitted = true;
  if (fit == "geometric")
    made.fit = [](ExitTable const& calibration, std::vector<Point> const&, double cost) {
      return Geometric(calibration).within(cost);
    };
  return made;
}

}  // namespace eexit::policy
