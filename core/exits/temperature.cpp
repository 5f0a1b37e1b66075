#include "core/exits/temperature.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace eexit {

namespace {

// Answers of one exit: row i's logits begin at first + i * step.
struct Column {
  float const* first;
  std::size_t step, classes;
  std::span<int const> label;
};

// First and second derivative of the summed cross-entropy by b = 1 / T.
struct Slope {
  double first = 0, second = 0;
};

Slope slope_at(Column const& column, double b) {
  Slope slope;
  for (std::size_t row = 0; row < column.label.size(); ++row) {
    std::span<float const> const logits(column.first + row * column.step, column.classes);
    double const largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0, mean = 0, square = 0;
    for (float const logit : logits) {
      double const z = logit - largest, e = std::exp(b * z);
      sum += e;
      if (e == 0) continue;  // a masked class: 0 x -infinity
      mean += e * z;
      square += e * z * z;
    }
    mean /= sum;
    slope.first += mean - (logits[static_cast<std::size_t>(column.label[row])] - largest);
    slope.second += square / sum - mean * mean;
  }
  if (std::isnan(slope.first)) throw RunError("a logit is not a finite number");
  return slope;
}

double fit(Column const& column) {
  double low = 1 / highest_temperature, high = 1 / lowest_temperature;
  double const at_low = slope_at(column, low).first, at_high = slope_at(column, high).first;
  if (at_low == 0 && at_high == 0) return 1;
  if (at_low >= 0) return highest_temperature;
  if (at_high <= 0) return lowest_temperature;
  // Newton's steps where they stay between the bounds, which close in on the root; else the middle by ratio.
  double b = 1;
  for (int i = 0; i < 200; ++i) {
    auto const slope = slope_at(column, b);
    if (slope.first == 0) break;
    (slope.first < 0 ? low : high) = b;
    double next = b - slope.first / slope.second;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    bool const settled = std::abs(next - b) <= 1e-12 * b;
    b = next;
    if (settled) break;
  }
  return 1 / b;
}

}  // namespace

std::vector<double> fit_temperatures(std::span<float const> logits, std::span<int const> label, int exits) {
  require(exits >= 1 && !label.empty(), "temperatures are fitted to rows and exits");
  auto const columns = label.size() * static_cast<std::size_t>(exits);
  require(logits.size() % columns == 0 && !logits.empty(), "logits of every row and exit");
  auto const classes = logits.size() / columns;
  for (int const answer : label)
    require(answer >= 0 && static_cast<std::size_t>(answer) < classes, "a label is a class");
  std::vector<double> temperatures;
  for (std::size_t exit = 0; exit < static_cast<std::size_t>(exits); ++exit)
    temperatures.push_back(
        fit({logits.data() + exit * classes, static_cast<std::size_t>(exits) * classes, classes, label}));
  return temperatures;
}

}  // namespace eexit
