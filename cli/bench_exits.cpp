#include "cli/benchmarks.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/timing.h"
#include "core/exits/statistics.h"
#include "core/net/early.h"
#include "core/store/exit_file.h"
#include "core/tasks/classify.h"

namespace eexit::cli {

namespace {

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

}  // namespace

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
      StoredExits const stored(exits_of(store, run));
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

}  // namespace eexit::cli
