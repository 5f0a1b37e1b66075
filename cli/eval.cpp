#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/catalog.h"
#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/plan/plan.h"
#include "core/report/axes.h"
#include "core/store/exit_file.h"

namespace eexit::cli {

namespace {

// index, label, exit, prediction and confidence of every test sample of every run, at the knobs of one budget.
void write_samples(Plan const& plan, Store const& store, std::string const& path, std::string const& budget_text) {
  if (plan.eval.reference_rule)
    throw SpecError("--samples: knobs fitted on cal are written; rule \"reference\" chooses on test over all seeds",
                    Exit::usage);
  std::optional<double> budget;
  if (budget_text != "max") budget = parse_double(budget_text, "--budget");
  Csv csv{.header = {"run", "policy", "confidence_measure", "index", "label", "exit", "prediction", "confidence"}};
  for (auto const& run : plan.runs) {
    if (run.role != Role::run || !store.run_done(run.id)) continue;
    StoredExits const stored(exits_of(store, run));
    for (auto const& rule : plan.eval.policies) {
      auto const measure = measure_of(rule, [&] { return stored.temperatures(); });
      auto const knobs = fitted_knobs(rule, stored.table("cal", measure, run, plan.eval.convention), budget);
      if (!knobs) {
        warn(run.id + ": no operating point of " + rule.name() + " within budget " + budget_text + "; no samples");
        continue;
      }
      auto const test = stored.table("test", measure, run, plan.eval.convention);
      auto const outcome = simulate(test, family_of(rule).at(*knobs));
      for (int row = 0; row < test.rows; ++row) {
        auto const at = static_cast<std::size_t>(row);
        int const exit = outcome.exit[at];
        csv.rows.push_back({run.id, rule.name(), rule.measure(), std::to_string(test.sample[at]),
                            std::to_string(test.label[at]), std::to_string(exit),
                            std::to_string(test.predicted[test.at(row, exit)]),
                            shortest(test.confidence[test.at(row, exit)])});
      }
    }
  }
  write_file(path, encode_csv(csv));
  say("eval", "samples are in " + path);
}

// Runs that failed in the study stay failed rows.
std::map<std::string, std::string> failed_before(Study const& study) {
  std::map<std::string, std::string> failed;
  auto const run = study.runs.column("run"), status = study.runs.column("status"), error = study.runs.column("error");
  for (auto const& row : study.runs.rows)
    if (row[status] == "failed") failed[row[run]] = row[error];
  return failed;
}

// Networks are not run here.
void refuse_not_collected(Plan const& plan, Store const& store) {
  for (auto const& run : plan.runs) {
    if (!store.run_done(run.id)) continue;
    auto const missing = not_collected(store, run);
    if (!missing.empty())
      throw SpecError("/eval/extra: test set " + missing.front().name + ": " + run.id +
                          " has no answers on it; eexit sweep with this /eval/extra collects them, and trains nothing",
                      Exit::missing);
  }
}

}  // namespace

int eval(Args const& args) {
  Store store(args.out);
  store.read_only = args.dry_run;
  auto const study = open_study(args.positional.at(0), args.out);
  for (auto const& edit : args.sets)
    if (!edit.starts_with("/eval"))
      throw SpecError("--set " + edit + ": eval trains nothing; expected a pointer below /eval", Exit::usage);
  auto const text = edit_spec(study.spec, (study.folder / "spec.json").string(), args.sets);
  auto plan = make_plan(text, (study.folder / "spec.json").string(), real_catalog(store));
  if (!args.only.empty())
    throw SpecError("--only: eval judges the whole study; pick rows from its results.csv", Exit::usage);
  if (args.dry_run) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  long const done =
      std::count_if(plan.runs.begin(), plan.runs.end(), [&](Run const& run) { return store.run_done(run.id); });
  if (done == 0)
    throw SpecError(study.name + ": none of its runs is under " + (args.out / "runs").string() +
                        "; eval needs the runs themselves (--out)",
                    Exit::missing);
  refuse_not_collected(plan, store);
  auto const folder = study.folder / ("eval-" + sha256(text).substr(0, 8));
  auto const verdict = judge_plan(plan, plan.eval, store, failed_before(study));
  write_file(folder / "spec.json", text);
  write_file(folder / "results.csv", encode_csv(to_csv(verdict.results)));
  write_file(folder / "curves.csv", encode_csv(verdict.curves));
  write_file(folder / "runs.csv", encode_csv(study.runs));
  write_file(folder / "axes.csv", encode_csv(axes_csv(plan)));
  write_file(folder / "env.json", study.environment);
  auto judged = open_study(folder.string(), args.out);
  judged.name = study.name;
  write_table_and_chart(judged, false);
  if (auto const& path = args.values.at("samples"); !path.empty())
    write_samples(plan, store, path, args.values.at("budget"));
  print_table(judged, args.json);
  say("eval", "files are in " + folder.string());
  return 0;
}

}  // namespace eexit::cli
