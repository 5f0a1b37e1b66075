#include <unistd.h>

#include <cstdio>
#include <set>

#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/environment.h"
#include "core/execute/timing.h"
#include "core/execute/train.h"
#include "core/exits/statistics.h"
#include "core/net/early.h"
#include "core/plan/protocol.h"
#include "core/report/table.h"
#include "core/store/exit_file.h"
#include "core/tasks/classify.h"
#include "tests/support/bare_loop.h"

namespace eexit::cli {

namespace {

int number(Args const& args, char const* flag, int least) {
  auto const value = parse_integer(args.values.at(flag), std::string("--") + flag);
  if (value < least || value > 1000000)
    throw SpecError(std::string("--") + flag + ": expected " + std::to_string(least) + " to 1000000", Exit::usage);
  return static_cast<int>(value);
}

// median (lowest to highest)
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

// A joint phase of a run, `steps` long and trained from the start, again and again.
class TimedTraining {
 public:
  TimedTraining(Run const& run, std::size_t number, int steps, torch::Device device, Images const& images)
      : run_(run),
        number_(number),
        phase_(run.phases[number]),
        method_(read_method(run.method)),
        device_(device),
        images_(images) {
    auto& joint = std::get<Train>(phase_.phase);
    joint.stop.reset();
    joint.keep = Keep::last;
    phase_.steps = steps;
  }

  std::shared_ptr<ExitNet> fresh_net() const {
    auto net = build_net(run_, number_);
    place(*net, device_);
    return net;
  }

  // Seconds of the steps.
  double operator()(bool bf16) const {
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
    eexit::train(jobs, {.task = task, .images = images_},
                 {.done = [&](std::size_t, TrainResult const& result) { seconds = result.step_seconds; },
                  .diverged = [](std::size_t, std::string const& reason, long) { throw RunError(reason); }});
    set_log_level(before);
    remove_tree(folder);
    return seconds;
  }

