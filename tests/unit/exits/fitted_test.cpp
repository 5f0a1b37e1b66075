// Rules with several thresholds, and patience with confidence.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/exits/geometric.h"
#include "core/exits/policy.h"
#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

namespace {

struct Answers {
  int label;
  std::vector<int> predicted;
  std::vector<double> confidence;
};

ExitTable table_of(std::vector<Answers> const& rows, std::vector<double> const& cost) {
  ExitTable table{.rows = static_cast<int>(rows.size()), .exits = static_cast<int>(cost.size())};
  for (auto const& row : rows) {
    table.sample.push_back(static_cast<int>(table.sample.size()));
    table.label.push_back(row.label);
    table.predicted.insert(table.predicted.end(), row.predicted.begin(), row.predicted.end());
    table.confidence.insert(table.confidence.end(), row.confidence.begin(), row.confidence.end());
  }
  table.cost = cost;
  table.plain_cost = cost.back();
  check(table);
  return table;
}

PolicyFamily by_ascent() {
  JsonReader reader(R"({"fit": "ascent"})", std::make_shared<Source>());
  return find(policies(), "policy", "exit_thresholds", "test").make(reader);
}

// "0.5;2: 10 for 3": knobs, cost of all rows together, right answers.
std::string text_of(std::vector<Point> const& points, int rows) {
  std::string text;
  for (auto const& point : points)
    text += join(point.knobs, ";") + ": " + std::to_string(std::lround(point.cost * rows)) + " for " +
            std::to_string(std::lround(point.score * rows)) + "\n";
  return text;
}

// Six rows of which exit 1 is surer from row to row; at exit 2 the third and the fifth tie.
ExitTable six_rows() {
  return table_of({{0, {0, 0, 0}, {0.875, 0.125, 1}},
                   {0, {0, 0, 0}, {0.75, 0.25, 1}},
                   {0, {1, 0, 0}, {0.625, 0.5, 1}},
                   {0, {1, 0, 0}, {0.5, 0.75, 1}},
                   {0, {1, 1, 0}, {0.375, 0.5, 1}},
                   {0, {1, 1, 1}, {0.25, 0.375, 1}}},
                  {1, 2, 4});
}

}  // namespace

TEST_CASE("patience with confidence: the frontier of a table worked by hand") {
  auto const table = table_of({{0, {0, 0, 0}, {0.875, 0.5, 1}},   // right at once
                               {1, {0, 0, 1}, {0.25, 0.625, 1}},  // right at the end
                               {2, {2, 2, 1}, {0.25, 0.25, 1}}},  // right at first
                              {10, 20, 40});
  // Without patience one threshold: rows 1 and 2 go on at 0.25, row 1 again at 0.625, row 0 at 0.875. With patience 1
  // the lesser of both exits counts, 0.5, 0.25 and 0.25, and none leaves before exit 2.
  CHECK(text_of(make_policy("confident_patience").frontier(table), 3) ==
        "0;-1: 30 for 2\n"
        "1;-1: 60 for 2\n"
        "0;0.4375: 70 for 1\n"
        "0;0.75: 90 for 2\n"
        "1;0.375: 100 for 2\n"
        "0;2: 120 for 2\n"
        "1;2: 120 for 2\n");
}

TEST_CASE("patience with confidence: the frontier is the simulation, from the cheapest on") {
  auto const family = make_policy("confident_patience");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto const table = random_table(seed, 30, 1 + static_cast<int>(seed) % 6, seed % 2 ? 8 : 0);
    auto const points = family.frontier(table);
    for (std::size_t i = 0; i < points.size(); ++i) {
      auto const outcome = simulate(table, family.at(points[i].knobs));
      CHECK((points[i].cost == outcome.cost && points[i].score == outcome.score));
      CHECK((i == 0 || points[i].cost >= points[i - 1].cost));
    }
    CHECK(points.front().cost == table.cost.front());
    CHECK(points.back().cost == table.cost.back());
  }
}

TEST_CASE("patience with confidence: the published loop, row by row") {
  auto const family = make_policy("confident_patience");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    int const exits = 1 + static_cast<int>(seed) % 6;
    auto const table = random_table(seed, 30, exits, 6);
    for (double const patience : {0.0, 1.0, 3.0})
      for (double const threshold : {-1.0, 0.25, 0.5, 2.0}) {
        std::vector<int> expected;
        for (int row = 0; row < table.rows; ++row) {
          int counter = 0, exit = 0;
          for (; exit < exits - 1; ++exit) {
            counter = table.confidence[table.at(row, exit)] > threshold ? counter + 1 : 0;
            if (counter > patience) break;
          }
          expected.push_back(exit);
        }
        CHECK(simulate(table, family.at({patience, threshold})).exit == expected);
      }
  }
}

