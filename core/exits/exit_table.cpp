#include "core/exits/exit_table.h"

#include "core/base/error.h"
#include "core/exits/tally.h"

namespace eexit {

void check(ExitTable const& table) {
  require(table.rows >= 1 && table.exits >= 1, "an exit table has rows and exits");
  auto const rows = static_cast<std::size_t>(table.rows), exits = static_cast<std::size_t>(table.exits);
  require(table.sample.size() == rows && table.label.size() == rows, "one sample and one label a row");
  require(table.predicted.size() == rows * exits && table.confidence.size() == rows * exits,
          "one prediction and one confidence a row and exit");
  require(table.value.empty() || table.value.size() == rows * exits, "no values, or one a row and exit");
  require(table.cost.size() == exits, "one cost an exit");
  // The comparison is written so that NaN fails too.
  for (double const c : table.confidence) require(c >= 0 && c <= 1, "confidences lie in [0, 1]");
  for (std::size_t k = 1; k < exits; ++k) require(table.cost[k] > table.cost[k - 1], "costs rise strictly");
}

double mean_cost(std::span<int const> leaving, std::span<double const> cost) {
  double sum = 0;
  long rows = 0;
  for (std::size_t k = 0; k < leaving.size(); ++k) {
    sum += leaving[k] * cost[k];
    rows += leaving[k];
  }
  return sum / static_cast<double>(rows);
}

Outcome simulate(ExitTable const& table, Policy const& policy) {
  Outcome outcome;
  outcome.exit.reserve(static_cast<std::size_t>(table.rows));
  outcome.leaving.assign(static_cast<std::size_t>(table.exits), 0);
  int right = 0;
  for (int row = 0; row < table.rows; ++row) {
    double const* confidence = table.confidence.data() + table.at(row, 0);
    int const* predicted = table.predicted.data() + table.at(row, 0);
    int exit = 0;
    for (; exit < table.exits - 1; ++exit) {
      auto const visited = static_cast<std::size_t>(exit) + 1;
      if (policy({confidence, visited}, {predicted, visited})) break;
    }
    outcome.exit.push_back(exit);
    ++outcome.leaving[static_cast<std::size_t>(exit)];
    right += table.right(row, exit);
  }
  outcome.cost = mean_cost(outcome.leaving, table.cost);
  outcome.score = static_cast<double>(right) / table.rows;
  return outcome;
}

std::optional<Outcome> oracle(ExitTable const& table, double cost) {
  // All rows start at exit 1. A row is worth promoting only to its first right exit, and every promotion gains one
  // right answer, so the cheapest promotions first gain the most. Costs rise with the exit: go exit by exit.
  Outcome outcome;
  outcome.exit.assign(static_cast<std::size_t>(table.rows), 0);
  outcome.leaving.assign(static_cast<std::size_t>(table.exits), 0);
  outcome.leaving[0] = table.rows;
  if (!(mean_cost(outcome.leaving, table.cost) <= cost)) return std::nullopt;

  std::vector<std::vector<int>> first_right(static_cast<std::size_t>(table.exits));
  for (int row = 0; row < table.rows; ++row)
    for (int exit = 0; exit < table.exits; ++exit)
      if (table.right(row, exit)) {
        first_right[static_cast<std::size_t>(exit)].push_back(row);
        break;
      }

  auto right = first_right[0].size();
  bool within = true;
  for (std::size_t exit = 1; exit < first_right.size() && within; ++exit)
    for (int const row : first_right[exit]) {
      --outcome.leaving[0];
      ++outcome.leaving[exit];
      within = mean_cost(outcome.leaving, table.cost) <= cost;
      if (!within) {
        ++outcome.leaving[0];
        --outcome.leaving[exit];
        break;
      }
      outcome.exit[static_cast<std::size_t>(row)] = static_cast<int>(exit);
      ++right;
    }
  outcome.cost = mean_cost(outcome.leaving, table.cost);
  outcome.score = static_cast<double>(right) / table.rows;
  return outcome;
}

}  // namespace eexit
