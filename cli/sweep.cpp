#include <unistd.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/plan_table.h"
#include "cli/study_files.h"
#include "cli/watch.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/sweep/supervisor.h"

namespace eexit::cli {

namespace {

int jobs_of(Args const& args) {
  auto const found = args.values.find("jobs");
  if (found == args.values.end()) return 1;
  auto const jobs = parse_integer(found->second, "--jobs");
  if (jobs < 1 || jobs > 1024) throw SpecError("--jobs: expected 1 to 1024, found " + found->second, Exit::usage);
  return static_cast<int>(jobs);
}

bool asked(Args const& args, std::string const& flag) {
  auto const found = args.values.find(flag);
  return found != args.values.end() && found->second == "true";
}

// How a worker of this sweep is called. The threads are divided among the workers.
std::vector<std::string> worker_command(Args const& args, int jobs) {
  int const threads = std::max(1, (args.threads > 0 ? args.threads : at::get_num_threads()) / jobs);
  std::vector<std::string> command = {fs::read_symlink("/proc/self/exe").string(),
                                      "work",
                                      "--out",
                                      args.out.string(),
                                      "--threads",
                                      std::to_string(threads),
                                      "--device",
                                      args.device,
                                      "--feature-memory",
                                      args.values.at("feature-memory")};
  if (log_level() == Level::quiet) command.emplace_back("--quiet");
  if (log_level() == Level::verbose) command.emplace_back("--verbose");
  return command;
}

void require_one_run(Plan const& plan, Args const& args) {
  long const own = std::count_if(plan.runs.begin(), plan.runs.end(), [](Run const& r) { return r.role == Role::run; });
  if (own > 1)
    throw SpecError("eexit train: " + args.positional[0] + " expands to " + std::to_string(own) +
                        " runs; name one with --only, as in --only " + plan.runs.front().id + ", or use eexit sweep",
                    Exit::usage);
}

SweepReport run_here(Plan const& plan, Graph const& graph, Store const& store, Args const& args) {
  int const jobs = jobs_of(args);
  Watch watch(plan, graph, store, args);
  return supervise(graph, plan, store,
                   {.jobs = jobs,
                    .fail_fast = asked(args, "fail-fast"),
                    .worker = worker_command(args, jobs),
                    .report = [&](Event const& event) { watch.hear(event); },
                    .relay = [](std::string const& line) { relay(line); }});
}

int work_on(Args const& args, bool one_run) {
  Store store(args.out);
  store.read_only = args.dry_run || asked(args, "status");
  auto const device = device_of(args);
  feature_bytes(args);  // checked before anything is done
  auto const whole = read_plan(args.positional.at(0), args, store);
  auto plan = whole;
  if (!args.only.empty()) keep_only(plan, args.only);
  if (one_run) require_one_run(plan, args);
  auto const graph = make_graph(plan);
  if (args.dry_run || asked(args, "status")) {
    if (args.dry_run)
      print_dry_run(plan, graph, store, jobs_of(args), args.json);
    else
      print_status(plan, graph, store, args.json);
    return 0;
  }
  freeze(whole, store);
  if (args.fresh) forget_all(graph, store);
  std::set<std::string> trusted;
  if (stands_judged(whole, store))
    for (auto const& run : whole.runs) trusted.insert(run.id);
  forget_damaged(graph, store, plan.eval.convention, trusted);
  auto const report = run_here(plan, graph, store, args);
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

int sweep(Args const& args) { return work_on(args, false); }
int train(Args const& args) { return work_on(args, true); }

}  // namespace eexit::cli
