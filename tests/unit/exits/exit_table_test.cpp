#include "core/exits/exit_table.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

namespace {

// The most right answers at a budget, over every choice of an exit for every row.
int most_right(ExitTable const& table, double cost) {
  int best = -1;
  std::vector<int> exits(static_cast<std::size_t>(table.rows), 0);
  while (true) {
    double sum = 0;
    int right = 0;
    for (int row = 0; row < table.rows; ++row) {
      int const exit = exits[static_cast<std::size_t>(row)];
      sum += table.cost[static_cast<std::size_t>(exit)];
      right += table.right(row, exit);
    }
    if (sum / table.rows <= cost) best = std::max(best, right);
    std::size_t digit = 0;
    while (digit < exits.size() && ++exits[digit] == table.exits) exits[digit++] = 0;
    if (digit == exits.size()) return best;
  }
}

}  // namespace

TEST_CASE("a table that contradicts itself is refused") {
  auto const good = random_table(1, 4, 3, 5);
  CHECK_NOTHROW(check(good));
  auto const broken = [&](auto change) {
    auto table = good;
    change(table);
    CHECK_THROWS_AS(check(table), std::logic_error);
  };
  broken([](ExitTable& t) { t.rows = 5; });
  broken([](ExitTable& t) { t.rows = 0; });
  broken([](ExitTable& t) { t.label.pop_back(); });
  broken([](ExitTable& t) { t.predicted.push_back(0); });
  broken([](ExitTable& t) { t.cost.pop_back(); });
  broken([](ExitTable& t) { t.cost[1] = t.cost[0]; });
  broken([](ExitTable& t) { t.confidence[7] = 1.0000001; });
  broken([](ExitTable& t) { t.confidence[7] = -1e-9; });
  broken([](ExitTable& t) { t.confidence[7] = std::numeric_limits<double>::quiet_NaN(); });
}

TEST_CASE("simulation: a policy sees its exits so far, never the last, and the counts add up") {
  auto const table = random_table(2, 50, 4, 9);
  std::size_t most_seen = 0;
  auto const outcome = simulate(table, [&](std::span<double const> confidence, std::span<int const> predicted) {
    most_seen = std::max(most_seen, confidence.size());
    REQUIRE(confidence.size() == predicted.size());
    return confidence.back() > 0.8;
  });
  CHECK(most_seen == 3);
  CHECK(std::accumulate(outcome.leaving.begin(), outcome.leaving.end(), 0) == 50);
  double cost = 0;
  int right = 0;
  for (int row = 0; row < 50; ++row) {
    int const exit = outcome.exit[static_cast<std::size_t>(row)];
    cost += table.cost[static_cast<std::size_t>(exit)];
    right += table.right(row, exit);
  }
  CHECK(outcome.cost == Approx(cost / 50));
  CHECK(outcome.score == Approx(right / 50.0));
}

TEST_CASE("the oracle is the best of all ways to let rows leave") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto const table = random_table(seed, 6, 3, 4, 3);
    for (double const fraction : {0.1, 0.3, 0.5, 0.7, 0.9, 1.0}) {
      double const budget = fraction * table.cost.back();
      auto const bound = oracle(table, budget);
      int const best = most_right(table, budget);
      REQUIRE(bound.has_value() == (best >= 0));
      if (!bound) continue;
      CHECK(bound->score == Approx(best / 6.0));
      CHECK(bound->cost <= budget);
      CHECK(oracle(table, bound->cost)->exit == bound->exit);  // a budget that is met exactly is met
      for (int row = 0; row < table.rows; ++row) {
        int const exit = bound->exit[static_cast<std::size_t>(row)];
        CHECK((exit == 0 || table.right(row, exit)));
      }
    }
  }
}

TEST_CASE("the oracle bounds every policy, and lets hopeless rows leave at exit 1") {
  auto const table = random_table(9, 80, 4, 10, 6);
  for (auto const* name : {"threshold", "fixed", "patience"})
    for (auto const& point : make_policy(name).frontier(table)) CHECK(oracle(table, point.cost)->score >= point.score);
  auto const all = oracle(table, table.cost.back());
  for (int row = 0; row < table.rows; ++row) {
    bool hopeless = true;
    for (int exit = 0; exit < table.exits; ++exit) hopeless = hopeless && !table.right(row, exit);
    if (hopeless) CHECK(all->exit[static_cast<std::size_t>(row)] == 0);
  }
}
