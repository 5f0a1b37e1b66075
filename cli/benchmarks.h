// What the benchmarks share: phases trained again and again, and how speeds are written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/execute/timed_training.h"
#include "core/execute/work.h"
#include "core/report/table.h"

namespace eexit::cli {

// A flag's number, from `least` to a million.
int number(Args const&, char const* flag, int least);

// median (lowest to highest)
std::string spread(std::vector<double> const& values, int decimals);
// Threads, rounds, load and revision, for a footnote.
std::string hardware(int rounds);
void print(Table const&, bool json);

std::optional<std::size_t> joint_phase_of(Run const&);

// What a benchmark of training begins with: the plan of the spec that is asked for, a run of it and that run's images.
struct TrainBench {
  enum class Of { first_run, first_joint_run };
  explicit TrainBench(Args const&, Of = Of::first_joint_run);  // SpecError where there is none
  TrainBench(TrainBench const&) = delete;
  TrainBench& operator=(TrainBench const&) = delete;

  Store store;
  torch::Device device;
  Plan plan;
  Run const& run;
  int steps, rounds;
  OpenData data;
  Images const& images;
};
std::string title(std::string const& what, Run const&, int steps);

// Round by round: what slows the machine for a while slows neighbours in time alike.
std::vector<double> quotients(std::vector<double> const& above, std::vector<double> const& below);
// So many images, a second.
std::string speed_text(double images, std::vector<double> const& seconds);
std::string drift_text(std::vector<double> const& first, std::vector<double> const& again);

int bench_train(Args const&);
int bench_methods(Args const&);
int bench_steps(Args const&);
int bench_exits(Args const&);
int bench_images(Args const&);
int bench_means(Args const&);

}  // namespace eexit::cli
