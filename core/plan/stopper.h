// Early stopping exactly as published (facts: regimes 5): one best and one counter an exit.
#pragma once

#include <vector>

#include "core/plan/phase.h"

namespace eexit {

struct Stopper {
  Stop rule;
  std::vector<bool> counts;  // [exits]: exits without trainable parameters are left out
  std::vector<double> best;  // [exits], of those that have a value yet
  std::vector<int> counter;  // [exits]
  bool started = false;

  struct Verdict {
    bool improved = false;  // some counted exit got strictly better: save the weights
    bool stop = false;
  };
  // `values`: [exits] loss or accuracy on val, as the rule asks.
  Verdict check(std::vector<double> const& values);
};

Stopper make_stopper(Stop const&, std::vector<bool> counts);

}  // namespace eexit