TEST_CASE("exit distribution: thresholds worked by hand") {
  auto const table = six_rows();
  Geometric const geometric(table);
  auto const at = [&](double q) { return text_of({geometric.at(std::log(q))}, 6); };
  // Two rows leave at exit 1. Two are wanted at exit 2, where one is surest and two tie after it: one and three are as
  // far from two, so one leaves.
  CHECK(at(1) == "0.6875;0.625: 16 for 5\n");
  // 6/7 and 12/7 of a row: one, then one, which is nearer than three.
  CHECK(at(2) == "0.8125;0.625: 19 for 5\n");
  // 24/7 and 12/7: three, then two of the three that are left.
  CHECK(at(0.5) == "0.5625;0.4375: 11 for 3\n");
  CHECK(at(1e-6) == "-1;-1: 6 for 2\n");
  CHECK(at(1e6) == "2;2: 24 for 5\n");
}

TEST_CASE("exit distribution: equal confidences leave together or stay together") {
  auto table = six_rows();
  for (int row = 0; row < 6; ++row) table.confidence[table.at(row, 0)] = 0.5;
  Geometric const geometric(table);
  // Two rows are wanted: none is nearer than six. Of 24/7 six is nearer.
  CHECK(geometric.at(0).knobs[0] == 2);
  CHECK(geometric.at(std::log(0.5)).knobs == Knobs{-1, -1});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto const coarse = random_table(seed, 40, 4, 3);
    for (auto const& point : make_policy("exit_thresholds").frontier(coarse)) {
      auto const outcome = simulate(coarse, make_policy("exit_thresholds").at(point.knobs));
      CHECK((point.cost == outcome.cost && point.score == outcome.score));
    }
  }
}

TEST_CASE("exit distribution: the largest q within a budget") {
  auto const table = six_rows();
  auto const family = make_policy("exit_thresholds");
  auto const fit = [&](double cost) { return family.fit(table, {}, cost / 6); };
  // Up to 1 + q + q^2 = 4 two rows leave at exit 1, then one: 16, then 19.
  CHECK(fit(16)->knobs == Knobs{0.6875, 0.625});
  CHECK(fit(18.9)->knobs == Knobs{0.6875, 0.625});
  CHECK(fit(19)->cost * 6 == Approx(19));
  CHECK(fit(24)->knobs == Knobs{2, 2});
  CHECK(fit(6)->knobs == Knobs{-1, -1});
  CHECK_FALSE(fit(5.9));
}

TEST_CASE("exit distribution: labels change no knob, neither of cal nor of the frontier") {
  auto const family = make_policy("exit_thresholds");
  auto const table = random_table(7, 300, 5, 0);
  auto permuted = table;
  std::rotate(permuted.label.begin(), permuted.label.begin() + 41, permuted.label.end());
  auto const before = family.frontier(table), after = family.frontier(permuted);
  REQUIRE(after.size() == before.size());
  bool score_changed = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(after[i].knobs == before[i].knobs);
    score_changed = score_changed || after[i].score != before[i].score;
  }
  CHECK(score_changed);
  for (double const share : {0.3, 0.5, 0.7, 0.9})
    CHECK(family.fit(permuted, after, share * table.plain_cost)->knobs ==
          family.fit(table, before, share * table.plain_cost)->knobs);
  // Budgets are used up to about a row.
  for (double const share : {0.5, 0.7, 0.9}) {
    auto const cost = family.fit(table, before, share * table.cost.back())->cost;
    CHECK(cost <= share * table.cost.back());
    CHECK(cost > share * table.cost.back() - 5 * table.cost.back() / table.rows);
  }
}

TEST_CASE("ascent by exit: a first exit too sure of itself is passed over") {
  auto const table = table_of({{0, {1, 0, 0}, {0.875, 0.625, 1}},  // sure and wrong at exit 1
                               {0, {0, 0, 0}, {0.75, 0.5, 1}},     // right everywhere
                               {0, {1, 1, 0}, {0.25, 0.125, 1}}},  // right at the end
                              {1, 2, 4});
  // One threshold gets all right at 12 alone. Here the first two leave at exit 2, the third at the last.
  CHECK(text_of(by_ascent().frontier(table), 3) ==
        "-1;-1: 3 for 1\n"
        "0.5;0.5: 6 for 2\n"
        "2;0.3125: 8 for 3\n"
        "2;2: 12 for 3\n");
  auto const family = by_ascent();
  CHECK(family.fit(table, family.frontier(table), 8.0 / 3)->knobs == Knobs{2, 0.3125});
}

