// Thresholds by exit from random search.
#include "core/exits/random_search.h"

#include <algorithm>
#include <cmath>

#include "core/exits/single_threshold.h"
#include "core/exits/statistics.h"
#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

namespace {

PolicyFamily family_of(std::string const& params) {
  JsonReader reader(params, std::make_shared<Source>());
  return find(policies(), "policy", "exit_thresholds", "test").make(reader);
}

int above(ExitTable const& table, int exit, double threshold) {
  int count = 0;
  for (int row = 0; row < table.rows; ++row) count += table.confidence[table.at(row, exit)] > threshold;
  return count;
}

// Tables of 1 to 6 exits, half of them with many equal confidences; one of a single row.
std::vector<ExitTable> tables() {
  std::vector<ExitTable> all = {random_table(0, 1, 3, 0)};
  for (int i = 0; i < 12; ++i) all.push_back(random_table(static_cast<std::uint64_t>(i), 60, 1 + i / 2, i % 2 ? 5 : 0));
  return all;
}

bool same(std::vector<Point> const& a, std::vector<Point> const& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Point const& x, Point const& y) {
    return x.knobs == y.knobs && x.cost == y.cost && x.score == y.score;
  });
}

}  // namespace

TEST_CASE("random search: the threshold above which a share of the rows is") {
  auto const table = random_table(1, 97, 4, 0);
  RandomSearch const search(table, Drawn::quantile);
  for (int exit = 0; exit < 3; ++exit) {
    for (int i = 0; i <= 1000; ++i) {
      double const share = i / 1000.0;
      CHECK(std::abs(above(table, exit, search.above(exit, share)) - share * 97) <= 0.5 + 1e-9);
    }
    CHECK(search.above(exit, 0) == none_leaves);
    CHECK(search.above(exit, 1) == all_leave);
  }
}

TEST_CASE("random search: equal confidences leave together or stay together") {
  // Ten rows at one exit but the last: four of 0.75, five of 0.5, one of 0.25.
  ExitTable table{.rows = 10, .exits = 2, .cost = {1, 2}, .plain_cost = 2};
  for (int row = 0; row < 10; ++row) {
    table.sample.push_back(row);
    table.label.push_back(0);
    table.predicted.insert(table.predicted.end(), {0, 0});
    table.confidence.insert(table.confidence.end(), {row < 4 ? 0.75 : row < 9 ? 0.5 : 0.25, 1});
  }
  check(table);
  RandomSearch const search(table, Drawn::quantile);
  CHECK(search.above(0, 0.2) == none_leaves);  // none is as near as four: the fewer
  CHECK(search.above(0, 0.21) == 0.625);
  CHECK(search.above(0, 0.65) == 0.625);
  CHECK(search.above(0, 0.66) == 0.375);
  CHECK(search.above(0, 0.94) == 0.375);
  CHECK(search.above(0, 0.96) == all_leave);
  // Rows leave strictly above the threshold.
  CHECK(search.at({0.5}).cost == Approx(1.6));
  CHECK(search.at({0.75}).cost == 2);
}

TEST_CASE("random search: draws by quantile hit their shares") {
  constexpr int draws = 2000;
  auto const table = random_table(2, 500, 4, 0);
  RandomSearch const search(table, Drawn::quantile);
  std::vector<std::vector<double>> shares(3);
  for (int i = 0; i < draws; ++i) {
    auto const thresholds = search.draw(i);
    REQUIRE(thresholds.size() == 3);
    Random random(stream_seed(0, {"exit_thresholds", "random", std::to_string(i)}));
    for (int exit = 0; exit < 3; ++exit) {
      auto const k = static_cast<std::size_t>(exit);
      bool const none = random.uniform() < 0.2;
      double const wanted = random.uniform(), share = above(table, exit, thresholds[k]) / 500.0;
      if (none)
        CHECK(thresholds[k] == none_leaves);
      else
        CHECK(std::abs(share - wanted) <= 1.0 / 500);
      if (!none) shares[k].push_back(share);
    }
  }
  for (auto& all : shares) {
    // A binomial of 2000 times 0.8 has a deviation of 18.
    CHECK(std::abs(static_cast<double>(all.size()) - 0.8 * draws) < 60);
    std::sort(all.begin(), all.end());
    double off = 0;  // Kolmogorov-Smirnov: beyond 0.05 once in a thousand
    for (std::size_t i = 0; i < all.size(); ++i)
      off = std::max(off, std::abs(all[i] - (static_cast<double>(i) + 0.5) / static_cast<double>(all.size())));
    CHECK(off < 0.05);
  }
}

