#include "cli/benchmarks.h"
#include "core/base/error.h"
#include "core/execute/build.h"
#include "core/execute/fit.h"
#include "core/execute/timing.h"
#include "core/exits/statistics.h"
#include "core/tasks/classify.h"

namespace eexit::cli {

namespace {

Fit const& fit_of(Run const& run, std::string const& spec) {
  for (auto const& phase : run.phases)
    if (auto const* fit = std::get_if<Fit>(&phase.phase)) return *fit;
  throw SpecError(spec + ": the first run fits no means of classes; they are timed here");
}

// Seconds of the plain network's answers for these rows, in the portions of a fit.
double plain_passes(ExitNet const& net, Images const& images, std::vector<int> const& rows, int passes) {
  torch::NoGradGuard no_grad;
  double const begun = wall_seconds();
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t from = 0; from < rows.size(); from += fit_portion) {
      std::vector<int> const some(rows.begin() + static_cast<long>(from),
                                  rows.begin() + static_cast<long>(std::min(from + fit_portion, rows.size())));
      answer_all(net, plain_batch(images, some).input);
    }
  return wall_seconds() - begun;
}

template <class Do>
double repeated(int times, Do const& action) {
  torch::NoGradGuard no_grad;
  double const begun = wall_seconds();
  for (int i = 0; i < times; ++i) action();
  return wall_seconds() - begun;
}

}  // namespace

// What fitting takes beside forward passes, and what one exit's confidence takes beside the whole network.
int bench_means(Args const& args) {
  TrainBench const bench(args, TrainBench::Of::first_run);
  auto const& run = bench.run;
  auto const& fit_phase = fit_of(run, args.positional[1]);
  auto const method = read_method(run.method);
  auto const net = build_net(run);
  auto const plain = build_net(run.arch, run.facts->shape, run.facts->classes, run.seed);
  for (auto const& each : {net, plain}) {
    place(*each, bench.device);
    each->eval();
  }
  Task const task = classify();
  constexpr int batch = 64;
  auto const& rows = run.splits->train;
  if (rows.size() < batch)
    throw SpecError(args.positional[1] + ": expected at least 64 training rows, found " + std::to_string(rows.size()));
  auto const input = plain_batch(bench.images, {rows.begin(), rows.begin() + batch}).input;
  std::map<std::string, State> seen;
  {
    torch::NoGradGuard no_grad;
    walk(net->stages, input, [&](Stage const& stage, State& state) {
      if (net->heads.contains(stage.name)) seen[stage.name] = state;
      return true;
    });
  }
  auto const passes = [&] { return plain_passes(*plain, bench.images, rows, fit_phase.passes); };
  std::vector<Arm> arms = {
      {std::to_string(fit_phase.passes) + " forward passes", passes},
      {"the same again (A/A)", passes},
      {"fit", [&] { return fit(*net, run, fit_phase, method, {.task = task, .images = bench.images}).step_seconds; }},
      {"network, batch 64", [&] { return repeated(bench.steps, [&] { answer_all(*plain, input); }); }}};
  constexpr std::size_t network = 3;
  for (auto const& name : run.after)
    arms.push_back({"exit " + name + ", batch 64", [&, &exit = name] {
                      return repeated(bench.steps, [&] {
                        auto const answer = net->heads.at(exit).run(seen.at(exit), {});
                        task.confidence(Confidence::max_probability, answer.logits, {answer});
                      });
                    }});
  auto const seconds = interleave(arms, bench.rounds);
  Table table{.title = title("means", run, bench.steps), .header = {"arm", "numbers a feature", "ms", "share"}};
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    bool const fits = arm < network;
    auto const& name = arm > network ? run.after[arm - network - 1] : std::string();
    std::vector<double> ms;
    for (double const taken : seconds[arm]) ms.push_back(1e3 * taken / (fits ? 1 : bench.steps));
    table.rows.push_back({arms[arm].name, name.empty() ? "" : std::to_string(seen.at(name).x[0].numel()),
                          spread(ms, fits ? 0 : 3),
                          spread(quotients(seconds[arm], seconds[fits ? 0 : network]), fits ? 3 : 4)});
  }
  table.footnotes = {"share: of the time of the forward passes; of exits, of the whole network's",
                     "passes over the " + std::to_string(rows.size()) + " training rows",
                     drift_text(seconds[0], seconds[1]), hardware(bench.rounds)};
  print(table, args.json);
  return 0;
}

}  // namespace eexit::cli