 private:
  Run const& run_;
  std::size_t number_;
  PlannedPhase phase_;
  Method method_;
  torch::Device device_;
  Images const& images_;
};

std::optional<std::size_t> joint_phase_of(Run const& run) {
  for (std::size_t i = 0; i < run.phases.size(); ++i)
    if (run.role == Role::run && std::get<Train>(run.phases[i].phase).name == "joint") return i;
  return std::nullopt;
}

std::string title(std::string const& what, Run const& run, int steps) {
  return "bench " + what + ": " + run.arch_label + ", " + std::to_string(run.after.size()) + " exits, batch " +
         std::to_string(run.train.batch) + ", " + std::to_string(steps) + " steps an arm and round";
}

// Round by round: what slows the machine for a while slows neighbours in time alike.
std::vector<double> quotients(std::vector<double> const& above, std::vector<double> const& below) {
  std::vector<double> values;
  for (std::size_t round = 0; round < above.size(); ++round) values.push_back(above[round] / below[round]);
  return values;
}

// Images a second.
std::string speed_text(Run const& run, int steps, std::vector<double> const& seconds) {
  return spread(quotients(std::vector<double>(seconds.size(), run.train.batch * steps), seconds), 1);
}

std::string drift_text(std::vector<double> const& first, std::vector<double> const& again) {
  double const drift = median(quotients(again, first));
  return "A/A: the second arm takes " + fixed(drift, 4) + " of the first's time" +
         (std::abs(drift - 1) > 0.02 ? "; over 2 % off, these figures are void" : "");
}

Run const& first_joint(Plan const& plan, std::string const& spec) {
  for (auto const& run : plan.runs)
    if (joint_phase_of(run)) return run;
  throw SpecError(spec + ": no run has a joint phase; one is timed here");
}

// The trainer and the bare loop over equal networks and rows, f32 and bf16.
int bench_train(Args const& args) {
  Store store(args.out);
  store.read_only = true;
  auto const device = device_of(args);
  auto const plan = read_plan(args.positional.at(1), args, store);
  auto const& run = first_joint(plan, args.positional[1]);
  int const steps = number(args, "steps", 1), rounds = number(args, "rounds", 1);
  OpenData data(device);
  auto const& images = data.images(run.data.source, Split::train);
  TimedTraining const ours(run, *joint_phase_of(run), steps, device, images);
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
    table.rows.push_back(
        {arms[arm].name, speed_text(run, steps, seconds[arm]), spread(quotients(seconds[2], seconds[arm]), 3)});
  table.footnotes = {drift_text(seconds[0], seconds[1]),
                     "eexit: all of the trainer but checks on val; bare loop: forward, backward, fused SGD alone",
                     hardware(rounds)};
  print(table, args.json);
  return 0;
}

// Joint training of each method of the plan, against the first.
int bench_methods(Args const& args) {
  Store store(args.out);
  store.read_only = true;
  auto const device = device_of(args);
  auto const plan = read_plan(args.positional.at(1), args, store);
  auto const& first = first_joint(plan, args.positional[1]);
  int const steps = number(args, "steps", 1), rounds = number(args, "rounds", 1);
  OpenData data(device);
  auto const& images = data.images(first.data.source, Split::train);
  std::vector<Arm> arms;
  std::set<std::string> known;
  for (auto const& run : plan.runs) {
    auto const joint = joint_phase_of(run);
    if (!joint || !(run.arch == first.arch) || !known.insert(run.method_label).second) continue;
    arms.push_back(
        {run.method_label, [timed = TimedTraining(run, *joint, steps, device, images)] { return timed(false); }});
  }
  arms.push_back({first.method_label + " again (A/A)", arms.front().run});
  auto const seconds = interleave(arms, rounds);
  Table table{.title = title("methods", first, steps), .header = {"method", "img/s", "time of " + arms[0].name}};
  for (std::size_t arm = 0; arm < arms.size(); ++arm)
    table.rows.push_back(
        {arms[arm].name, speed_text(first, steps, seconds[arm]), spread(quotients(seconds[arm], seconds[0]), 3)});
  table.footnotes = {drift_text(seconds.front(), seconds.back()), "joint training in f32, all but checks on val",
                     hardware(rounds)};
  print(table, args.json);
  return 0;
}

// One network at one batch size over the same samples.
struct Timed {
  std::string name, exits;
  Run const* run = nullptr;
  std::shared_ptr<ExitNet> net;
  Measure measure = Confidence::max_probability;
  Policy policy;
  double promised = 1;            // plain cost over mean cost
  std::vector<double> latencies;  // seconds a batch, all rounds
  ExitTable table;                // of test, for runs
  Outcome expected;
};

double time_round(Timed& timed, Images const& images, int samples, int batch, Task const& task) {
  torch::NoGradGuard no_grad;
  double total = 0;
  for (int from = 0; from + batch <= samples; from += batch) {
    std::vector<int> rows(static_cast<std::size_t>(batch));
    for (int i = 0; i < batch; ++i) rows[static_cast<std::size_t>(i)] = from + i;
    auto const input = plain_batch(images, rows).input;
    double const begun = wall_seconds();
    answer_early(*timed.net, input, task, timed.measure, timed.policy);
    double const taken = wall_seconds() - begun;
    timed.latencies.push_back(taken);
    total += taken;
  }
  return total;
}

// How many of the first `samples` live answers (exit and prediction) are those of the simulation.
int equal_to_simulation(Timed const& timed, Images const& images, int samples, int batch, Task const& task) {
  int equal = 0;
  for (int from = 0; from < samples; from += batch) {
    std::vector<int> const rows(timed.table.sample.begin() + from,
                                timed.table.sample.begin() + std::min(from + batch, samples));
    auto const live = answer_early(*timed.net, plain_batch(images, rows).input, task, timed.measure, timed.policy);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      int const row = from + static_cast<int>(i), exit = timed.expected.exit[static_cast<std::size_t>(row)];
      equal += live.exit[i] == exit && live.predicted[i] == timed.table.predicted[timed.table.at(row, exit)];
    }
  }
  return equal;
}

int bench_exits(Args const& args) {
  Store const store(args.out);
  auto const study = open_study(args.positional.at(1), args.out);
  auto const device = device_of(args);
  auto plan = read_plan((study.folder / "spec.json").string(), args, store);
  if (!args.only.empty()) keep_only(plan, args.only);
  int const rounds = number(args, "rounds", 1), samples = number(args, "samples", 64);
  std::optional<double> budget;
  if (args.values.at("budget") != "max") budget = parse_double(args.values.at("budget"), "--budget");
  if (plan.eval.reference_rule)
    throw SpecError("bench exits: knobs fitted on cal are timed; rule \"reference\" chooses on test", Exit::usage);
  auto const& rule = plan.eval.policies.front();
  auto const seed = plan.runs.front().seed;

  Task const task = classify();
  std::vector<Timed> all;
  for (auto const& run : plan.runs) {
    // One data set, one architecture beside its rivals, one seed: the first of the plan.
    auto const& lead = plan.runs.front();
    if (run.seed != seed || !store.run_done(run.id) || !(run.data.source == lead.data.source)) continue;
    if (run.role != Role::rival && !(run.arch == lead.arch)) continue;
    Timed timed{.name = run.role == Role::run ? run.regime_label : run.arch_label + " (" + name_of(run.role) + ")",
                .run = &run,
                .net = finished_net(run, weights_of(store, run), device),
                .measure = confidence_from(rule.confidence),
                .policy = [](std::span<double const>, std::span<int const>) { return false; }};
    timed.promised = in(plan.eval.convention, run.base) / in(plan.eval.convention, run.exit_cost.back());
    if (run.role == Role::run) {
      StoredExits const stored(store.run(run.id) / "exits.safetensors");
      timed.measure = measure_of(rule, [&] { return stored.temperatures(); });
      auto const knobs = fitted_knobs(rule, stored.table("cal", timed.measure, run, plan.eval.convention), budget);
      if (!knobs) {
        warn(run.id + ": no operating point within the budget; left out");
        continue;
      }
      timed.policy = family_of(rule).at(*knobs);
      timed.table = stored.table("test", timed.measure, run, plan.eval.convention);
      timed.expected = simulate(timed.table, timed.policy);
      timed.promised = in(plan.eval.convention, run.base) / timed.expected.cost;
    }
    all.push_back(std::move(timed));
  }
  auto const plain = std::find_if(all.begin(), all.end(), [](Timed const& t) { return t.run->role == Role::plain; });
  if (plain == all.end())
    throw SpecError(study.name + ": no finished plain network to compare with (eval.plain)", Exit::missing);
  auto const plain_at = static_cast<std::size_t>(plain - all.begin());
  Timed again = *plain;
  again.name += ", again (A/A)";
  all.push_back(again);

  OpenData data(device);
  auto const& images = data.images(all.front().run->data.source, Split::test);
  int const used = std::min(samples, images.rows());
  Table table{.title = study.name + ": early exit at " +
                       (budget ? shortest(*budget * 100) + " % budget" : std::string("max")) + ", " + rule.name() +
                       " (" + rule.measure() + "), seed " + std::to_string(seed),
              .header = {"network", "batch", "p50 ms", "p95 ms", "p99 ms", "img/s", "speed-up measured", "promised"},
              .label_columns = 1};
  double worst_drift = 0;
  int compared = 0, equal = 0;
  for (int const batch : {1, 16, 64}) {
    if (batch > used) continue;
    if (!table.rows.empty()) table.rules.push_back(static_cast<int>(table.rows.size()));
    std::vector<Arm> arms;
    for (auto& timed : all) {
      timed.latencies.clear();
      arms.push_back(
          {timed.name, [&timed, &images, &task, used, batch] { return time_round(timed, images, used, batch, task); }});
    }
    auto const seconds = interleave(arms, rounds);
    int const answered = used / batch * batch;
    worst_drift = std::max(worst_drift, std::abs(median(seconds.back()) / median(seconds[plain_at]) - 1));
    for (std::size_t arm = 0; arm < all.size(); ++arm) {
      if (all[arm].table.rows > 0) {
        compared += used;
        equal += equal_to_simulation(all[arm], images, used, batch, task);
      }
      std::vector<double> speed_up;
      for (std::size_t round = 0; round < seconds[arm].size(); ++round)
        speed_up.push_back(seconds[plain_at][round] / seconds[arm][round]);
      auto const& times = all[arm].latencies;
      table.rows.push_back({all[arm].name, std::to_string(batch), fixed(1e3 * quantile(times, 0.5), 2),
                            fixed(1e3 * quantile(times, 0.95), 2), fixed(1e3 * quantile(times, 0.99), 2),
                            fixed(answered / median(seconds[arm]), 0), spread(speed_up, 2),
                            fixed(all[arm].promised, 2)});
    }
  }
  table.footnotes = {"latency: one batch from input on the device to answers on the host; " + std::to_string(used) +
                         " test samples a round",
                     "promised: plain cost over mean cost of the operating point on all of test",
                     "live exits and predictions equal to the simulation: " + grouped(equal) + " of " +
                         grouped(compared) + " (batch size changes last bits near a threshold)",
                     "A/A: the plain network against itself is at most " + fixed(100 * worst_drift, 1) + " % off",
                     hardware(rounds)};
  print(table, args.json);
  return 0;
}

}  // namespace

int bench(Args const& args) {
  auto const& what = args.positional.at(0);
  if (args.dry_run) throw SpecError("--dry-run: a benchmark has nothing to plan", Exit::usage);
  if (what == "train") return bench_train(args);
  if (what == "methods") return bench_methods(args);
  if (what == "exits") return bench_exits(args);
  throw SpecError(
      "eexit bench: " + unknown_name("benchmark", what, std::vector<std::string>{"train", "methods", "exits"}),
      Exit::usage);
}

}  // namespace eexit::cli
