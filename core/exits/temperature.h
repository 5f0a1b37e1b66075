// Temperature scaling (Guo et al. 2017): confidences of softmax(z / T) with T fitted to labelled logits. It changes no
// prediction.
#pragma once

#include <span>
#include <vector>

namespace eexit {

inline constexpr double lowest_temperature = 0.01, highest_temperature = 100;

// One temperature an exit: within the bounds the one of least mean cross-entropy, which is convex in 1 / T. 1 where all
// do alike (no row tells classes apart). logits: [rows][exits][classes], flat; label: [rows]. RunError on a logit that
// is no number.
std::vector<double> fit_temperatures(std::span<float const> logits, std::span<int const> label, int exits);

}  // namespace eexit
