#include "core/plan/plan.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/cells.h"
#include "core/plan/planner.h"
#include "core/plan/read_run.h"
#include "core/plan/slurm_spec.h"

namespace eexit {

std::string name_of(Protocol::Kind kind) {
  switch (kind) {
    case Protocol::Kind::equal_epochs:
      return "equal_epochs";
    case Protocol::Kind::equal_macs:
      return "equal_macs";
    case Protocol::Kind::converged:
      break;
  }
  return "converged";
}

std::vector<std::string> exit_names(Run const& run) {
  auto names = run.after;
  names.emplace_back("last");
  return names;
}

std::vector<double> costs_of(Run const& run, Convention convention) {
  std::vector<double> costs;
  for (auto const& cost : run.exit_cost) costs.push_back(in(convention, cost));
  return costs;
}

std::string name_of(Role role) {
  switch (role) {
    case Role::run:
      return "run";
    case Role::plain:
      return "plain";
    case Role::rival:
      return "rival";
    case Role::trial:
      break;
  }
  return "trial";
}

namespace {

using Json = nlohmann::json;

void check_study(JsonReader& reader, std::string const& study) {
  bool good = !study.empty() && study.size() <= 64;
  for (std::size_t i = 0; good && i < study.size(); ++i) {
    char const c = study[i];
    bool const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    good = plain || (i > 0 && (c == '_' || c == '-'));
  }
  if (!good)
    reader.fail("study", "expected a name of 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit, found \"" +
                             study + "\"");
}

// What recipes can be meant for: kinds of phase, and "regime/kind".
void note_phases(std::set<std::string>& used, Run const& run, std::string const& regime) {
  for (auto const& phase : run.phases) {
    auto const& name = name_of(phase.phase);
    used.insert(name);
    used.insert(regime + "/" + name);
  }
}

// Recipes for phases that no run has.
void warn_of_recipes(std::set<std::string>& warnings, Part const& part, std::set<std::string> const& used) {
  auto const train = Json::parse(part.text);
  auto const unused = [&](std::string const& pointer, std::string const& what) {
    warnings.insert(part.source->place(pointer) + ": ignored because no run has a " + what + " phase");
  };
  auto const by_phase = train.value("phases", Json::object());
  auto const by_regime = train.value("regimes", Json::object());
  for (auto const& [phase, recipe] : by_phase.items())
    if (!used.contains(phase)) unused("/train/phases/" + phase, phase);
  for (auto const& [regime, phases] : by_regime.items())
    for (auto const& [phase, recipe] : phases.items())
      if (!used.contains(regime + "/" + phase)) unused("/train/regimes/" + regime + "/" + phase, regime + " " + phase);
}

// Test sets for the networks of a data set that no run has.
void refuse_unmet(Plan const& plan) {
  std::set<std::string> data;
  for (auto const& run : plan.runs) data.insert(run.data.source.name);
  for (auto const& extra : plan.eval.extra)
    if (!extra.data.empty() && !data.contains(extra.data))
      throw SpecError(
          extra.place + "/for: " +
          unknown_name("data set of this study", extra.data, std::vector<std::string>(data.begin(), data.end())));
}

}  // namespace

Plan make_plan(std::string const& text, std::string const& file, Catalog const& catalog) {
  auto const source = std::make_shared<Source>(Source{file, {}});
  JsonReader reader(strict_json(text, file), source);
  Plan plan;
  plan.spec = text;
  reader.text("$schema", "", "where an editor finds the schema");
  plan.study = reader.text("study", "", "folder name of the study");
  check_study(reader, plan.study);
  for (auto const* key : {"defaults", "grid", "include", "exclude", "rivals"}) reader.raw(key, "");
  auto slurm = reader.object("slurm", "sbatch options by name");
  plan.slurm = read_slurm(slurm);
  auto eval = reader.object("eval", "how finished runs are judged");
  plan.eval = read_eval(eval, catalog);
  plan.warnings = plan.eval.warnings;
  reader.done();

  auto const cells = expand_cells(text, file);
  Planner planner(catalog, plan.eval.extra);
  std::set<std::string> ids;
  auto const add = [&](Run run) {
    if (ids.insert(run.id).second) plan.runs.push_back(std::move(run));
  };
  std::set<std::string> used;
  std::vector<Run> others;  // plain networks and rivals
  plan.runs.reserve(cells.runs.size());
  for (auto const& cell : cells.runs) {
    auto run = planner.run(cell);
    note_phases(used, run, run.regime.name);
    if (plan.eval.plain) run.plain_run = planner.add_plain(cell, others);
    add(std::move(run));
  }
  for (auto const& rival : cells.rivals)
    for (auto const& cell : cells.runs) planner.add_rival(cell, rival, others);
  plan.runs.reserve(plan.runs.size() + others.size());
  for (auto& run : others) {
    note_phases(used, run, "plain");
    add(std::move(run));
  }
  refuse_unmet(plan);
  for (auto const& warning : cells.warnings) plan.warnings.push_back(warning);
  plan.trials = planner.take_trials();
  auto warnings = planner.take_warnings();
  std::set<std::shared_ptr<Part const>> trains;
  for (auto const& cell : cells.runs)
    if (trains.insert(cell.part("train")).second) warn_of_recipes(warnings, *cell.part("train"), used);
  plan.warnings.insert(plan.warnings.end(), warnings.begin(), warnings.end());
  return plan;
}

}  // namespace eexit
