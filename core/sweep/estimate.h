// How long work that is not done yet will take, from work of the same kind that was measured: plain arithmetic.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace eexit {

// A phase of training to be timed.
struct Effort {
  std::string arch{};    // name only: depth and width show in the MACs
  std::string device{};  // "cpu", "cuda:1": the index does not matter
  int threads = 1;
  double macs = 0;  // of the whole training
};

// Seconds a MAC, learned as the median over what was measured. Asked for work of an architecture, device and number of
// threads it takes the nearest that it has: the same three; else the same architecture and device, as if threads shared
// the work evenly; else the device's other architectures.
class Estimate {
 public:
  // Efforts without MACs or time teach nothing and are passed over.
  void learn(Effort const&, double seconds);

  // Nothing when nothing was measured on this device.
  std::optional<double> seconds(Effort const&) const;

 private:
  struct Rate {
    std::string arch, device;
    int threads;
    double thread_seconds;  // a MAC
  };
  std::vector<Rate> rates_;
};

// Seconds until all is done by `jobs` workers, each of which takes the first in order of what is ready. after[i]: what
// i waits for. What runs already comes first, with the seconds that are left of it. std::logic_error on a circle, on a
// place that does not exist and on fewer than one worker.
double makespan(std::span<double const> seconds, std::span<std::vector<int> const> after, int jobs);

}  // namespace eexit
