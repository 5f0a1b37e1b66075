#include <iostream>
#include <set>

#include "cli/benchmarks.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/timing.h"
#include "tests/support/bare_loop.h"

namespace eexit::cli {

// The trainer and the bare loop over equal networks and rows, f32 and bf16.
int bench_train(Args const& args) {
  TrainBench const bench(args);
  auto const& run = bench.run;
  auto const& images = bench.images;
  int const steps = bench.steps, rounds = bench.rounds;
  TimedTraining const ours(run, *joint_phase_of(run), steps, bench.device, images);
  auto const rows = std::min(images.rows(), run.train.batch * steps);
  std::vector<int> first_rows(
      run.splits->train.begin(),
      run.splits->train.begin() + std::min<long>(rows, static_cast<long>(run.splits->train.size())));
  auto const bare_batch = plain_batch(images, first_rows);
  auto const bare = [&](bool bf16) {
    auto const net = ours.fresh_net();
    return bare_loop(*net, bare_batch.input.x, bare_batch.target_b, run.train.batch, steps, bf16);
  };
  std::vector<Arm> const arms = {{"eexit, f32", [&] { return ours(false); }},
                                 {"eexit, f32 again (A/A)", [&] { return ours(false); }},
                                 {"bare loop, f32", [&] { return bare(false); }},
                                 {"eexit, bf16", [&] { return ours(true); }},
                                 {"bare loop, bf16", [&] { return bare(true); }}};
  auto const seconds = interleave(arms, rounds);
  Table table{.title = title("train", run, steps), .header = {"arm", "img/s", "ratio to bare loop, f32"}};
  for (std::size_t arm = 0; arm < arms.size(); ++arm)
    table.rows.push_back({arms[arm].name, speed_text(run.train.batch * steps, seconds[arm]),
                          spread(quotients(seconds[2], seconds[arm]), 3)});
  table.footnotes = {drift_text(seconds[0], seconds[1]),
                     "eexit: all of the trainer but checks on val; bare loop: forward, backward, fused SGD alone",
                     hardware(rounds)};
  print(table, args.json);
  return 0;
}

// Joint training of each method of the plan, against the first.
int bench_methods(Args const& args) {
  TrainBench const bench(args);
  auto const& first = bench.run;
  auto const& images = bench.images;
  int const steps = bench.steps, rounds = bench.rounds;
  std::vector<Arm> arms;
  std::set<std::string> known;
  for (auto const& run : bench.plan.runs) {
    auto const joint = joint_phase_of(run);
    if (!joint || !(run.arch == first.arch) || !known.insert(run.method_label).second) continue;
    arms.push_back(
        {run.method_label, [timed = TimedTraining(run, *joint, steps, bench.device, images)] { return timed(false); }});
  }
  arms.push_back({first.method_label + " again (A/A)", arms.front().run});
  auto const seconds = interleave(arms, rounds);
  Table table{.title = title("methods", first, steps), .header = {"method", "img/s", "time of " + arms[0].name}};
  for (std::size_t arm = 0; arm < arms.size(); ++arm)
    table.rows.push_back({arms[arm].name, speed_text(first.train.batch * steps, seconds[arm]),
                          spread(quotients(seconds[arm], seconds[0]), 3)});
  table.footnotes = {drift_text(seconds.front(), seconds.back()), "joint training in f32, all but checks on val",
                     hardware(rounds)};
  print(table, args.json);
  return 0;
}

// A round for every line that is read, so that another program can take turns with this one.
int bench_steps(Args const& args) {
  TrainBench const bench(args, TrainBench::Of::first_run);
  TimedTraining const timed(bench.run, 0, bench.steps, bench.device, bench.images);
  std::int64_t parameters = 0;
  for (auto const& parameter : timed.fresh_net()->parameters()) parameters += parameter.numel();
  std::cout << "parameters " << parameters << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << "seconds " << fixed(timed(bench.run.train.bf16), 6) << std::endl;
  return 0;
}

}  // namespace eexit::cli
