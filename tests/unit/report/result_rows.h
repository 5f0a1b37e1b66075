// Rows of results.csv for tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/report/results.h"

namespace eexit {

using Results = std::vector<Result>;

// One measured cell of regime and seed; the fields that a test is about are set by it.
inline Result cell(std::string const& regime, std::uint64_t seed, std::string const& budget,
                   std::optional<double> value) {
  return {.study = "quick",
          .run = "resnet-14-" + regime + "-s" + std::to_string(seed),
          .role = "run",
          .arch = "resnet-14",
          .data = "fashion_mnist",
          .method = "sdn",
          .regime = regime,
          .protocol = "equal_epochs",
          .placement = "0;2;3",
          .seed = seed,
          .split = "test",
          .policy = "threshold",
          .confidence = "max_probability",
          .knobs = budget == "max" ? "2" : "0." + std::to_string(static_cast<int>(8 * std::stod(budget))),
          .budget = budget,
          .metric = "accuracy",
          .value = value,
          .cost_fraction = budget == "max" ? 1.05 : std::stod(budget) - 0.01,
          .convention = "mac"};
}

inline Result fixed_net(std::string const& role, std::string const& arch, std::uint64_t seed, double value,
                        double fraction) {
  auto r = cell("plain", seed, "max", value);
  r.role = role;
  r.arch = arch;
  r.run = arch + "-plain-s" + std::to_string(seed);
  r.method = "none";
  r.placement = r.policy = r.confidence = r.knobs = "";
  r.cost_fraction = fraction;
  return r;
}

inline Result failure(std::string const& regime, std::uint64_t seed) {
  auto r = cell(regime, seed, "max", {});
  r.metric = "failed";
  r.split = r.policy = r.confidence = r.knobs = r.budget = "";
  r.cost_fraction.reset();
  return r;
}

inline Result oracle_of(Result r) {
  r.policy = "oracle";
  r.confidence = r.knobs = "";
  return r;
}

}  // namespace eexit
