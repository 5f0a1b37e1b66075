#include "core/exits/ascent.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/exits/front.h"
#include "core/exits/single_threshold.h"
#include "core/exits/tally.h"

namespace eexit {

namespace {

struct Cell {
  double value;
  int row, exit;
};

// Where every row leaves at the present thresholds. One threshold is changed at a time, and then only rows with an
// answer in its group are looked at.
class Ascent {
 public:
  Ascent(ExitTable const& table, std::vector<int> const& group, int groups)
      : table_(table), cells_(static_cast<std::size_t>(groups)), tally_(table, table.exits - 1) {
    require(groups >= 1 && group.size() == table.confidence.size(), "one group a row and exit");
    for (int row = 0; row < table.rows; ++row)
      for (int exit = 0; exit < table.exits - 1; ++exit) {
        auto const at = table.at(row, exit);
        cells_.at(static_cast<std::size_t>(group[at])).push_back({table.confidence[at], row, exit});
      }
    for (auto& cells : cells_)
      std::sort(cells.begin(), cells.end(), [](Cell const& a, Cell const& b) { return a.value < b.value; });
    start(Knobs(cells_.size(), none_leaves));
  }

  void start(Knobs const& thresholds) {
    thresholds_ = thresholds;
    tally_ = Tally(table_, table_.exits - 1);
    exit_.assign(static_cast<std::size_t>(table_.rows), table_.exits - 1);
    fires_.assign(table_.confidence.size(), 0);
    for (int row = 0; row < table_.rows; ++row) fires_[table_.at(row, table_.exits - 1)] = 1;
    for (std::size_t g = 0; g < cells_.size(); ++g) open(g, thresholds_[g]);
  }

  // Raises score - price x cost until no single threshold helps; every stop on the way is added to `visited`. It ends:
  // the worth rises strictly, and it depends on where rows leave alone.
  void climb(double price, Front& visited) {
    bool better = true;
    while (better) {
      better = false;
      for (std::size_t g = 0; g < cells_.size(); ++g) {
        if (!improve(g, price)) continue;
        better = true;
        visited.add(cost(), score(), thresholds_);
      }
    }
  }

  Knobs const& thresholds() const { return thresholds_; }
  double cost() const { return mean_cost(tally_.leaving, table_.cost); }
  double score() const { return static_cast<double>(tally_.right) / table_.rows; }
  double worth(double price) const { return score() - price * cost(); }

 private:
  // Answers of the group above the threshold fire again; rows that they catch leave earlier.
  void open(std::size_t g, double threshold) {
    auto const& cells = cells_[g];
    for (auto cell = cells.rbegin(); cell != cells.rend() && cell->value > threshold; ++cell) {
      fires_[table_.at(cell->row, cell->exit)] = 1;
      int& exit = exit_[static_cast<std::size_t>(cell->row)];
      if (cell->exit >= exit) continue;
      tally_.move(table_, cell->row, exit, cell->exit);
      exit = cell->exit;
    }
  }

  // The answer fires no more. True when its row left there and moves on.
  bool shut(Cell const& cell) {
    fires_[table_.at(cell.row, cell.exit)] = 0;
    int& exit = exit_[static_cast<std::size_t>(cell.row)];
    if (exit != cell.exit) return false;
    int next = exit + 1;
    while (!fires_[table_.at(cell.row, next)]) ++next;
    tally_.move(table_, cell.row, exit, next);
    exit = next;
    return true;
  }

  // Tries every threshold of one group, from the lowest up, and keeps the best. True when that is strictly better than
  // the present one.
  bool improve(std::size_t g, double price) {
    auto const& cells = cells_[g];
    double best = worth(price), chosen = thresholds_[g];
    bool better = false;
    auto const consider = [&](double threshold) {
      double const found = worth(price);
      if (!(found > best)) return;
      best = found;
      chosen = threshold;
      better = true;
    };
    open(g, all_leave);
    consider(all_leave);
    for (std::size_t i = 0; i < cells.size();) {
      double const value = cells[i].value;
      bool moved = false;
      for (; i < cells.size() && cells[i].value == value; ++i) moved = shut(cells[i]) || moved;
      if (moved) consider(i < cells.size() ? between(value, cells[i].value) : none_leaves);
    }
    open(g, chosen);
    thresholds_[g] = chosen;
    return better;
  }

  ExitTable const& table_;
  std::vector<std::vector<Cell>> cells_;  // by group, in order of confidence
  Knobs thresholds_;                      // by group
  std::vector<char> fires_;               // [rows * exits]; the last exit always does
  std::vector<int> exit_;                 // [rows]: the first that fires
  Tally tally_;
};

// What the whole way to the last exit may cost, in score: from where none but the last digits count to where cost alone
// does.
std::vector<double> prices(ExitTable const& table) {
  std::vector<double> all;
  for (int i = 0; i <= 40; ++i) all.push_back(std::pow(10.0, i / 8.0 - 4) / table.cost.back());
  return all;
}

}  // namespace

std::vector<Point> ascend(ExitTable const& table, std::vector<int> const& group, int groups) {
  auto const alike = [&](double threshold) { return Knobs(static_cast<std::size_t>(groups), threshold); };
  Front singles;
  for (auto const& point : threshold_frontier(table, table.confidence))
    singles.add(point.cost, point.score, point.knobs);
  auto const single = singles.points();
  Front visited;
  for (auto const& point : single) visited.add(point.cost, point.score, alike(point.knobs[0]));

  Ascent ascent(table, group, groups);
  auto before = alike(none_leaves);
  for (double const price : prices(table)) {
    ascent.start(before);
    ascent.climb(price, visited);
    double const worth = ascent.worth(price);
    before = ascent.thresholds();
    auto const best = std::max_element(single.begin(), single.end(), [&](Point const& a, Point const& b) {
      return a.score - price * a.cost < b.score - price * b.cost;
    });
    ascent.start(alike(best->knobs[0]));
    ascent.climb(price, visited);
    if (ascent.worth(price) > worth) before = ascent.thresholds();
  }

  ascent.start(alike(none_leaves));
  return visited.points_up_to({ascent.thresholds(), ascent.cost(), ascent.score()});
}

}  // namespace eexit
