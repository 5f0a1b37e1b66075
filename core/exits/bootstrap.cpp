#include "core/exits/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/exits/statistics.h"

namespace eexit {

namespace {

constexpr double z = 1.959963984540054;  // 97.5 % of the normal distribution

// 97.5 % of Student's t; beyond the table by the expansion of Fisher and Cornish (1960), right to 1e-4.
double student(int freedom) {
  constexpr double table[] = {12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814};
  if (freedom <= 10) return table[freedom - 1];
  double const n = freedom, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

double widening(std::size_t seeds) {
  auto const n = static_cast<double>(seeds);
  return seeds < 2 ? 1 : student(static_cast<int>(seeds) - 1) / z * std::sqrt(n / (n - 1));
}

double mean_of(std::span<double const> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// How often each of n seeds is drawn in n draws.
std::vector<int> draw_seeds(std::size_t n, Random& random) {
  std::vector<int> times(n, 0);
  for (std::size_t i = 0; i < n; ++i) ++times[static_cast<std::size_t>(random.below(static_cast<int>(n)))];
  return times;
}

double mean_drawn(std::span<double const> means, std::vector<int> const& times) {
  double sum = 0;
  for (std::size_t s = 0; s < means.size(); ++s) sum += times[s] * means[s];
  return sum / static_cast<double>(means.size());
}

Interval interval_of(std::vector<double> const& values) { return {quantile(values, 0.025), quantile(values, 0.975)}; }

// How many of n draws, each with probability part / n, hit: by the exact distribution function.
class Hits {
 public:
  Hits(std::size_t n, std::size_t part) : n_(static_cast<int>(n)), all_(part == n) {
    if (part == 0 || all_) return;
    double const p = static_cast<double>(part) / static_cast<double>(n), whole = std::lgamma(n_ + 1.0);
    double sum = 0;
    for (int k = 0; k <= n_; ++k) {
      double const ways = whole - std::lgamma(k + 1.0) - std::lgamma(n_ - k + 1.0);
      up_to_.push_back(sum += std::exp(ways + k * std::log(p) + (n_ - k) * std::log1p(-p)));
    }
  }
  int operator()(Random& random) const {
    if (up_to_.empty()) return all_ ? n_ : 0;
    auto const found = std::upper_bound(up_to_.begin(), up_to_.end(), random.uniform() * up_to_.back());
    return static_cast<int>(found - up_to_.begin());
  }

 private:
  int n_;
  bool all_;
  std::vector<double> up_to_;
};

// The samples on which any seed has a difference, [sample][seed]; the others add nothing, whichever is drawn.
std::vector<signed char> differing(std::span<Differences const> seeds) {
  std::vector<signed char> all;
  for (std::size_t i = 0; i < seeds[0].size(); ++i) {
    if (std::all_of(seeds.begin(), seeds.end(), [&](Differences const& seed) { return seed[i] == 0; })) continue;
    for (auto const& seed : seeds) all.push_back(seed[i]);
  }
  return all;
}

}  // namespace

Interval bootstrap(std::span<Differences const> seeds, Random& random, int resamples) {
  require(!seeds.empty() && !seeds[0].empty(), "a bootstrap of at least one seed and sample");
  auto const n = seeds.size(), samples = seeds[0].size();
  std::vector<double> means;
  for (auto const& seed : seeds) {
    require(seed.size() == samples, "every seed has the same samples");
    means.push_back(std::accumulate(seed.begin(), seed.end(), 0.0) / static_cast<double>(samples));
  }
  auto const moved = differing(seeds);
  Hits const hits(samples, moved.size() / n);
  double const mean = mean_of(means), factor = widening(n);
  std::vector<double> values;
  for (int b = 0; b < resamples; ++b) {
    auto const times = draw_seeds(n, random);
    long sum = 0;
    for (int hit = hits(random); hit > 0; --hit) {
      auto const* const sample = &moved[n * static_cast<std::size_t>(random.below(static_cast<int>(moved.size() / n)))];
      for (std::size_t s = 0; s < n; ++s) sum += times[s] * sample[s];
    }
    double const drawn = mean_drawn(means, times),
                 resampled = static_cast<double>(sum) / static_cast<double>(n * samples);
    values.push_back(mean + factor * (drawn - mean) + (resampled - drawn));
  }
  return interval_of(values);
}

Interval bootstrap(std::span<double const> means, Random& random, int resamples) {
  require(means.size() >= 2, "a bootstrap over seeds of at least two");
  double const mean = mean_of(means), factor = widening(means.size());
  std::vector<double> values;
  for (int b = 0; b < resamples; ++b)
    values.push_back(mean + factor * (mean_drawn(means, draw_seeds(means.size(), random)) - mean));
  return interval_of(values);
}

}  // namespace eexit