TEST_CASE("random search: an exit's draws do not depend on the others") {
  auto const table = random_table(3, 50, 5, 0);
  auto fewer = table;  // without the fourth exit
  fewer.exits = 4;
  fewer.predicted.clear();
  fewer.confidence.clear();
  for (int row = 0; row < table.rows; ++row)
    for (int const exit : {0, 1, 2, 4}) {
      fewer.predicted.push_back(table.predicted[table.at(row, exit)]);
      fewer.confidence.push_back(table.confidence[table.at(row, exit)]);
    }
  fewer.cost.erase(fewer.cost.begin() + 3);
  check(fewer);
  for (auto const drawn : {Drawn::quantile, Drawn::value})
    for (int i = 0; i < 50; ++i) {
      auto const first = RandomSearch(table, drawn).draw(i), second = RandomSearch(fewer, drawn).draw(i);
      REQUIRE(second.size() == 3);
      CHECK(std::equal(second.begin(), second.end(), first.begin()));
    }
}

TEST_CASE("random search: draws by value are uniform in [0, 1), whatever the confidences") {
  auto table = random_table(4, 30, 4, 0);
  for (double& confidence : table.confidence) confidence /= 1000;
  RandomSearch const search(table, Drawn::value);
  auto const other_table = random_table(5, 30, 4, 3);
  RandomSearch const other(other_table, Drawn::value);
  double sum = 0, products = 0;
  for (int i = 0; i < 2000; ++i) {
    auto const thresholds = search.draw(i);
    REQUIRE(thresholds.size() == 3);
    CHECK(std::all_of(thresholds.begin(), thresholds.end(), [](double t) { return t >= 0 && t < 1; }));
    CHECK(thresholds == other.draw(i));
    sum += thresholds[0];
    products += thresholds[0] * thresholds[1];
  }
  // Deviations of the means: 0.0065 and 0.005.
  CHECK(std::abs(sum / 2000 - 0.5) < 0.03);
  CHECK(std::abs(products / 2000 - 0.25) < 0.02);
}

TEST_CASE("random search: both ends are there whatever is drawn") {
  for (auto const& table : tables())
    for (auto const drawn : {Drawn::quantile, Drawn::value}) {
      RandomSearch const search(table, drawn);
      auto const knobs = static_cast<std::size_t>(std::max(table.exits - 1, 1));
      auto const none = search.at(Knobs(knobs, none_leaves)), all = search.at(Knobs(knobs, all_leave));
      CHECK(none.score == accuracy(table, table.exits - 1));
      CHECK(none.cost == Approx(table.cost.back()).epsilon(1e-12));
      CHECK(all.score == accuracy(table, 0));
      CHECK(all.cost == Approx(table.cost.front()).epsilon(1e-12));
      auto const points = search.frontier(1);
      CHECK(points.size() <= 3);
      if (table.exits > 1) CHECK(same({points.front()}, {all}));
      CHECK(same({points.back()}, {none}));
    }
}

TEST_CASE("random search: the front is sorted, what is drawn and what simulation gives; no draw beats it") {
  for (auto const& table : tables())
    for (std::string const drawn : {"quantile", "value"}) {
      auto const family = family_of(R"({"fit": "random", "draws": 300, "drawn": ")" + drawn + "\"}");
      auto const points = family.frontier(table);
      for (std::size_t i = 0; i < points.size(); ++i) {
        auto const outcome = simulate(table, family.at(points[i].knobs));
        CHECK((points[i].cost == outcome.cost && points[i].score == outcome.score));
        if (i > 0) CHECK(points[i].cost > points[i - 1].cost);
        // The last point stays in any case.
        if (i > 0 && i + 1 < points.size()) CHECK(points[i].score > points[i - 1].score);
      }
      CHECK(simulate(table, family.at(points.back().knobs)).leaving.back() == table.rows);
      RandomSearch const search(table, drawn == "value" ? Drawn::value : Drawn::quantile);
      for (int i = 0; i < 300; ++i) {
        auto const point = search.at(search.draw(i));
        CHECK(best_within(points, point.cost)->score >= point.score);
      }
      CHECK(same(points, family.frontier(table)));
    }
}

