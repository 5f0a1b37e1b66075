#include "cli/study_files.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/catalog.h"
#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/execute/environment.h"
#include "core/plan/plan.h"
#include "core/plan/tuning.h"
#include "core/report/axes.h"
#include "core/store/exit_file.h"
#include "core/sweep/rates.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::json;

Json phase_record(Store const& store, std::string const& key) {
  auto const path = store.phase(key) / "phase.json";
  auto json = Json::parse(read_file(path), nullptr, false);
  if (!json.is_object()) throw RunError(path.string() + ": is damaged, not JSON; remove it to train the phase again");
  return json;
}

std::vector<Spent> spent_by(Run const& run, Store const& store) {
  std::vector<Spent> spent;
  for (auto const& phase : run.phases) {
    if (!store.phase_done(phase.key)) break;
    auto const json = phase_record(store, phase.key);
    spent.push_back({.steps = json.at("steps"), .epochs = json.at("epochs"), .macs = json.at("training_macs")});
  }
  return spent;
}

// What is not reproducible about a run: seconds, host, revision.
std::vector<std::string> run_row(Run const& run, Store const& store, std::map<std::string, std::string> const& failed) {
  std::vector<std::string> keys, seconds, speeds;
  std::string threads, device, host, version, started;
  for (auto const& phase : run.phases) {
    keys.push_back(phase.key);
    if (!store.phase_done(phase.key)) continue;
    auto const json = phase_record(store, phase.key);
    seconds.push_back(fixed(json.at("seconds"), 2));
    speeds.push_back(fixed(json.at("images_per_second"), 1));
    if (started.empty()) started = json.at("started");
    threads = std::to_string(json.at("threads").get<int>());
    device = json.at("device");
    host = json.at("host");
    version = json.at("revision");
  }
  auto const error = failed.find(run.id);
  return {run.id,
          join(keys, ";"),
          error != failed.end()    ? "failed"
          : store.run_done(run.id) ? "done"
                                   : "pending",
          error == failed.end() ? "" : error->second,
          join(seconds, ";"),
          join(speeds, ";"),
          threads,
          device,
          host,
          version,
          started};
}

std::string runs_csv(Plan const& plan, Store const& store, std::map<std::string, std::string> const& failed) {
  Csv csv{.header = {"run", "phases", "status", "error", "seconds", "images_per_second", "threads", "device", "host",
                     "revision", "started"}};
  for (auto const& run : plan.runs) csv.rows.push_back(run_row(run, store, failed));
  return encode_csv(csv);
}

// A study of the same name but another spec must not be lost: its files move into previous-<8 hex of its spec>.
void set_aside(fs::path const& folder, std::string const& spec) {
  auto const old = folder / "spec.json";
  if (!fs::exists(old)) return;
  auto const text = read_file(old);
  if (text == spec) return;
  auto const aside = folder / ("previous-" + sha256(text).substr(0, 8));
  make_folder(aside);
  for (auto const& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path() != old && entry.path().filename() != "published.csv")
      fs::rename(entry.path(), aside / entry.path().filename());
  fs::rename(old, aside / "spec.json");  // last: until then the files are known to be the old spec's
  say("study", "the spec has changed; the files of the one before are in " + aside.string());
}

}  // namespace

Plan read_plan(std::string const& path, Args const& args, Store const& store) {
  auto const text = edit_spec(read_file(path), path, args.sets);
  auto plan = make_plan(text, path, real_catalog(store));
  for (auto const& warning : plan.warnings) warn(warning);
  return plan;
}

void keep_only(Plan& plan, std::string const& id) {
  std::vector<Run const*> found;
  for (auto const& run : plan.runs)
    if (run.id.find(id) != std::string::npos) found.push_back(&run);
  if (found.size() == 1 || (!found.empty() && found.front()->id == id)) {
    Run const chosen = *found.front();
    std::erase_if(plan.runs, [&](Run const& run) {
      bool const rival = run.role == Role::rival && run.seed == chosen.seed && run.data.source == chosen.data.source;
      bool const beside = chosen.role == Role::run && (run.id == chosen.plain_run || rival);
      return run.id != chosen.id && !beside;
    });
    return;
  }
  std::vector<std::string> ids;
  for (auto const& run : plan.runs) ids.push_back(run.id);
  throw SpecError(found.empty() ? "--only: " + unknown_name("run", id, ids)
                                : "--only: " + std::to_string(found.size()) + " runs have \"" + id +
                                      "\" in their id, the first " + found[0]->id + ", the second " + found[1]->id,
                  Exit::usage);
}

torch::Device device_of(Args const& args) {
  try {
    torch::Device const device(args.device);
    if (device.is_cuda() && !torch::cuda::is_available())
      throw SpecError("--device " + args.device + ": no CUDA device here; expected cpu", Exit::usage);
    if (device.is_cpu() || device.is_cuda()) return device;
  } catch (c10::Error const&) {
    // Not a device at all: the same answer as for one of an unknown kind.
  }
  throw SpecError("--device " + args.device + ": expected cpu, cuda or cuda:N", Exit::usage);
}

std::size_t feature_bytes(Args const& args) {
  auto const mebibytes = parse_integer(args.values.at("feature-memory"), "--feature-memory");
  if (mebibytes < 0 || mebibytes > 1 << 24)
    throw SpecError("--feature-memory: expected 0 to 16777216 MiB, found " + std::to_string(mebibytes), Exit::usage);
  return static_cast<std::size_t>(mebibytes) << 20;
}