TEST_CASE("thresholds by class: a class to be trusted leaves early, another does not") {
  auto const table = table_of({{0, {0, 0}, {0.25, 1}},
                               {0, {0, 0}, {0.375, 1}},
                               {0, {1, 0}, {0.625, 1}},  // taken for class 1, and wrong
                               {1, {1, 1}, {0.875, 1}}},
                              {1, 3});
  auto const family = make_policy("class_thresholds");
  CHECK(text_of(family.frontier(table), 4) ==
        "-1;-1: 4 for 3\n"
        "-1;0.75: 6 for 4\n"
        "2;2: 12 for 4\n");
  // The same threshold at every exit, and a class that was never seen does not stop early.
  auto const policy = family.at({0.5, 0.25});
  std::vector<double> const sure = {0.125, 0.375};
  CHECK(policy(sure, std::vector<int>{0, 1}));
  CHECK_FALSE(policy(sure, std::vector<int>{1, 0}));
  CHECK_FALSE(policy(std::vector<double>{1}, std::vector<int>{2}));
}

TEST_CASE("ascent: the points are the simulation's, and at no budget worse than one threshold") {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    int const exits = 1 + static_cast<int>(seed) % 6;
    auto const table = random_table(seed, 60, exits, seed % 2 ? 8 : 0, 4);
    auto const single = make_policy("threshold").frontier(table);
    for (auto const& family : {by_ascent(), make_policy("class_thresholds")}) {
      auto const points = family.frontier(table);
      for (std::size_t i = 0; i < points.size(); ++i) {
        auto const outcome = simulate(table, family.at(points[i].knobs));
        CHECK((points[i].cost == outcome.cost && points[i].score == outcome.score));
        CHECK((i == 0 || points[i].cost > points[i - 1].cost));
      }
      CHECK(points.front().cost == table.cost.front());
      CHECK(simulate(table, family.at(points.back().knobs)).leaving.back() == table.rows);
      for (auto const& point : single) {
        auto const found = family.fit(table, points, point.cost);
        REQUIRE(found);
        CHECK(found->score >= best_within(single, point.cost)->score);
      }
    }
  }
}

TEST_CASE("ascent: between adjacent doubles the lower one is the threshold, and does not fire itself") {
  double const low = 0.5, high = std::nextafter(low, 1.0);
  // The first row must go on, the second may leave at once.
  auto const table = table_of({{0, {1, 0}, {low, 1}}, {0, {0, 0}, {high, 1}}}, {1, 3});
  for (auto const& family : {by_ascent(), make_policy("class_thresholds")}) {
    auto const points = family.frontier(table);
    auto const best = family.fit(table, points, 2);
    REQUIRE(best);
    CHECK(best->score == 1);
    for (auto const& point : points) CHECK(simulate(table, family.at(point.knobs)).cost == point.cost);
  }
}

TEST_CASE("a budget that no point meets has none") {
  auto const table = six_rows();
  for (auto const& family : {make_policy("confident_patience"), make_policy("exit_thresholds"), by_ascent(),
                             make_policy("class_thresholds")}) {
    auto const points = family.frontier(table);
    CHECK_FALSE(family.fit(table, points, 0.99));
    CHECK(family.fit(table, points, 1)->cost == 1);
  }
}

TEST_CASE("knobs of several thresholds: wrong numbers and ranges are refused") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (auto const* name : {"exit_thresholds", "class_thresholds"})
    for (auto const& knobs : std::vector<Knobs>{{}, {nan}, {0.5, nan}, {0.5, 2.1}, {-1.1, 0.5}})
      CHECK_THROWS_AS(make_policy(name).at(knobs), SpecError);
  for (auto const& knobs : std::vector<Knobs>{{}, {1}, {0, 0.5, 0.5}, {0.5, 0.5}, {-1, 0.5}, {0, 2.1}, {0, nan}})
    CHECK_THROWS_AS(make_policy("confident_patience").at(knobs), SpecError);
  // Four exits, two thresholds.
  auto const table = random_table(1, 5, 4, 0);
  CHECK_THROWS_AS(simulate(table, make_policy("exit_thresholds").at({2, 2})), SpecError);
  JsonReader reader(R"({"fit": "best"})", std::make_shared<Source>());
  CHECK_THROWS_AS(find(policies(), "policy", "exit_thresholds", "test").make(reader), SpecError);
}
