#include "core/report/ranking.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/exits/statistics.h"

namespace eexit::pivots {

namespace {

struct Entrant {
  std::size_t row = 0, column = 0;
  int seeds = 0;
  double value = 0;  // as printed; higher is better
};

using Groups = std::map<Texts, std::vector<Entrant>>;

Groups groups_of(Grid const& grid, Pivot const& pivot, bool across) {
  Groups groups;
  for (std::size_t r = 0; r < grid.rows().size(); ++r)
    for (std::size_t c = 0; c < grid.columns().size(); ++c) {
      auto const found = grid.rows()[r].cells.find(grid.columns()[c]);
      if (found == grid.rows()[r].cells.end()) continue;
      auto const& items = found->second.items;
      auto const& first = items.front();
      bool const whole = std::all_of(items.begin(), items.end(), [](Item const& item) {
        return item.section == Section::run && item.state == Item::State::value && !item.from->over_budget;
      });
      if (!whole) continue;
      std::vector<double> values;
      for (auto const& item : items) values.push_back(*item.from->value);
      auto const& metric = first.from->metric;
      auto const printed = fixed(summarise(values).mean * (in_percent(metric) ? 100 : 1), pivot.decimals);
      double const sign = metric.starts_with("cost") ? -1 : 1;
      Texts key = {across ? "row " + std::to_string(r) : "column " + std::to_string(c)};
      for (auto const* name : {"arch", "data", "protocol", "split", "metric", "budget", "convention"})
        key.push_back(text_of(first, name));
      groups[key].push_back({r, c, static_cast<int>(items.size()), sign * parse_double(printed, metric)});
    }
  return groups;
}

}  // namespace

Ranking rank(Grid const& grid, Pivot const& pivot) {
  Ranking ranking;
  ranking.marks.assign(grid.rows().size(), std::vector<Emphasis>(grid.columns().size(), Emphasis::none));
  auto groups = groups_of(grid, pivot, false);
  ranking.across = std::all_of(groups.begin(), groups.end(), [](auto const& g) { return g.second.size() < 2; });
  if (ranking.across) groups = groups_of(grid, pivot, true);
  for (auto const& [key, group] : groups) {
    if (group.size() < 2) continue;
    if (std::any_of(group.begin(), group.end(), [](Entrant const& e) { return e.seeds < fewest_seeds; })) {
      ranking.too_few = true;
      continue;
    }
    std::set<double, std::greater<>> values;
    for (auto const& entrant : group) values.insert(entrant.value);
    for (auto const& entrant : group) {
      auto const place = std::distance(values.begin(), values.find(entrant.value));
      if (place < 2) ranking.marks[entrant.row][entrant.column] = place == 0 ? Emphasis::best : Emphasis::second;
    }
    ranking.some = true;
  }
  return ranking;
}

}  // namespace eexit::pivots
