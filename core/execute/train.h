// Trains one phase: from the parent's weights to weights.safetensors, surviving any interruption.
#pragma once

#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/execute/images.h"
#include "core/methods/method.h"
#include "core/net/net.h"
#include "core/net/task.h"
#include "core/plan/spec.h"

namespace eexit {

struct TrainJob {
  Run const& run;
  PlannedPhase const& phase;
  ExitNet& net;  // on its device, the parent's weights loaded
  Task const& task;
  Method const& method;
  Images const& images;  // the training file
  fs::path folder;       // of the phase: journal and checkpoints
  std::string label;     // for messages
};

struct TrainResult {
  double seconds = 0;       // of training, checks on val and checkpoints, over all interruptions
  double step_seconds = 0;  // the same without the checks on val
  long steps = 0;
  double epochs = 0;
  double samples = 0;
  bool stopped_early = false;
};

// Leaves in `net` the weights that the phase keeps. Goes on from the newest good checkpoint. Throws Interrupted after
// writing a checkpoint when a stop was asked for, RunError naming phase, step and exit when a loss is not finite.
TrainResult train(TrainJob const&);

// Mean loss and accuracy of every exit over rows of the training file, in eval mode without gradients, f32.
struct Measured {
  std::vector<double> loss, accuracy;
};
Measured measure(ExitNet&, Task const&, Images const&, std::vector<int> const& rows, int batch);

}  // namespace eexit
