#include "core/sweep/estimate.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "core/base/stream.h"
#include "tests/support/catch.h"

using namespace eexit;

namespace {

double span(std::vector<double> const& seconds, std::vector<std::vector<int>> const& after, int jobs) {
  return makespan(seconds, after, jobs);
}

}  // namespace

TEST_CASE("estimate: nothing measured, nothing known", "[sweep]") {
  Estimate estimate;
  Effort const work{.arch = "resnet", .device = "cpu", .threads = 2, .macs = 1e12};
  CHECK_FALSE(estimate.seconds(work));
  // What teaches nothing.
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (double const seconds : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) estimate.learn(work, seconds);
  estimate.learn({.arch = "resnet", .device = "cpu", .threads = 2, .macs = 0}, 10);
  estimate.learn({.arch = "resnet", .device = "cpu", .threads = 2, .macs = nan}, 10);
  estimate.learn({.arch = "resnet", .device = "cpu", .threads = 0, .macs = 1e12}, 10);
  CHECK_FALSE(estimate.seconds(work));
  estimate.learn({.arch = "resnet", .device = "cuda:0", .threads = 2, .macs = 1e12}, 10);
  CHECK_FALSE(estimate.seconds(work));
}

TEST_CASE("estimate: the median of the same kind, in proportion to the MACs", "[sweep]") {
  Estimate estimate;
  auto const work = [](double macs) { return Effort{.arch = "resnet", .device = "cpu", .threads = 2, .macs = macs}; };
  estimate.learn(work(100), 10);
  CHECK(estimate.seconds(work(50)) == 5.0);
  estimate.learn(work(100), 1000);  // another program was running
  estimate.learn(work(200), 40);
  CHECK(*estimate.seconds(work(100)) == Approx(20));
  estimate.learn(work(100), 30);
  CHECK(*estimate.seconds(work(100)) == Approx(25));
  CHECK(estimate.seconds(work(0)) == 0.0);
}

TEST_CASE("estimate: the nearest kind that was measured", "[sweep]") {
  Estimate estimate;
  estimate.learn({.arch = "mlp", .device = "cpu", .threads = 1, .macs = 100}, 7);
  Effort const work{.arch = "resnet", .device = "cpu", .threads = 2, .macs = 100};
  CHECK(*estimate.seconds(work) == Approx(3.5));  // another architecture
  estimate.learn({.arch = "resnet", .device = "cpu", .threads = 4, .macs = 100}, 10);
  CHECK(*estimate.seconds(work) == Approx(20));  // other threads
  estimate.learn({.arch = "resnet", .device = "cpu", .threads = 2, .macs = 100}, 15);
  CHECK(*estimate.seconds(work) == Approx(15));
  estimate.learn({.arch = "resnet", .device = "cuda:0", .threads = 2, .macs = 100}, 1);
  CHECK(*estimate.seconds(work) == Approx(15));
  CHECK(*estimate.seconds({.arch = "resnet", .device = "cuda:3", .threads = 2, .macs = 100}) == Approx(1));
}

TEST_CASE("estimate: makespan of small graphs", "[sweep]") {
  CHECK(span({}, {}, 2) == 0);
  CHECK(span({5}, {{}}, 3) == 5);
  // Independent work: in order, whoever is free takes the next.
  CHECK(span({4, 3, 2, 1}, {{}, {}, {}, {}}, 1) == 10);
  CHECK(span({4, 3, 2, 1}, {{}, {}, {}, {}}, 2) == 5);
  CHECK(span({4, 3, 2, 1}, {{}, {}, {}, {}}, 9) == 4);
  // A chain does not get faster by more workers.
  CHECK(span({1, 2, 3}, {{}, {0}, {1}}, 8) == 6);
  // One backbone, two that continue it, one that does not: 0 | 3 first, then 1 | 2.
  CHECK(span({3, 2, 4, 1}, {{}, {0}, {0}, {}}, 2) == 7);
  CHECK(span({3, 2, 4, 1}, {{}, {0}, {0}, {}}, 1) == 10);
  // A node that waits for two.
  CHECK(span({3, 5, 1}, {{}, {}, {0, 1}}, 2) == 6);
  // An order that is not the order of the numbers.
  CHECK(span({1, 2, 3}, {{2}, {0}, {}}, 2) == 6);
  // What runs already may have taken longer than was thought.
  CHECK(span({-3, 2}, {{}, {}}, 1) == 2);
}

TEST_CASE("estimate: makespan of random graphs keeps its bounds", "[sweep]") {
  Random random(7);
  for (int trial = 0; trial < 200; ++trial) {
    auto const count = static_cast<std::size_t>(1 + trial % 12);
    std::vector<double> seconds(count), chain(count);
    std::vector<std::vector<int>> after(count);
    for (std::size_t i = 0; i < count; ++i) {
      seconds[i] = static_cast<double>(random.below(10));
      for (std::size_t before = 0; before < i; ++before)
        if (random.below(4) == 0) after[i].push_back(static_cast<int>(before));
      for (int const before : after[i]) chain[i] = std::max(chain[i], chain[static_cast<std::size_t>(before)]);
      chain[i] += seconds[i];
    }
    double const total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    double const longest = *std::max_element(chain.begin(), chain.end());
    CHECK(span(seconds, after, 1) == total);
    CHECK(span(seconds, after, 100) == longest);
    for (int const jobs : {2, 3}) {
      double const time = span(seconds, after, jobs);
      CHECK(time >= std::max(longest, total / jobs) - 1e-9);
      CHECK(time <= total / jobs + longest + 1e-9);  // Graham's bound
    }
  }
}

TEST_CASE("estimate: graphs that are none", "[sweep]") {
  CHECK_THROWS_AS(span({1, 1}, {{1}, {0}}, 1), std::logic_error);
  CHECK_THROWS_AS(span({1}, {{0}}, 1), std::logic_error);
  CHECK_THROWS_AS(span({1}, {{1}}, 1), std::logic_error);
  CHECK_THROWS_AS(span({1}, {{-1}}, 1), std::logic_error);
  CHECK_THROWS_AS(span({1}, {}, 1), std::logic_error);
  CHECK_THROWS_AS(span({1}, {{}}, 0), std::logic_error);
}
