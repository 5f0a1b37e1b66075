#include "core/exits/policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

namespace {

bool same(Point const& point, Outcome const& outcome) {
  return point.cost == outcome.cost && point.score == outcome.score;
}

// Three rows, three exits; worked by hand in the tests below.
ExitTable small_table() {
  ExitTable table;
  table.rows = 3;
  table.exits = 3;
  table.sample = {0, 1, 2};
  table.label = {0, 1, 2};
  table.predicted = {0, 0, 0,          // right at once
                     0, 0, 1,          // right at the end
                     2, 2, 1};         // right at first
  table.confidence = {0.9, 0.5, 0.99,  //
                      0.4, 0.6, 0.7,   //
                      0.4, 0.4, 0.9};
  table.cost = {10, 20, 40};
  table.plain_cost = 30;
  return table;
}

}  // namespace

TEST_CASE("the registry knows the policies by their names") {
  CHECK(names(policies()) == std::vector<std::string>{"threshold", "fixed", "patience", "confident_patience",
                                                      "exit_thresholds", "class_thresholds"});
}

TEST_CASE("threshold: the frontier of a table worked by hand") {
  auto const points = make_policy("threshold").frontier(small_table());
  // At 0.4 rows 1 and 2 move together (row 2 over exit 2, whose equal confidence never fires), at 0.6 row 1 goes on,
  // at 0.9 row 0 goes straight to the last exit.
  REQUIRE(points.size() == 4);
  CHECK(points[0].knobs == Knobs{-1});
  CHECK(points[1].knobs[0] == Approx(0.5));
  CHECK(points[2].knobs[0] == Approx(0.75));
  CHECK(points[3].knobs == Knobs{2});
  std::vector<double> costs, scores;
  for (auto const& point : points) {
    costs.push_back(point.cost * 3);
    scores.push_back(point.score * 3);
  }
  CHECK(costs == std::vector<double>{30, 70, 90, 120});
  CHECK(scores == std::vector<double>{2, 1, 2, 2});
}

TEST_CASE("threshold: the frontier is the simulation at every threshold, ties included") {
  auto const family = make_policy("threshold");
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    auto const table = random_table(seed, 1 + static_cast<int>(seed) % 40, 1 + static_cast<int>(seed) % 6,
                                    static_cast<int>(seed % 3) * 4);
    auto const points = family.frontier(table);
    bool exact = true, rising = true;
    for (std::size_t i = 0; i < points.size(); ++i) {
      exact = exact && same(points[i], simulate(table, family.at(points[i].knobs)));
      if (i > 0) rising = rising && points[i].knobs > points[i - 1].knobs && points[i].cost > points[i - 1].cost;
    }
    CHECK(exact);
    CHECK(rising);
    CHECK(points.front().knobs == Knobs{-1});

    // Nothing is left out: every threshold there can be gives one of the points.
    std::set<double> candidates(table.confidence.begin(), table.confidence.end());
    for (double const c : std::set<double>(candidates)) candidates.insert(std::nextafter(c, -1.0));
    candidates.insert({-1.0, 0.0, 1.0, 2.0});
    bool complete = true;
    for (double const t : candidates) {
      auto const outcome = simulate(table, family.at({t}));
      auto const next = std::find_if(points.begin(), points.end(), [&](Point const& p) { return p.knobs[0] > t; });
      bool const before = next != points.begin() && same(*(next - 1), outcome);
      complete = complete && (before || (next != points.end() && same(*next, outcome)));
    }
    CHECK(complete);
  }
}

TEST_CASE("threshold: end points, and one exit only") {
  auto const family = make_policy("threshold");
  auto const table = random_table(5, 30, 4, 0);
  auto const points = family.frontier(table);
  CHECK(points.back().knobs == Knobs{2});
  CHECK(simulate(table, family.at({-1})).leaving == std::vector<int>{30, 0, 0, 0});
  CHECK(simulate(table, family.at({2})).leaving == std::vector<int>{0, 0, 0, 30});

  CHECK(family.frontier(random_table(5, 30, 1, 0)).size() == 1);
}

TEST_CASE("threshold: between adjacent doubles the lower one is the threshold") {
  ExitTable table;
  table.rows = 2;
  table.exits = 2;
  table.sample = table.label = {0, 1};
  table.predicted = {0, 0, 1, 1};
  for (double const low : {0.3, std::nextafter(0.3, 1.0), 0.0, std::nextafter(1.0, 0.0)}) {
    double const high = std::nextafter(low, 2.0);
    table.confidence = {low, 0, high, 0};
    table.cost = {1, 2};
    table.plain_cost = 2;
    auto const family = make_policy("threshold");
    auto const points = family.frontier(table);
    REQUIRE(points.size() == 3);
    CHECK(points[1].knobs[0] >= low);
    CHECK(points[1].knobs[0] < high);
    CHECK(simulate(table, family.at(points[1].knobs)).exit == std::vector<int>{1, 0});
  }
}

TEST_CASE("a higher threshold never lowers the cost") {
  auto const family = make_policy("threshold");
  auto const table = random_table(8, 200, 5, 30);
  double last = 0;
  for (double t = -1; t <= 2; t += 0.01) {
    double const cost = simulate(table, family.at({t})).cost;
    CHECK(cost >= last);
    last = cost;
  }
}