TEST_CASE("random search: a first exit too sure of itself is passed over") {
  // Sure and wrong at exit 1; right everywhere; right at the end. Three right answers cost 12 with one threshold.
  ExitTable table{.rows = 3,
                  .exits = 3,
                  .sample = {0, 1, 2},
                  .label = {0, 0, 0},
                  .predicted = {1, 0, 0, 0, 0, 0, 1, 1, 0},
                  .confidence = {0.875, 0.625, 1, 0.75, 0.5, 1, 0.25, 0.125, 1},
                  .cost = {1, 2, 4},
                  .plain_cost = 4};
  check(table);
  std::string text;
  for (auto const& point : family_of(R"({"fit": "random"})").frontier(table))
    text += std::to_string(std::lround(point.cost * 3)) + " for " + std::to_string(std::lround(point.score * 3)) + "\n";
  CHECK(text == "3 for 1\n6 for 2\n8 for 3\n12 for 3\n");
}

TEST_CASE("random search: labels choose among points, they change none") {
  auto const family = family_of(R"({"fit": "random", "draws": 200})");
  CHECK(family.fitted);  // so the points on test are those of cal
  auto table = random_table(7, 300, 5, 0);
  auto const before = family.frontier(table);
  std::rotate(table.label.begin(), table.label.begin() + 41, table.label.end());
  auto const after = family.frontier(table);
  CHECK_FALSE(same(before, after));
  for (auto const& points : {before, after})
    for (auto const& point : points) CHECK(simulate(table, family.at(point.knobs)).cost == point.cost);
}

TEST_CASE("random search: more draws are never worse, and a budget is met or has no point") {
  auto const table = random_table(8, 200, 6, 0);
  auto const few = family_of(R"({"fit": "random", "draws": 50})"), many = family_of(R"({"fit": "random"})");
  auto const by_few = few.frontier(table), by_many = many.frontier(table);
  CHECK(same(by_many, family_of(R"({"fit": "random", "draws": 2000, "drawn": "quantile"})").frontier(table)));
  bool better = false;
  for (double const share : {0.2, 0.4, 0.6, 0.8, 1.0}) {
    auto const a = few.fit(table, by_few, share * table.cost.back());
    auto const b = many.fit(table, by_many, share * table.cost.back());
    REQUIRE(a.has_value() == b.has_value());
    if (!a) continue;
    CHECK(b->cost <= share * table.cost.back());
    CHECK(b->score >= a->score);
    better = better || b->score > a->score;
  }
  CHECK(better);
  CHECK_FALSE(many.fit(table, by_many, table.cost.front() * 0.99));
}

TEST_CASE("random search: its parameters mean nothing to the other ways of fitting") {
  for (auto const* params :
       {R"({"draws": 10})", R"({"fit": "ascent", "drawn": "value"})", R"({"fit": "random", "draws": 0})",
        R"({"fit": "random", "draws": 1000001})", R"({"fit": "random", "drawn": "sobol"})"})
    CHECK_THROWS_AS(family_of(params), SpecError);
  auto const resolved = [](std::string const& params) {
    JsonReader reader(params, std::make_shared<Source>());
    find(policies(), "policy", "exit_thresholds", "test").make(reader);
    return reader.resolved();
  };
  // Runs of before keep their text.
  CHECK(resolved("{}") == R"({"fit":"geometric"})");
  CHECK(resolved(R"({"fit": "random"})") == R"({"drawn":"quantile","draws":2000,"fit":"random"})");
}
