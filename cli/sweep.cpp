#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/catalog.h"
#include "cli/command.h"
#include "cli/plan_table.h"
#include "cli/study_files.h"
#include "cli/watch.h"
#include "core/base/error.h"
#include "core/base/host.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/environment.h"
#include "core/plan/plan.h"
#include "core/sweep/attempts.h"
#include "core/sweep/slurm.h"
#include "core/sweep/supervisor.h"

namespace eexit::cli {

namespace {

std::string flag(Args const& args, std::string const& name) {
  auto const found = args.values.find(name);
  return found == args.values.end() ? "" : found->second;
}

bool asked(Args const& args, std::string const& name) { return flag(args, name) == "true"; }

fs::path slurm_folder(Plan const& plan, Store const& store) {
  return fs::absolute(store.study(plan.study)).lexically_normal() / "slurm";
}

int whole_number(Args const& args, std::string const& name, long long low, long long high) {
  auto const text = flag(args, name);
  auto const wrong =
      "--" + name + ": expected " + std::to_string(low) + " to " + std::to_string(high) + ", found " + text;
  try {
    auto const value = parse_integer(text, name);
    if (value >= low && value <= high) return static_cast<int>(value);
  } catch (SpecError const&) {
    throw SpecError(wrong, Exit::usage);
  }
  throw SpecError(wrong, Exit::usage);
}

// The threads there are, divided among the workers.
Workers workers_here(Args const& args) {
  Workers workers{.device = args.device};
  workers.jobs = flag(args, "jobs").empty() ? 1 : whole_number(args, "jobs", 1, 1024);
  workers.threads = std::max(1, (args.threads > 0 ? args.threads : at::get_num_threads()) / workers.jobs);
  return workers;
}

std::string own_path() { return fs::read_symlink("/proc/self/exe").string(); }

// How a worker is called; a job follows on standard input, or as a file and a number.
std::vector<std::string> worker_command(Args const& args, Workers const& workers, fs::path const& out) {
  std::vector<std::string> command = {"eexit",
                                      "work",
                                      "--out",
                                      out.string(),
                                      "--threads",
                                      std::to_string(workers.threads),
                                      "--device",
                                      workers.device,
                                      "--feature-memory",
                                      flag(args, "feature-memory")};
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

// What the planned work is done on and with.
struct Sweep {
  Args const& args;
  Plan const& whole;  // the study
  Plan const& plan;   // what --only leaves of it
  Graph const& graph;
  Store const& store;
};

SweepReport run_here(Sweep const& sweep) {
  auto const& [args, whole, plan, graph, store] = sweep;
  if (args.fresh) forget_all(graph, store);
  std::set<std::string> trusted;
  if (stands_judged(whole, store))
    for (auto const& run : whole.runs) trusted.insert(run.id);
  forget_damaged(graph, store, plan.eval.convention, trusted);
  for (auto const& node : graph.nodes) forget_attempts(node, store);
  auto const workers = workers_here(args);
  Watch watch(plan, graph, store, flag(args, "tensorboard"));
  auto const report = supervise(graph, plan, store,
                                {.jobs = workers.jobs,
                                 .fail_fast = asked(args, "fail-fast"),
                                 .worker = worker_command(args, workers, store.root()),
                                 .report = [&](Event const& event) { watch.hear(event); },
                                 .relay = [](std::string const& line) { relay(line); }});
  watch.end(report.failed.size());
  return report;
}

// The tables written are of test alone.
void tell_of_test_sets(Plan const& plan) {
  if (plan.eval.extra.empty()) return;
  say("study", "further test sets: eexit analyze table " + plan.study +
                   R"( --set '/rows=["split", "arch", "method", "regime"]')");
}

// Tables, charts and exit code of what is done.
int finish(Sweep const& sweep, SweepReport const& report) {
  auto const& [args, whole, plan, graph, store] = sweep;
  bool const any =
      std::any_of(whole.runs.begin(), whole.runs.end(), [&](auto& run) { return sweep.store.run_done(run.id); });
  if (!any && report.failed.empty())
    throw SpecError(
        whole.study + ": no run is finished yet; eexit sweep " + args.positional[0] + " --status tells more",
        Exit::missing);
  // The study is the whole grid: runs of it that are done already keep their rows.
  auto const workers = workers_here(args);
  auto const study =
      write_study(whole, store, report, environment_json(device_of(args), workers.jobs, workers.threads));
  write_table_and_chart(study, !fs::exists(study.folder / "cost_curve.svg"));
  print_table(study, args.json);
  tell_of_test_sets(whole);
  say("study", "files are in " + study.folder.string());
  if (report.failed.empty()) return 0;
  // Where the spec and the data alone are to blame, it is they that are to be mended.
  bool other = false, unfit = false;
  for (auto const& node : graph.nodes)
    if (auto const failure = read_failure(node, store); failure && !is_settled(node, store))
      (failure->unfit ? unfit : other) = true;
  auto const count = std::to_string(report.failed.size()) + " of " + std::to_string(plan.runs.size()) +
                     " runs failed; see " + (study.folder / "runs.csv").string();
  if (unfit && !other) {
    say("study", count);  // why has been said as the error
    return static_cast<int>(Exit::data);
  }
  report_error(count);
  return static_cast<int>(Exit::runs_failed);
}

// One file a level, which its array's elements read.
fs::path write_level(Sweep const& sweep, std::size_t level, std::vector<std::vector<std::size_t>> const& groups) {
  nlohmann::json jobs = nlohmann::json::array();
  for (auto const& group : groups) jobs.push_back(nlohmann::json::parse(job_text(sweep.plan, sweep.graph, group)));
  auto const path = slurm_folder(sweep.plan, sweep.store) / ("level-" + std::to_string(level) + ".json");
  write_file(path, nlohmann::json({{"study", sweep.plan.study}, {"jobs", jobs}}).dump() + "\n");
  return path;
}

fs::path submission_file(Plan const& plan, Store const& store) { return slurm_folder(plan, store) / "again.json"; }

// What there is to do, for the job that tries once more what jobs of the last level have died of, and for the tables'.
void write_submission(Sweep const& sweep, std::vector<std::size_t> const& nodes) {
  auto const job = nlohmann::json::parse(job_text(sweep.plan, sweep.graph, nodes));
  nlohmann::json const json = {{"study", sweep.plan.study}, {"submitted", unix_seconds()}, {"jobs", {job}}};
  write_file(submission_file(sweep.plan, sweep.store), json.dump() + "\n");
}

// A new submission tries everything again.
std::vector<std::size_t> forget_failures(Sweep const& sweep, std::vector<bool> const& needed) {
  std::vector<std::size_t> nodes;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    forget_failure(sweep.graph.nodes[i], sweep.store);
    forget_attempts(sweep.graph.nodes[i], sweep.store);
    nodes.push_back(i);
  }
  return nodes;
}

std::string tables_name(Plan const& plan) { return plan.study + "-tables"; }

// In the last job of a submission: what its jobs left undone has failed, for no other comes after them.
SweepReport end_submission(Sweep const& sweep) {
  auto const& [args, whole, plan, graph, store] = sweep;
  auto const file = submission_file(plan, store);
  auto const json = nlohmann::json::parse(read_file(file), nullptr, false);
  if (!json.is_object()) throw RunError(file.string() + ": damaged");
  std::vector<std::size_t> nodes;
  for (std::string const id : json.at("jobs").at(0).at("nodes"))
    if (auto const found = graph.number.find(id); found != graph.number.end()) nodes.push_back(found->second);
  EventLog log(store.study(plan.study) / "events.jsonl");
  for (auto const& [i, reason] : give_up_rest(graph, nodes, store, slurm_folder(plan, store)))
    log.write({.kind = "node_failed", .node = graph.nodes[i].id, .label = graph.nodes[i].label, .reason = reason});
  auto const report = report_of(graph, plan, store);
  long const done =
      std::count_if(nodes.begin(), nodes.end(), [&](auto i) { return is_settled(sweep.graph.nodes[i], sweep.store); });
  log.write({.kind = "sweep_done",
             .nodes = static_cast<int>(done),
             .failed = static_cast<int>(report.failed.size()),
             .seconds = unix_seconds() - json.at("submitted").get<double>()});
  return report;
}

SweepReport report_of_done(Sweep const& sweep) {
  bool const last_job =
      slurm_job_name() == tables_name(sweep.plan) && fs::exists(submission_file(sweep.plan, sweep.store));
  return last_job ? end_submission(sweep) : report_of(sweep.graph, sweep.plan, sweep.store);
}

void warn_of_idle_flags(Args const& args) {
  auto const ignored = [](std::string const& name, std::string const& why) {
    warn("--" + name + ": ignored because " + why);
  };
  if (flag(args, "jobs") != "1")
    ignored("jobs", "Slurm decides how many jobs run at once; see max_running in the spec's slurm object");
  if (asked(args, "fail-fast")) ignored("fail-fast", "jobs of a level do not stop each other");
  if (!flag(args, "tensorboard").empty()) ignored("tensorboard", "only a sweep that runs here writes event files");
}

int submit(Sweep const& sweep) {
  auto const& [args, whole, plan, graph, store] = sweep;
  warn_of_idle_flags(args);
  if (args.fresh) forget_all(graph, store);
  auto const out = fs::absolute(store.root()).lexically_normal();
  auto spec = plan.slurm;
  auto const cpus = std::find_if(spec.options.begin(), spec.options.end(),
                                 [](auto const& option) { return option.first == "cpus-per-task"; });
  Workers workers{.threads = std::max(args.threads, 1), .device = args.device};
  if (cpus == spec.options.end())
    spec.options.emplace_back("cpus-per-task", std::to_string(workers.threads));
  else if (args.threads == 0)
    workers.threads = static_cast<int>(parse_integer(cpus->second, "slurm: cpus-per-task"));
  forget_damaged(graph, store, plan.eval.convention, {});
  std::vector<SlurmJob> jobs;
  auto const needed = still_needed(graph, store);
  auto const nodes = forget_failures(sweep, needed);
  auto const levels = levels_of(graph, needed);
  auto worker = worker_command(args, workers, out);
  worker.front() = own_path();
  for (std::size_t level = 0; level < levels.size(); ++level) {
    auto command = worker;
    command.push_back(write_level(sweep, level, levels[level]).string());
    jobs.push_back({.name = plan.study + "-level-" + std::to_string(level),
                    .elements = static_cast<int>(levels[level].size()),
                    .command = command});
  }
  if (nodes.empty()) {
    remove_tree(submission_file(plan, store));
  } else {
    write_submission(sweep, nodes);
    worker.insert(worker.end(), {submission_file(plan, store).string(), "0"});
    jobs.push_back({.name = plan.study + "-again", .array = false, .command = worker});
    EventLog(store.study(plan.study) / "events.jsonl")
        .write({.kind = "sweep_started", .nodes = static_cast<int>(nodes.size())});
  }
  jobs.push_back({.name = tables_name(plan),
                  .array = false,
                  .command = {own_path(), "sweep", (out / "studies" / plan.study / "spec.json").string(), "--out",
                              out.string(), "--tables"}});
  auto const ids = slurm_submit(jobs, {.spec = spec, .folder = slurm_folder(plan, store)});
  std::printf("%s\n", join(ids, "\n").c_str());
  say("slurm", std::to_string(ids.size()) + " jobs submitted; eexit sweep " + args.positional[0] +
                   " --status shows how far they are, --cancel ends them");
  return 0;
}

// A spec file, or the name of a study whose frozen spec is meant.
std::string spec_path(Args const& args) {
  auto const& named = args.positional.at(0);
  auto const frozen = args.out / "studies" / named / "spec.json";
  return !fs::exists(named) && fs::exists(frozen) ? frozen.string() : named;
}

// Where the data set is not, with what a sweep of it remembered.
Plan plan_to_look_at(Args const& args, Store const& store) {
  auto const path = spec_path(args);
  return make_plan(edit_spec(read_file(path), path, args.sets), path, looking_catalog(store));
}

// Without a plan: a machine that cancels need not have the data.
int cancel(Args const& args, Store const& store) {
  auto const path = spec_path(args);
  auto const spec = nlohmann::json::parse(edit_spec(read_file(path), path, args.sets), nullptr, false);
  auto const study = spec.is_object() ? spec.value("study", nlohmann::json()) : nlohmann::json();
  if (!study.is_string()) throw SpecError(path + " /study: expected a study's name");
  auto const name = study.get<std::string>();
  int const elements = slurm_cancel(store.study(name) / "slurm");
  std::printf("%d\n", elements);
  say("slurm", elements == 0 ? "no jobs of " + name + " are queued" : "elements cancelled");
  return 0;
}

// Jobs that are queued read the frozen spec.
void refuse_another_spec(Plan const& plan, Store const& store) {
  auto const frozen = store.study(plan.study) / "spec.json";
  if (fs::exists(frozen) && read_file(frozen) == plan.spec) return;
  auto const folder = slurm_folder(plan, store);
  slurm_refuse_while_queued(folder);
  if (!slurm_states(folder))
    warn(
        "squeue does not answer: jobs that are still queued will end with tables of another spec than they were "
        "submitted with");
}

int look(Sweep const& sweep) {
  auto const& [args, whole, plan, graph, store] = sweep;
  if (args.dry_run)
    print_dry_run(plan, graph, store, workers_here(args), args.json);
  else
    print_status(plan, graph, store, args.json);
  return 0;
}

int work_on(Args const& args, bool one_run) {
  Store store(args.out);
  if (asked(args, "status") + asked(args, "cancel") + asked(args, "slurm") + asked(args, "tables") + args.dry_run > 1)
    throw SpecError("eexit sweep: expected one of --dry-run, --status, --cancel, --slurm, --tables", Exit::usage);
  bool const looks_only = args.dry_run || asked(args, "status") || asked(args, "cancel");
  store.read_only = looks_only;
  device_of(args);  // flags are checked before anything is done
  feature_bytes(args);
  if (asked(args, "cancel")) return cancel(args, store);
  auto const whole = asked(args, "status") ? plan_to_look_at(args, store) : read_plan(spec_path(args), args, store);
  std::optional<Plan> part;  // a large plan is not copied for nothing
  if (!args.only.empty()) keep_only(part.emplace(whole), args.only);
  Plan const& plan = part ? *part : whole;
  if (one_run) require_one_run(plan, args);
  auto const graph = make_graph(plan);
  Sweep const sweep{args, whole, plan, graph, store};
  if (looks_only) return look(sweep);
  if (asked(args, "slurm")) slurm_refuse_while_queued(slurm_folder(plan, store));
  refuse_another_spec(whole, store);
  freeze(whole, store);
  if (asked(args, "slurm")) return submit(sweep);
  return finish(sweep, asked(args, "tables") ? report_of_done(sweep) : run_here(sweep));
}

}  // namespace

int sweep(Args const& args) { return work_on(args, false); }
int train(Args const& args) { return work_on(args, true); }

}  // namespace eexit::cli
