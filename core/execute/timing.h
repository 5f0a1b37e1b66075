// Wall-clock figures that mean something on a shared machine: arms interleaved in one process, medians of rounds.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace eexit {

struct Arm {
  std::string name;
  std::function<double()> run;  // seconds of one round
};

// seconds[arm][round]. Every round runs every arm once, each round starting one arm further on; one round of warm-up is
// dropped.
std::vector<std::vector<double>> interleave(std::vector<Arm> const&, int rounds);

double wall_seconds();  // a steady clock

}  // namespace eexit
