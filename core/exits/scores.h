// Confidence measures of one answer, in double precision, offline and live from the same function.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eexit {

enum class Confidence { max_probability, entropy, margin };
std::vector<std::string> confidence_names();
Confidence confidence_from(std::string_view name);  // std::logic_error on an unknown name: readers check first

// What a policy looks at: a kind of confidence, and the temperature of each exit.
struct Measure {
  Confidence kind = Confidence::max_probability;
  std::vector<double> temperature;  // by exit: confidences are of softmax(z / T); empty: 1 at every exit

  Measure(Confidence of, std::vector<double> by_exit = {}) : kind(of), temperature(std::move(by_exit)) {}
  double at(std::size_t exit) const { return temperature.empty() ? 1 : temperature.at(exit); }
};

// softmax in double precision of one row of logits.
std::vector<double> softmax(std::span<float const> logits);

// max_probability: max p. entropy: 1 - H/ln N (N classes, 1 when N = 1). margin: largest p - second largest.
// Always in [0, 1]; of softmax(z / temperature). NaN logits: RunError.
double confidence(Confidence, std::span<float const> logits, double temperature = 1);

// Index of the largest logit; ties go to the lowest index.
int argmax(std::span<float const> logits);

// Cross-entropy in nats of one row.
double cross_entropy(std::span<float const> logits, int label);

}  // namespace eexit
