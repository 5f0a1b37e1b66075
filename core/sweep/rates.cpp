#include "core/sweep/rates.h"

#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/tuning.h"
#include "core/sweep/graph.h"

namespace eexit {

namespace {

nlohmann::json record(std::string const& key, Store const& store) {
  auto const path = store.phase(key) / "phase.json";
  auto json = nlohmann::json::parse(read_file(path), nullptr, false);
  if (!json.is_object() || !json.contains("val") || !json.contains("training_macs"))
    throw RunError(path.string() + ": is damaged; remove it to train the phase again");
  return json;
}

// None: it diverged, or is not done.
std::optional<double> value_of(std::string const& key, Store const& store) {
  if (!store.phase_done(key)) return std::nullopt;
  std::vector<double> const accuracy = record(key, store).at("val").at("accuracy");
  return std::accumulate(accuracy.begin(), accuracy.end(), 0.0) / static_cast<double>(accuracy.size());
}

double chosen_rate(PlannedPhase const& phase, Store const& store) {
  return best_rate(*tune_of(std::get<Train>(phase.phase)), phase.tuning->trials,
                   [&](std::string const& key) { return value_of(key, store); });
}

}  // namespace

PlannedPhase with_chosen_rate(PlannedPhase const& phase, Store const& store) {
  if (!phase.tuning) return phase;
  PlannedPhase chosen = phase;
  chosen.phase = with_rate(std::get<Train>(phase.phase), chosen_rate(phase, store));
  chosen.tuning.reset();
  return chosen;
}

double spent_macs(std::string const& key, double planned, Store const& store) {
  if (store.phase_done(key)) return record(key, store).at("training_macs");
  auto const failure = read_failure({.id = key}, store);
  return failure && failure->diverged ? failure->macs : planned;
}

Csv tuning_csv(Plan const& plan, Store const& store) {
  Csv csv{.header = {"tuning", "run", "phase", "seed", "rate", "value", "training_macs", "chosen"}};
  std::set<std::string> seen;
  for (auto const& run : plan.runs)
    for (auto const& phase : run.phases) {
      if (!phase.tuning || !seen.insert(phase.tuning->key).second) continue;
      // Until the phase is done its rate may still change.
      std::optional<double> chosen;
      if (store.phase_done(phase.key)) chosen = chosen_rate(phase, store);
      for (auto const& trial : phase.tuning->trials) {
        auto const value = value_of(trial.key, store);
        csv.rows.push_back({phase.tuning->key.substr(0, 8), run.id, name_of(phase.phase), std::to_string(trial.seed),
                            shortest(trial.rate), value ? shortest(*value) : "",
                            shortest(spent_macs(trial.key, trial.macs, store)), chosen == trial.rate ? "1" : "0"});
      }
    }
  return csv;
}

}  // namespace eexit
