#include "core/exits/statistics.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

TEST_CASE("mean and sample deviation") {
  std::vector<double> const values = {2, 4, 4, 4, 5, 5, 7, 9};
  auto const summary = summarise(values);
  CHECK(summary.n == 8);
  CHECK(summary.mean == Approx(5));
  CHECK(*summary.deviation == Approx(std::sqrt(32.0 / 7)));
  auto const one = summarise(std::vector<double>{3});
  CHECK(one.mean == 3);
  CHECK_FALSE(one.deviation);
  CHECK(summarise({}).n == 0);
}

TEST_CASE("quantiles interpolate between order statistics") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == Approx(2.5));
  CHECK(quantile({10, 20, 30, 40, 50}, 0) == 10);
  CHECK(quantile({10, 20, 30, 40, 50}, 1) == 50);
  CHECK(quantile({10, 20, 30, 40, 50}, 0.9) == Approx(46));
  CHECK_THROWS_AS(quantile({}, 0.5), std::logic_error);
}

TEST_CASE("calibration error worked by hand") {
  ExitTable table;
  table.rows = 4;
  table.exits = 1;
  table.sample = {0, 1, 2, 3};
  table.label = {0, 0, 0, 0};
  table.predicted = {0, 1, 0, 0};
  // Bins of a tenth: 0.8 closes the bin below it. Bin of 0.8 and 0.75: 1 right of 2, mean 0.775; bin of 0.95 and 1: all
  // right, mean 0.975. Error = 1/2 x 0.275 + 1/2 x 0.025.
  table.confidence = {0.75, 0.8, 0.95, 1.0};
  table.cost = {1};
  table.plain_cost = 1;
  CHECK(calibration_error(table, 0, 10) == Approx(0.15));
  table.confidence = {0, 0, 0, 0};
  CHECK(calibration_error(table, 0) == Approx(0.75));
  CHECK(accuracy(table, 0) == Approx(0.75));
}

TEST_CASE("area under the best score so far worked by hand") {
  // 0 up to a quarter, 0.6 up to a half, 0.8 to the end: the worse point at 0.75 and the one beyond 1 add nothing.
  std::vector<Point> const points = {{{}, 50, 0.8}, {{}, 25, 0.6}, {{}, 75, 0.7}, {{}, 120, 0.99}};
  CHECK(area_under(points, 100) == Approx(0.25 * 0.6 + 0.5 * 0.8));
  CHECK(area_under({}, 100) == 0);
  CHECK(area_under({{{}, 100, 1}}, 100) == 0);
  CHECK(area_under({{{}, 101, 1}}, 100) == 0);
}

TEST_CASE("a thinned frontier keeps its ends, its order and even steps") {
  auto const table = random_table(1, 2000, 4, 0);
  auto const points = make_policy("threshold").frontier(table);
  REQUIRE(points.size() > 1000);
  auto const thinned = thin(points, 100);
  CHECK(thinned.size() <= 100);
  CHECK(thinned.size() > 90);
  CHECK(thinned.front().knobs == points.front().knobs);
  CHECK(thinned.back().knobs == points.back().knobs);
  double const step = (points.back().cost - points.front().cost) / 99;
  for (std::size_t i = 1; i < thinned.size(); ++i) {
    CHECK(thinned[i].knobs > thinned[i - 1].knobs);
    CHECK(thinned[i].cost - thinned[i - 1].cost < 2.1 * step);
  }
  CHECK(thin(thinned, 100).size() == thinned.size());
  // Many points of one cost: no point is taken twice.
  CHECK(thin(std::vector<Point>(50, {{0}, 5, 0.5}), 10).size() == 2);
}
