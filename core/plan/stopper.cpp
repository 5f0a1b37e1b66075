#include "core/plan/stopper.h"

#include <algorithm>

#include "core/base/error.h"

namespace eexit {

Stopper make_stopper(Stop const& rule, std::vector<bool> counts) {
  auto const exits = counts.size();
  return {.rule = rule,
          .counts = std::move(counts),
          .best = std::vector<double>(exits, 0.0),
          .counter = std::vector<int>(exits, 0)};
}

Stopper::Verdict Stopper::check(std::vector<double> const& values) {
  require(values.size() == counts.size(), "early stopping: one value an exit");
  require(std::find(counts.begin(), counts.end(), true) != counts.end(), "early stopping: no exit learns");
  Verdict verdict;
  bool all_worn = true;
  // Smaller is better from here on.
  double const sign = rule.on_accuracy ? -1 : 1;
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!counts[k]) continue;
    double const value = sign * values[k], record = sign * best[k];
    if (!started || value < record) {
      best[k] = values[k];
      counter[k] = 0;
      verdict.improved = true;
    } else if (value > record + rule.delta) {
      ++counter[k];
    }
    all_worn = all_worn && counter[k] >= rule.patience;
  }
  started = true;
  verdict.stop = all_worn && !verdict.improved;
  return verdict;
}

}  // namespace eexit
