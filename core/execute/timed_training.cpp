#include "core/execute/timed_training.h"

#include <unistd.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/execute/build.h"
#include "core/plan/run_text.h"
#include "core/plan/tuning.h"
#include "core/tasks/classify.h"

namespace eexit {

TimedTraining::TimedTraining(Run const& run, std::size_t number, int steps, torch::Device device, Images const& images)
    : run_(run),
      number_(number),
      phase_(run.phases[number]),
      method_(heads_by(run, number) ? read_method(run.method) : Method{}),
      device_(device),
      images_(images) {
  auto& train = std::get<Train>(phase_.phase);
  // A rate that is still to be chosen has no say in how long a step takes.
  if (auto const rule = tune_of(train)) train = with_rate(train, rule->rates.front());
  train.stop.reset();
  train.keep = Keep::last;
  phase_.steps = steps;
}

std::shared_ptr<ExitNet> TimedTraining::fresh_net() const {
  auto net = build_net(run_, number_);
  place(*net, device_);
  return net;
}

double TimedTraining::operator()(bool bf16) const {
  auto const folder = fs::temp_directory_path() / ("eexit-bench-" + std::to_string(getpid()));
  make_folder(folder);
  Run timed = run_;
  timed.train.bf16 = bf16;
  auto const net = fresh_net();
  auto const before = log_level();
  set_log_level(Level::quiet);
  Task const task = classify();
  std::vector<TrainJob> const jobs = {
      {.run = timed, .phase = phase_, .net = *net, .method = method_, .folder = folder, .label = "bench"}};
  double seconds = 0;
  eexit::train(jobs, {.task = task, .images = images_, .room = {.folder = folder}},
               {.done = [&](std::size_t, TrainResult const& result) { seconds = result.step_seconds; },
                .diverged = [](std::size_t, std::string const& reason, long) { throw RunError(reason); }});
  set_log_level(before);
  remove_tree(folder);
  return seconds;
}

}  // namespace eexit
