#include "core/exits/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"

namespace eexit {

namespace {

// The largest logit and the sum of exp((z - largest) / temperature), which is at least 1.
struct Scale {
  double largest = 0, sum = 0, temperature = 1;
  double power(float z) const { return (z - largest) / temperature; }
};

Scale scale_of(std::span<float const> logits, double temperature = 1) {
  require(!logits.empty(), "an answer has logits");
  require(temperature > 0, "a temperature is positive");
  Scale scale{-std::numeric_limits<double>::infinity(), 0, temperature};
  for (float const z : logits) {
    if (std::isnan(z)) throw RunError("a logit is not a number");
    scale.largest = std::max<double>(scale.largest, z);
  }
  // One logit of -infinity is a masked class; only these, or +infinity, leave no probabilities.
  if (std::isinf(scale.largest)) throw RunError("a logit is infinite");
  for (float const z : logits) scale.sum += std::exp(scale.power(z));
  return scale;
}

double entropy(std::span<float const> logits, Scale const& scale) {
  double weighted = 0;
  for (float const z : logits) {
    double const e = std::exp(scale.power(z));
    if (e > 0) weighted += e * scale.power(z);
  }
  return std::log(scale.sum) - weighted / scale.sum;
}

double margin(std::span<float const> logits, Scale const& scale) {
  double second = -std::numeric_limits<double>::infinity();
  bool seen = false;
  for (float const z : logits) {
    if (z == scale.largest && !seen)
      seen = true;
    else
      second = std::max<double>(second, z);
  }
  return (1 - std::exp((second - scale.largest) / scale.temperature)) / scale.sum;
}

constexpr std::pair<std::string_view, Confidence> confidences[] = {
    {"max_probability", Confidence::max_probability}, {"entropy", Confidence::entropy}, {"margin", Confidence::margin}};

}  // namespace

std::vector<std::string> confidence_names() {
  std::vector<std::string> names;
  for (auto const& entry : confidences) names.emplace_back(entry.first);
  return names;
}

Confidence confidence_from(std::string_view name) {
  for (auto const& entry : confidences)
    if (entry.first == name) return entry.second;
  throw std::logic_error("invariant broken: a known confidence, not " + std::string(name));
}

std::vector<double> softmax(std::span<float const> logits) {
  auto const scale = scale_of(logits);
  std::vector<double> probabilities;
  probabilities.reserve(logits.size());
  for (float const z : logits) probabilities.push_back(std::exp(scale.power(z)) / scale.sum);
  return probabilities;
}

double confidence(Confidence kind, std::span<float const> logits, double temperature) {
  auto const scale = scale_of(logits, temperature);
  switch (kind) {
    case Confidence::max_probability:
      return 1 / scale.sum;
    case Confidence::entropy:
      if (logits.size() == 1) return 1;
      // Equal logits may round to an entropy a hair above ln N.
      return std::clamp(1 - entropy(logits, scale) / std::log(static_cast<double>(logits.size())), 0.0, 1.0);
    case Confidence::margin:
      return margin(logits, scale);
  }
  throw std::logic_error("invariant broken: a known confidence");
}

int argmax(std::span<float const> logits) {
  require(!logits.empty(), "an answer has logits");
  return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double cross_entropy(std::span<float const> logits, int label) {
  require(label >= 0 && static_cast<std::size_t>(label) < logits.size(), "a label is a class");
  auto const scale = scale_of(logits);
  return std::log(scale.sum) - (logits[static_cast<std::size_t>(label)] - scale.largest);
}

}  // namespace eexit
