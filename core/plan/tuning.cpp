#include "core/plan/tuning.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/plan/run_text.h"

namespace eexit {

std::optional<TuneRule> const& tune_of(Train const& train) {
  return std::visit(
      [](auto const& rule) -> auto const& { return rule.tune; }, train.recipe.optim);
}

Train with_rate(Train const& train, double rate) {
  Train given = train;
  std::visit(
      [rate](auto& rule) {
        rule.lr = rate;
        rule.tune.reset();
      },
      given.recipe.optim);
  return given;
}

double best_rate(TuneRule const& rule, std::vector<Trial> const& trials, TrialValue const& value) {
  // Fewer diverged trials first, then the higher mean of the others, then the lower rate.
  std::vector<std::tuple<int, double, double>> order;
  for (double const rate : rule.rates) {
    int diverged = 0, finished = 0;
    double sum = 0;
    for (auto const& trial : trials) {
      if (trial.rate != rate) continue;
      auto const result = value(trial.key);
      ++(result ? finished : diverged);
      sum += result.value_or(0);
    }
    require(diverged + finished == rule.seeds, "a rate has one trial a tuning seed");
    if (finished > 0) order.emplace_back(diverged, -sum / finished, rate);
  }
  if (order.empty())
    throw RunError("every rate tried diverged: " + join(rule.rates, ", ") + "; lower them or clip gradients",
                   Exit::runs_failed);
  return std::get<2>(*std::min_element(order.begin(), order.end()));
}

double tuning_macs(Run const& run, SpentMacs const& spent) {
  std::map<std::string, double> macs;
  for (auto const& phase : run.phases) {
    if (!phase.tuning) continue;
    macs.insert(phase.tuning->before.begin(), phase.tuning->before.end());
    for (auto const& trial : phase.tuning->trials) macs.emplace(trial.key, trial.macs);
  }
  double sum = 0;
  for (auto const& [key, planned] : macs) sum += spent ? spent(key, planned) : planned;
  return sum;
}

namespace {

TuneRule const* rule_of(PlannedPhase const& phase) {
  auto const* train = std::get_if<Train>(&phase.phase);
  auto const* rule = train == nullptr ? nullptr : &tune_of(*train);
  return rule != nullptr && *rule ? &**rule : nullptr;
}

// The run on a tuning seed, its phases keyed by their rules.
Run on_seed(Run const& run, std::uint64_t seed) {
  Run other = run;
  other.role = Role::trial;
  other.seed = seed;
  other.head_seed.reset();
  other.cell.clear();
  other.plain_run.clear();
  set_keys(other, 0);
  return other;
}

// The trial of phase `last` of a run on a tuning seed: what comes before it, and this phase at `rate`.
Run trial_of(Run trial, std::size_t last, double rate) {
  trial.phases.resize(last + 1);
  auto& phase = trial.phases.back();
  auto const& train = std::get<Train>(phase.phase);
  phase.phase = with_rate(train, rate);
  phase.tuning.reset();
  set_keys(trial, last);
  if (!heads_by(trial, last)) {
    trial.method = trial.heads_method = {"none", "{}"};
    trial.method_label = "none";
    trial.after.clear();
    trial.placement.clear();
    trial.exit_cost = {trial.plain};
  }
  // Named by what its key knows, not by the run that asked first.
  trial.regime = {"tune", "{}"};
  trial.regime_label = "tune-" + train.name + std::to_string(last + 1);
  trial.id = trial.arch_label + "-" + trial.data.source.name + "-" + trial.method_label + "-" + trial.regime_label +
             "-s" + std::to_string(trial.seed) + "-lr" + shortest(rate) + "-" + phase.key.substr(0, 8);
  return trial;
}

}  // namespace

std::vector<Run> add_tuning(Run& run) {
  int seeds = 0;
  for (auto const& phase : run.phases)
    if (auto const* rule = rule_of(phase)) seeds = std::max(seeds, rule->seeds);
  std::vector<Run> trials;
  std::vector<Tuning> tunings(run.phases.size());
  for (int s = 0; s < seeds; ++s) {
    auto const other = on_seed(run, first_tuning_seed + static_cast<std::uint64_t>(s));
    for (std::size_t i = 0; i < run.phases.size(); ++i) {
      auto const* rule = rule_of(run.phases[i]);
      if (rule == nullptr || s >= rule->seeds) continue;
      auto& tuning = tunings[i];
      for (std::size_t below = 0; below < i; ++below)
        tuning.before.emplace(other.phases[below].key, other.phases[below].macs);
      for (double const rate : rule->rates) {
        trials.push_back(trial_of(other, i, rate));
        tuning.trials.push_back({other.seed, rate, trials.back().phases.back().key, run.phases[i].macs});
      }
    }
  }
  for (std::size_t i = 0; i < tunings.size(); ++i) {
    if (tunings[i].trials.empty()) continue;
    auto keys = nlohmann::json::array();
    for (auto const& trial : tunings[i].trials) keys.push_back(trial.key);
    tunings[i].key = sha256(keys.dump());
    run.phases[i].tuning = std::make_shared<Tuning>(std::move(tunings[i]));
  }
  // What a trial starts from is tuned by the same trials as the run itself: its own seed has no say.
  for (auto& trial : trials)
    for (std::size_t i = 0; i + 1 < trial.phases.size(); ++i) trial.phases[i].tuning = run.phases[i].tuning;
  return trials;
}

}  // namespace eexit
