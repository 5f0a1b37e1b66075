// Trains phases: from the parent's weights to the weights a phase keeps, surviving any interruption. Head phases on one
// frozen trunk are trained together, each exactly as it would be alone.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/execute/feed.h"
#include "core/execute/images.h"
#include "core/methods/method.h"
#include "core/net/net.h"
#include "core/net/task.h"
#include "core/plan/spec.h"
#include "core/sweep/events.h"

namespace eexit {

// One phase.
struct TrainJob {
  Run const& run;
  PlannedPhase const& phase;
  ExitNet& net;  // on its device, the parent's weights loaded
  Method const& method;
  fs::path folder;    // of the phase: journal and checkpoints
  std::string label;  // for messages
};

// What all phases that are trained together share.
struct TrainSetting {
  Task const& task;
  Images const& images;                           // the training file
  Room room = {};                                 // for features of a frozen trunk
  std::function<void(Event const&)> report = {};  // progress twice a second, and every epoch; may be empty
};

// Mean loss and accuracy of every exit.
struct Measured {
  std::vector<double> loss, accuracy;
};

struct TrainResult {
  double seconds = 0;       // of training, checks on val and checkpoints, over all interruptions; shared work in parts
  double step_seconds = 0;  // the same without the checks on val
  long steps = 0;
  double epochs = 0;
  double samples = 0;
  bool stopped_early = false;
  Measured val;  // of the weights kept
};

// What becomes of job number `job`, as soon as it is known.
struct TrainEnd {
  std::function<void(std::size_t job, TrainResult const&)> done;  // the net holds the weights that the phase keeps
  // A loss was not finite, found after so many steps.
  std::function<void(std::size_t job, std::string const& reason, long steps)> diverged;
};

// One job, or several heads phases that share parent, data, order, augmentation and precision. Goes on from the newest
// good checkpoints. Throws Interrupted after writing checkpoints when a stop was asked for.
void train(std::span<TrainJob const> jobs, TrainSetting const&, TrainEnd const&);

// Over the rows of a split in eval mode without gradients, f32; by what a network learns without labels, where it is
// given. Throws Interrupted when a stop was asked for.
Measured measure(ExitNet&, Task const&, FeedRows const&, std::vector<int> const& rows, int batch,
                 Unlabelled const* = nullptr);

}  // namespace eexit
