#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"

namespace eexit::cli {

namespace {

// Every run with its phases: done, to do, or shared with a run above.
Table plan_table(Plan const& plan, Store const& store) {
  Table table{.title = plan.study + ": " + std::to_string(plan.runs.size()) + " runs",
              .header = {"run", "phase", "key", "state", "steps", "training MACs"},
              .label_columns = 4};
  std::set<std::string> seen;
  double to_do = 0;
  for (auto const& run : plan.runs) {
    bool first = true;
    for (auto const& phase : run.phases) {
      bool const shared = !seen.insert(phase.key).second;
      bool const done = store.phase_done(phase.key);
      if (!done && !shared) to_do += phase.macs;
      table.rows.push_back({first ? run.id : "", std::get<Train>(phase.phase).name, phase.key.substr(0, 8),
                            done     ? "done"
                            : shared ? "shared"
                                     : "to do",
                            std::to_string(phase.steps), fmt::format("{:.3e}", phase.macs)});
      first = false;
    }
  }
  table.footnotes.push_back(fmt::format("to do: {:.3e} training MACs", to_do));
  return table;
}

int dry_run(Plan const& plan, Store const& store, bool json) {
  if (!json) {
    // One run in full, defaults filled in; --json prints all of them.
    std::fputs(resolved(plan.runs.front()).c_str(), stdout);
    std::fputs(("\n" + to_console(plan_table(plan, store))).c_str(), stdout);
    return 0;
  }
  auto out = nlohmann::ordered_json::object();
  out["spec"] = nlohmann::ordered_json::parse(plan.spec);
  out["runs"] = nlohmann::ordered_json::array();
  for (auto const& run : plan.runs) out["runs"].push_back(nlohmann::ordered_json::parse(resolved(run)));
  std::set<std::string> keys;
  for (auto const& run : plan.runs)
    for (auto const& phase : run.phases)
      if (keys.insert(phase.key).second)
        out["phases"].push_back({{"key", phase.key}, {"done", store.phase_done(phase.key)}});
  std::puts(out.dump(2).c_str());
  return 0;
}

int work(Args const& args, bool one_run) {
  Store store(args.out);
  store.read_only = args.dry_run;
  auto const device = device_of(args);
  auto const whole = read_plan(args.positional.at(0), args, store);
  auto plan = whole;
  if (!args.only.empty()) keep_only(plan, args.only);
  long const own = std::count_if(plan.runs.begin(), plan.runs.end(), [](Run const& r) { return r.role == Role::run; });
  if (one_run && own > 1)
    throw SpecError("eexit train: " + args.positional[0] + " expands to " + std::to_string(own) +
                        " runs; name one with --only, as in --only " + plan.runs.front().id + ", or use eexit sweep",
                    Exit::usage);
  if (args.dry_run) return dry_run(plan, store, args.json);
  freeze(whole, store);
  auto const report = run_plan(plan, store, {.device = device, .fresh = args.fresh});
  // The study is the whole grid: runs of it that are done already keep their rows.
  auto const study = write_study(whole, store, report, device);
  write_table_and_chart(study, !fs::exists(study.folder / "cost_curve.svg"));
  print_table(study, args.json);
  say("study", "files are in " + study.folder.string());
  if (report.failed.empty()) return 0;
  report_error(std::to_string(report.failed.size()) + " of " + std::to_string(plan.runs.size()) + " runs failed; see " +
               (study.folder / "runs.csv").string());
  return static_cast<int>(Exit::runs_failed);
}

}  // namespace

int sweep(Args const& args) { return work(args, false); }
int train(Args const& args) { return work(args, true); }

}  // namespace eexit::cli
