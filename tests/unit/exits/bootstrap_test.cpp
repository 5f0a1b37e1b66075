#include "core/exits/bootstrap.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace eexit;

namespace {

using Seeds = std::vector<Differences>;

// A sum of twelve uniform numbers less six: normal enough, mean 0, deviation 1.
double normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

// Seeds on the same samples; on each sample the second study is ahead with probability `ahead` plus the seed's own
// effect, behind with `behind`.
Seeds drawn(int seeds, int samples, double ahead, double behind, double effect, Random& random) {
  Seeds all;
  for (int s = 0; s < seeds; ++s) {
    double const own = effect * normal(random);
    auto& seed = all.emplace_back();
    for (int i = 0; i < samples; ++i) {
      double const u = random.uniform();
      seed.push_back(static_cast<signed char>(u < ahead + own ? 1 : u > 1 - behind + own ? -1 : 0));
    }
  }
  return all;
}

template <class Draw>
int covered(int trials, Draw const& draw) {
  int inside = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Random random(stream_seed(static_cast<std::uint64_t>(trial), {"test"}));
    auto const data = draw(random);
    auto const interval = bootstrap(data, random, 500);
    inside += interval.low <= 0 && interval.high >= 0;
  }
  return inside;
}

}  // namespace

TEST_CASE("bootstrap: by hand") {
  Random random(1);
  // Two samples, drawn twice: the mean is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4.
  auto const one = bootstrap(Seeds{{1, 0}}, random);
  CHECK(one.low == 0);
  CHECK(one.high == 1);
  // Two seeds, mean 0.2, deviations of 0.1, widened by 12.7062 / 1.95996 * sqrt(2).
  auto const two = bootstrap(std::vector<double>{0.1, 0.3}, random);
  CHECK(two.low == Approx(0.2 - 0.1 * 9.16815).epsilon(1e-4));
  CHECK(two.high == Approx(0.2 + 0.1 * 9.16815).epsilon(1e-4));
  // Nothing to draw: every sample of every seed is alike.
  auto const sure = bootstrap(Seeds{{1, 1, 1}, {1, 1, 1}}, random);
  CHECK(sure.low == Approx(1));
  CHECK(sure.high == Approx(1));
  auto const none = bootstrap(Seeds{{0, 0, 0}}, random);
  CHECK(none.low == 0);
  CHECK(none.high == 0);
}

TEST_CASE("bootstrap: one seed has the spread of a mean of samples") {
  Differences seed(1000, 0);
  for (std::size_t i = 0; i < 100; ++i) seed[i] = i < 60 ? 1 : -1;
  Random random(2);
  auto const interval = bootstrap(Seeds{seed}, random, 20000);
  // Variance of one drawn sample: 0.1 - 0.02 squared.
  double const half = 1.96 * std::sqrt((0.1 - 0.0004) / 1000);
  CHECK(interval.low == Approx(0.02 - half).margin(0.001));
  CHECK(interval.high == Approx(0.02 + half).margin(0.001));
}

TEST_CASE("bootstrap: samples are drawn once for all seeds") {
  // What seeds have in common does not average out: three equal seeds know no more than one.
  Differences seed(400, 0);
  for (std::size_t i = 0; i < 40; ++i) seed[i] = 1;
  Random random(3), other(3);
  auto const one = bootstrap(Seeds{seed}, random, 20000), three = bootstrap(Seeds{seed, seed, seed}, other, 20000);
  CHECK(three.high - three.low == Approx(one.high - one.low).epsilon(0.05));
}

TEST_CASE("bootstrap: the same stream gives the same interval") {
  Random draw(4), a(5), b(5);
  auto const data = drawn(3, 200, 0.1, 0.05, 0, draw);
  CHECK(bootstrap(data, a).low == bootstrap(data, b).low);
}

TEST_CASE("bootstrap: no difference is covered, a clear one is not") {
  CHECK(covered(200, [](Random& r) { return drawn(1, 300, 0.1, 0.1, 0, r); }) >= 180);
  CHECK(covered(200, [](Random& r) { return drawn(3, 300, 0.1, 0.1, 0, r); }) >= 180);
  // Seeds that differ by more than samples do, which is where few of them mislead.
  CHECK(covered(200, [](Random& r) { return drawn(3, 300, 0.2, 0.2, 0.05, r); }) >= 180);
  CHECK(covered(200, [](Random& r) { return drawn(2, 300, 0.2, 0.2, 0.05, r); }) >= 180);
  CHECK(covered(200, [](Random& r) { return drawn(3, 300, 0.3, 0.1, 0.01, r); }) <= 10);
  for (int seeds : {2, 3, 5, 15})
    CHECK(covered(200, [&](Random& r) {
            std::vector<double> means;
            for (int s = 0; s < seeds; ++s) means.push_back(normal(r));
            return means;
          }) >= 180);
}