TEST_CASE("fixed: one point an exit") {
  auto const family = make_policy("fixed");
  auto const table = random_table(1, 50, 4, 5);
  auto const points = family.frontier(table);
  REQUIRE(points.size() == 4);
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(points[i].knobs == Knobs{static_cast<double>(i)});
    CHECK(points[i].cost == table.cost[i]);
    CHECK(same(points[i], simulate(table, family.at(points[i].knobs))));
  }
}

TEST_CASE("patience: the published loop, row by row") {
  auto const family = make_policy("patience");
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    int const exits = 1 + static_cast<int>(seed) % 7;
    auto const table = random_table(seed, 40, exits, 5, 2);
    auto const points = family.frontier(table);
    REQUIRE(points.size() == static_cast<std::size_t>(exits));
    for (int patience = 0; patience < exits; ++patience) {
      auto const outcome = simulate(table, family.at({static_cast<double>(patience)}));
      CHECK(same(points[static_cast<std::size_t>(patience)], outcome));
      std::vector<int> expected;
      for (int row = 0; row < table.rows; ++row) {
        int previous = -1, counter = 0, left = exits - 1;
        for (int exit = 0; exit < exits; ++exit) {
          int const answer = table.predicted[table.at(row, exit)];
          counter = answer == previous ? counter + 1 : 1;
          previous = answer;
          if (counter > patience) {
            left = exit;
            break;
          }
        }
        expected.push_back(left);
      }
      CHECK(outcome.exit == expected);
    }
    CHECK(points.front().cost == table.cost.front());
    CHECK(points.back().cost == table.cost.back());
  }
}

TEST_CASE("knobs of a wrong number or range are refused") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (auto const* name : {"threshold", "fixed", "patience"}) {
    auto const family = make_policy(name);
    for (auto const& knobs : std::vector<Knobs>{{}, {0, 0}, {nan}, {-1.5}, {1e300}})
      CHECK_THROWS_AS(family.at(knobs), SpecError);
    if (std::string(name) != "threshold") CHECK_THROWS_AS(family.at({0.5}), SpecError);
  }
  CHECK_THROWS_AS(make_policy("threshold").at({2.1}), SpecError);
}

TEST_CASE("a policy refuses parameters that it does not know") {
  auto const source = std::make_shared<Source const>(Source{"spec.json", {}});
  for (auto const& entry : policies()) {
    JsonReader reader(R"({"treshold": 1})", source);
    CHECK_THROWS_AS(entry.make(reader), SpecError);
  }
}

TEST_CASE("best within a budget: score, then cost, then the later point") {
  std::vector<Point> const points = {{{0}, 10, 0.5}, {{1}, 20, 0.8}, {{2}, 20, 0.8}, {{3}, 30, 0.8}, {{4}, 40, 0.9}};
  CHECK_FALSE(best_within(points, 9));
  CHECK(best_within(points, 10)->knobs == Knobs{0});
  CHECK(best_within(points, 35)->knobs == Knobs{2});
  CHECK(best_within(points, 40)->knobs == Knobs{4});
  CHECK_FALSE(best_within(points, std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("a better but dearer point below the budget wins over a cheaper one") {
  CHECK(best_within({{{0}, 10, 0.9}, {{1}, 20, 0.8}}, 25)->knobs == Knobs{0});
}

TEST_CASE("permuted test labels change no knob and no exit, only the score") {
  auto const calibration = random_table(3, 100, 4, 20);
  auto const test = random_table(4, 100, 4, 20);
  auto permuted = test;
  std::rotate(permuted.label.begin(), permuted.label.begin() + 17, permuted.label.end());
  for (auto const* name : {"threshold", "fixed", "patience"}) {
    auto const family = make_policy(name);
    bool score_changed = false;
    for (double const fraction : {0.25, 0.5, 0.75, 1.0}) {
      double const budget = fraction * calibration.plain_cost;
      auto const points = family.frontier(calibration);
      auto const chosen = family.fit(calibration, points, budget);
      if (!chosen) continue;
      CHECK(chosen->cost <= budget);
      CHECK(same(*chosen, simulate(calibration, family.at(chosen->knobs))));
      auto const before = simulate(test, family.at(chosen->knobs));
      CHECK(family.fit(calibration, points, budget)->knobs == chosen->knobs);
      auto const after = simulate(permuted, family.at(chosen->knobs));
      CHECK(after.exit == before.exit);
      CHECK(after.cost == before.cost);
      score_changed = score_changed || after.score != before.score;
    }
    CHECK(score_changed);
  }
}

TEST_CASE("the reference's thresholds are 100 from 0 to 1") {
  auto const thresholds = make_policy("threshold").sweep(4);
  REQUIRE(thresholds.size() == 100);
  CHECK(thresholds.front() == Knobs{0});
  CHECK(thresholds.back() == Knobs{1});
  CHECK(thresholds[33] == Knobs{33.0 / 99});
  for (auto const* name : {"fixed", "patience"}) CHECK(make_policy(name).sweep(3) == std::vector<Knobs>{{0}, {1}, {2}});
}
