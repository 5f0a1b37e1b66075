// Intervals of a mean difference between two studies, measured on several seeds and the same test samples.
#pragma once

#include <span>
#include <vector>

#include "core/base/stream.h"

namespace eexit {

struct Interval {
  double low = 0, high = 0;
};

inline constexpr int bootstrap_resamples = 2000;

// One seed's differences by test sample: 1 where the second study alone is right, -1 where the first alone is, else 0.
using Differences = std::vector<signed char>;

// 95 % percentile interval of the mean over seeds and samples. Each resample draws seeds and, once for all seeds, test
// samples, both with replacement: all seeds are judged on the same test set, so the two are crossed (Owen 2007, "The
// pigeonhole bootstrap"). n seeds underrate their spread: drawn seeds' deviations from the mean are widened by
// t(n - 1) / z * sqrt(n / (n - 1)), the factor that makes the interval of a normal mean right. One seed: the interval
// is over samples alone. At least one seed; every seed has the same samples in the same order, at least one.
Interval bootstrap(std::span<Differences const> seeds, Random&, int resamples = bootstrap_resamples);

// The same over seeds alone, from each seed's mean difference; at least two.
Interval bootstrap(std::span<double const> means, Random&, int resamples = bootstrap_resamples);

}  // namespace eexit
