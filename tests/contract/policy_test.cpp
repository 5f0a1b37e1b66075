// What every exit rule promises on tables of all kinds.
#include "core/exits/policy.h"
#include "core/base/stream.h"
#include "tests/contract/readers.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

// Random answers; `levels` > 0 makes equal confidences common.
ExitTable random_table(int rows, int exits, int levels, std::uint64_t seed) {
  Random random(seed);
  ExitTable table;
  table.rows = rows;
  table.exits = exits;
  double cost = 0;
  for (int k = 0; k < exits; ++k) table.cost.push_back(cost += 1 + random.uniform());
  table.plain_cost = cost;
  for (int row = 0; row < rows; ++row) {
    table.sample.push_back(row);
    table.label.push_back(random.below(3));
    for (int k = 0; k < exits; ++k) {
      table.predicted.push_back(random.below(3));
      table.confidence.push_back(levels > 0 ? random.below(levels + 1) / static_cast<double>(levels)
                                            : random.uniform());
    }
  }
  check(table);
  return table;
}

std::vector<ExitTable> tables() {
  return {random_table(60, 4, 0, 1), random_table(60, 5, 3, 2), random_table(1, 3, 0, 3), random_table(40, 1, 0, 4),
          random_table(30, 2, 1, 5)};
}

template <class Check>
void for_every_family(Check const& check_family) {
  for (auto const& entry : policies()) {
    INFO(entry.name);
    auto reader = empty_reader();
    check_family(entry.make(reader));
  }
}

}  // namespace

TEST_CASE("policies refuse what they do not know", "[contract]") { check_refusals(policies()); }

TEST_CASE("every point of a frontier is what simulation gives, from the cheapest on", "[contract]") {
  for_every_family([](PolicyFamily const& family) {
    for (auto const& table : tables()) {
      auto const points = family.frontier(table);
      REQUIRE_FALSE(points.empty());
      double before = 0;
      for (auto const& point : points) {
        auto const outcome = simulate(table, family.at(point.knobs));
        CHECK(point.cost == outcome.cost);
        CHECK(point.score == outcome.score);
        CHECK(point.cost >= before);
        before = point.cost;
      }
      // Both ends are there: all rows at the first exit, and none before the last.
      CHECK(points.front().cost == Approx(table.cost.front()).epsilon(1e-12));
      CHECK(points.back().cost == Approx(table.cost.back()).epsilon(1e-12));
    }
  });
}

TEST_CASE("a fit costs no more than asked and is the best of an exact frontier", "[contract]") {
  for_every_family([](PolicyFamily const& family) {
    for (auto const& table : tables()) {
      auto const points = family.frontier(table);
      CHECK_FALSE(family.fit(table, points, table.cost.front() * 0.99).has_value());
      for (double const share : {0.3, 0.5, 0.8, 1.0}) {
        double const cost = share * table.cost.back();
        auto const fitted = family.fit(table, points, cost);
        double best = -1;
        for (auto const& point : points)
          if (point.cost <= cost) best = std::max(best, point.score);
        REQUIRE(fitted.has_value() == (best >= 0));
        if (!fitted) continue;
        CHECK(fitted->cost <= cost);
        // Points that are fitted may be finer than those of the frontier, which is then a grid.
        if (!family.fitted) CHECK(fitted->score == best);
        CHECK(simulate(table, family.at(fitted->knobs)).cost == fitted->cost);
      }
    }
  });
}

// Permuted labels may change which point is best, never what the points are.
TEST_CASE("labels change no operating point but of rules fitted to them", "[contract]") {
  for_every_family([](PolicyFamily const& family) {
    if (family.fitted) return;
    auto table = random_table(50, 4, 0, 6);
    auto const before = family.frontier(table);
    std::rotate(table.label.begin(), table.label.begin() + 7, table.label.end());
    auto const after = family.frontier(table);
    REQUIRE(after.size() == before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(after[i].knobs == before[i].knobs);
      CHECK(after[i].cost == before[i].cost);
    }
  });
}

TEST_CASE("a wrong number of knobs is refused", "[contract]") {
  for_every_family([](PolicyFamily const& family) {
    auto const knobs = family.frontier(random_table(5, 3, 0, 7)).front().knobs;
    CHECK_THROWS_AS(family.at({}), SpecError);
    auto more = knobs;
    more.push_back(0);
    // A rule with a threshold for each exit or class takes any number of them.
    if (!family.fitted) CHECK_THROWS_AS(family.at(more), SpecError);
    auto beyond = knobs;
    beyond.back() = 2.5;
    if (family.by_confidence) CHECK_THROWS_AS(family.at(beyond), SpecError);
    auto not_a_number = knobs;
    not_a_number[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(family.at(not_a_number), SpecError);
  });
}

TEST_CASE("a higher threshold never lowers mean cost", "[contract]") {
  auto reader = empty_reader();
  auto const family = find(policies(), "policy", "threshold", "test").make(reader);
  for (auto const& table : tables()) {
    double before = 0;
    for (int i = -10; i <= 120; ++i) {
      double const cost = simulate(table, family.at({i / 100.0})).cost;
      CHECK(cost >= before);
      before = cost;
    }
  }
}

}  // namespace eexit
