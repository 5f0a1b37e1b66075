#include "cli/benchmarks.h"

#include <cstdio>

#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/environment.h"
#include "core/exits/statistics.h"

namespace eexit::cli {

int number(Args const& args, char const* flag, int least) {
  auto const value = parse_integer(args.values.at(flag), std::string("--") + flag);
  if (value < least || value > 1000000)
    throw SpecError(std::string("--") + flag + ": expected " + std::to_string(least) + " to 1000000", Exit::usage);
  return static_cast<int>(value);
}

std::string spread(std::vector<double> const& values, int decimals) {
  auto const [low, high] = std::minmax_element(values.begin(), values.end());
  return fixed(median(values), decimals) + " (" + fixed(*low, decimals) + " to " + fixed(*high, decimals) + ")";
}

std::string hardware(int rounds) {
  return std::to_string(at::get_num_threads()) + " threads, medians of " + std::to_string(rounds) +
         " interleaved rounds (lowest to highest), load " + fixed(load_average(), 2) + " at the end, revision " +
         revision();
}

void print(Table const& table, bool json) {
  std::fputs((json ? to_json(table) + "\n" : to_console(table)).c_str(), stdout);
}

std::optional<std::size_t> joint_phase_of(Run const& run) {
  for (std::size_t i = 0; i < run.phases.size(); ++i)
    if (run.role == Role::run && name_of(run.phases[i].phase) == "joint") return i;
  return std::nullopt;
}

std::string title(std::string const& what, Run const& run, int steps) {
  return "bench " + what + ": " + run.arch_label + ", " + std::to_string(run.after.size()) + " exits, batch " +
         std::to_string(run.train.batch) + ", " + std::to_string(steps) + " steps an arm and round";
}

std::vector<double> quotients(std::vector<double> const& above, std::vector<double> const& below) {
  std::vector<double> values;
  for (std::size_t round = 0; round < above.size(); ++round) values.push_back(above[round] / below[round]);
  return values;
}

std::string speed_text(double images, std::vector<double> const& seconds) {
  return spread(quotients(std::vector<double>(seconds.size(), images), seconds), 1);
}

std::string drift_text(std::vector<double> const& first, std::vector<double> const& again) {
  double const drift = median(quotients(again, first));
  return "A/A: the second arm takes " + fixed(drift, 4) + " of the first's time" +
         (std::abs(drift - 1) > 0.02 ? "; over 2 % off, these figures are void" : "");
}

namespace {

Store looked_at(fs::path const& out) {
  Store store(out);
  store.read_only = true;
  return store;
}

Run const& first_run(Plan const& plan, std::string const& spec, TrainBench::Of of) {
  if (of == TrainBench::Of::first_run) return plan.runs.at(0);
  for (auto const& run : plan.runs)
    if (joint_phase_of(run)) return run;
  throw SpecError(spec + ": no run has a joint phase; one is timed here");
}

}  // namespace

TrainBench::TrainBench(Args const& args, Of of)
    : store(looked_at(args.out)),
      device(device_of(args)),
      plan(read_plan(args.positional.at(1), args, store)),
      run(first_run(plan, args.positional[1], of)),
      steps(number(args, "steps", 1)),
      rounds(number(args, "rounds", 1)),
      data(device),
      images(data.images(run.data.source, Split::train)) {}

int bench(Args const& args) {
  auto const& what = args.positional.at(0);
  if (args.dry_run) throw SpecError("--dry-run: a benchmark has nothing to plan", Exit::usage);
  if (what == "train") return bench_train(args);
  if (what == "methods") return bench_methods(args);
  if (what == "steps") return bench_steps(args);
  if (what == "images") return bench_images(args);
  if (what == "means") return bench_means(args);
  if (what == "exits") return bench_exits(args);
  throw SpecError(
      "eexit bench: " + unknown_name("benchmark", what,
                                     std::vector<std::string>{"train", "methods", "steps", "images", "means", "exits"}),
      Exit::usage);
}

}  // namespace eexit::cli
