// Training again and again, for its time.
#pragma once

#include <memory>

#include "core/execute/train.h"

namespace eexit {

// A phase of a run, `steps` long and trained from the start, again and again.
class TimedTraining {
 public:
  TimedTraining(Run const&, std::size_t phase, int steps, torch::Device, Images const&);
  std::shared_ptr<ExitNet> fresh_net() const;

  double operator()(bool bf16) const;  // seconds of the steps, waiting for their batches among them

 private:
  Run const& run_;
  std::size_t number_;
  PlannedPhase phase_;
  Method method_;
  torch::Device device_;
  Images const& images_;
};

}  // namespace eexit