void freeze(Plan const& plan, Store const& store) {
  auto const folder = store.study(plan.study);
  make_folder(folder);
  set_aside(folder, plan.spec);
  write_file(folder / "spec.json", plan.spec);
}

Verdict judge_plan(Plan const& plan, EvalSpec const& eval, Store const& store,
                   std::map<std::string, std::string> const& failed) {
  std::vector<FinishedRun> runs;
  for (auto const& run : plan.runs) {
    FinishedRun finished{.run = &run, .tuning_macs = tuning_macs(run, [&](std::string const& key, double planned) {
                                        return spent_macs(key, planned, store);
                                      })};
    if (store.run_done(run.id)) {
      finished.spent = spent_by(run, store);
      auto const stored = std::make_shared<StoredExits>(exits_of(store, run));
      std::map<std::string, fs::path> further;
      for (auto const& set : *run.test_sets)
        if (auto const exits = exits_of(store, run, set); fs::exists(exits)) {
          finished.further.push_back(set.name);
          further[set.name] = exits;
        }
      finished.table = [stored, further, &run, &eval](std::string const& split, Measure const& measure) {
        auto const found = further.find(split);
        if (found == further.end()) return stored->table(split, measure, run, eval.convention);
        return StoredExits(found->second).table("test", measure, run, eval.convention);
      };
      finished.temperatures = [stored] { return stored->temperatures(); };
    } else if (!failed.contains(run.id)) {
      continue;  // not done yet: no row
    }
    runs.push_back(std::move(finished));
  }
  return judge(plan.study, runs, eval);
}

namespace {

// All that results.csv and curves.csv were made of, by sizes and times of files; what they are now.
std::string judged_text(Plan const& plan, Store const& store) {
  std::string text = revision() + "\n" + plan.spec;
  auto const stamp = [&](fs::path const& path) {
    std::error_code error;
    auto const size = fs::file_size(path, error);
    auto const time = error ? fs::file_time_type{} : fs::last_write_time(path, error);
    text += "\n" + path.filename().string() + " " +
            (error ? "none" : std::to_string(size) + " " + std::to_string(time.time_since_epoch().count()));
  };
  for (auto const& run : plan.runs) {
    text += "\n" + run.id;
    stamp(exits_of(store, run));
    for (auto const& set : *run.test_sets) stamp(exits_of(store, run, set));
    stamp(store.run(run.id) / "metrics.json");
    for (auto const& phase : run.phases) stamp(store.phase(phase.key) / "phase.json");
  }
  for (auto const* file : {"results.csv", "curves.csv", "runs.csv"}) stamp(store.study(plan.study) / file);
  return sha256(text);
}

fs::path judged_file(Plan const& plan, Store const& store) { return store.study(plan.study) / ".judged"; }

}  // namespace

bool stands_judged(Plan const& plan, Store const& store) {
  auto const file = judged_file(plan, store);
  bool const clean = !revision().ends_with("-dirty") && revision() != "unknown";
  return clean && fs::exists(file) && read_file(file) == judged_text(plan, store);
}

Study write_study(Plan const& plan, Store const& store, SweepReport const& report, std::string const& environment) {
  auto const folder = store.study(plan.study);
  if (report.failed.empty() && stands_judged(plan, store)) return open_study(folder.string(), store.root());
  auto const verdict = judge_plan(plan, plan.eval, store, report.failed);
  auto const curves = encode_csv(verdict.curves);
  // A chart of other curves must not stay beside them.
  if (!fs::exists(folder / "curves.csv") || read_file(folder / "curves.csv") != curves)
    for (auto const* chart : {"cost_curve.svg", "cost_curve.png"}) fs::remove(folder / chart);
  write_file(folder / "results.csv", encode_csv(to_csv(verdict.results)));
  write_file(folder / "curves.csv", curves);
  write_file(folder / "runs.csv", runs_csv(plan, store, report.failed));
  // Hardware and versions are those that trained, not those that only looked again.
  if (report.trained > 0 || !fs::exists(folder / "env.json")) write_file(folder / "env.json", environment);
  write_file(folder / "axes.csv", encode_csv(axes_csv(plan)));
  if (!plan.trials.empty()) write_file(folder / "tuning.csv", encode_csv(tuning_csv(plan, store)));
  // A sweep with failures is judged anew each time: what failed is not in any file's time.
  if (report.failed.empty())
    write_file(judged_file(plan, store), judged_text(plan, store));
  else
    remove_tree(judged_file(plan, store));
  return open_study(folder.string(), store.root());
}

void print_table(Study const& study, bool json) {
  auto reader = empty_reader();
  for (auto const& table : find(analyses(), "analysis", "table", "").make(reader)({&study, 1}).tables)
    std::fputs((json ? to_json(table) + "\n" : to_console(table)).c_str(), stdout);
}

void write_table_and_chart(Study const& study, bool chart) {
  auto reader = empty_reader();
  std::string text;
  for (auto const& table : find(analyses(), "analysis", "table", "").make(reader)({&study, 1}).tables)
    text += to_markdown(table);
  write_file(study.folder / "table.md", text);
  // A plain network that is done has a point; without a finished run beside it there is no curve to draw.
  auto const kind = study.curves.column("kind");
  bool const curve = std::any_of(study.curves.rows.begin(), study.curves.rows.end(),
                                 [&](auto const& row) { return row[kind] == "frontier"; });
  if (!chart || !curve) return;
  auto curve_reader = empty_reader();
  for (auto const& [name, picture] :
       find(analyses(), "analysis", "cost_curve", "").make(curve_reader)({&study, 1}).charts)
    draw(picture, study.folder / name);
}

}  // namespace eexit::cli
