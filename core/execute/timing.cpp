#include "core/execute/timing.h"

#include <chrono>

#include "core/base/signals.h"

namespace eexit {

std::vector<std::vector<double>> interleave(std::vector<Arm> const& arms, int rounds) {
  std::vector<std::vector<double>> seconds(arms.size());
  for (int round = -1; round < rounds; ++round)
    for (std::size_t i = 0; i < arms.size(); ++i) {
      throw_if_stop_requested();
      auto const arm = (i + static_cast<std::size_t>(round + 1)) % arms.size();
      double const taken = arms[arm].run();
      if (round >= 0) seconds[arm].push_back(taken);
    }
  return seconds;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace eexit
