#include "core/execute/sweep.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/collect.h"
#include "core/execute/environment.h"
#include "core/execute/train.h"
#include "core/exits/statistics.h"
#include "core/net/weights.h"
#include "core/store/exit_file.h"
#include "core/tasks/classify.h"

namespace eexit {

Images const& OpenData::images(Choice const& source, Split split) {
  auto const key = source.name + source.params + (split == Split::train ? "/train" : "/test");
  auto const found = open_.find(key);
  if (found != open_.end()) return found->second;
  JsonReader reader(source.params, std::make_shared<Source>());
  auto const data = find(datasets(), "data set", source.name, "data").make(reader).open(split);
  return open_[key] = load_images(data, device_);
}

fs::path weights_of(Store const& store, Run const& run) {
  return store.phase(run.phases.back().key) / "weights.safetensors";
}

namespace {

using Json = nlohmann::ordered_json;

class Sweep {
 public:
  Sweep(Plan const& plan, Store const& store, SweepOptions const& options)
      : plan_(plan), store_(store), options_(options), data_(options.device) {}

  SweepReport run() {
    if (options_.fresh) forget();
    int number = 0;
    for (auto const& run : plan_.runs) {
      ++number;
      try {
        do_run(run, "run " + std::to_string(number) + "/" + std::to_string(plan_.runs.size()));
      } catch (RunError const& error) {
        if (error.code == Exit::io) throw;  // a full disk fails every run to come
        fail(run, error.what());
      } catch (c10::Error const& error) {
        fail(run, error.what_without_backtrace());
      } catch (std::bad_alloc const&) {
        fail(run, "out of memory");
      }
    }
    return report_;
  }

 private:
  // The rest of the grid is worth having: a failed run is a failed row.
  void fail(Run const& run, std::string const& reason) {
    report_error(run.id + ": " + reason);
    report_.failed[run.id] = reason.substr(0, reason.find('\n'));
  }

  void forget() {
    for (auto const& run : plan_.runs) {
      remove_tree(store_.run(run.id));
      for (auto const& phase : run.phases) {
        auto const folder = store_.phase(phase.key);
        if (!fs::exists(folder)) continue;
        // The lock file stays: another process may hold it, or wait for it.
        Lock const lock(folder / "lock");
        for (auto const& entry : fs::directory_iterator(folder))
          if (entry.path().filename() != "lock") remove_tree(entry.path());
      }
    }
  }

  // Done, readable, and with costs in the convention asked for; what is damaged is made again.
  bool run_stands(Run const& run) const {
    if (!store_.run_done(run.id)) return false;
    try {
      return StoredExits(store_.run(run.id) / "exits.safetensors").convention() == name_of(plan_.eval.convention);
    } catch (std::runtime_error const& error) {
      warn(std::string(error.what()) + "; collecting again");
      return false;
    }
  }

  bool phase_stands(PlannedPhase const& phase) const {
    if (!store_.phase_done(phase.key)) return false;
    try {
      read_tensors(store_.phase(phase.key) / "weights.safetensors");
      return true;
    } catch (std::runtime_error const& error) {
      warn(std::string(error.what()) + "; training this phase again");
      return false;
    }
  }

  void do_run(Run const& run, std::string const& where) {
    if (run_stands(run)) return;
    throw_if_stop_requested();
    for (std::size_t i = 0; i < run.phases.size(); ++i) do_phase(run, i, where);
    collect_run(run);
  }

  void do_phase(Run const& run, std::size_t number, std::string const& where) {
    auto const& phase = run.phases[number];
    auto const folder = store_.phase(phase.key);
    if (phase_stands(phase)) {
      remove_checkpoints(folder);  // left by a kill right after the phase was done
      say("sweep", where + " " + run.id + ": phase " + std::get<Train>(phase.phase).name + " is done already");
      return;
    }
    make_folder(folder);
    Lock const lock(folder / "lock");  // another process may be at the same phase
    if (phase_stands(phase)) return;
    remove_tree(folder / "phase.json");
    auto const& train_spec = std::get<Train>(phase.phase);
    bool const heads = with_heads_by(run, number);
    auto const net = build_net(run.arch, run.method, run.facts->shape, run.facts->classes,
                               heads ? run.after : std::vector<std::string>{}, run.seed);
    if (number > 0) load_parent(*net, run, number);
    place(*net, options_.device);
    auto const& images = data_.images(run.data.source, Split::train);
    Task const task = classify();
    Method const method = heads ? read_method(run.method) : Method{};
    auto const label = where + " " + run.id + ", " + train_spec.name;
    say("sweep", label + ": " + std::to_string(phase.steps) + " steps at most");
    auto const started = utc_now();
    auto const result = train({.run = run,
                               .phase = phase,
                               .net = *net,
                               .task = task,
                               .method = method,
                               .images = images,
                               .folder = folder,
                               .label = label});
    finish_phase(phase, *net, result, started);
    ++report_.trained;
  }

  // Heads exist from the first phase on that trains them.
  static bool with_heads_by(Run const& run, std::size_t number) {
    for (std::size_t i = 0; i <= number; ++i)
      if (std::get<Train>(run.phases[i].phase).with_heads()) return true;
    return false;
  }

  void load_parent(ExitNet& net, Run const& run, std::size_t number) const {
    auto const path = store_.phase(run.phases[number].parent) / "weights.safetensors";
    auto const file = read_tensors(path);
    // Parts that the parent does not have (fresh heads) keep what the seed gave them.
    std::vector<std::string> prefixes = {"stage.", "last."};
    if (with_heads_by(run, number - 1)) prefixes.insert(prefixes.end(), {"head.", "extra."});
    load_tensors(net, file.tensors, prefixes, path.string());
  }

  void finish_phase(PlannedPhase const& phase, ExitNet const& net, TrainResult const& result,
                    std::string const& started) const {
    auto const folder = store_.phase(phase.key);
    TensorFile weights;
    for (auto const& [name, tensor] : tensors_of(net)) weights.tensors[name] = to_bytes(tensor);
    weights.metadata["phase"] = phase.key;
    auto const bytes = encode_tensors(weights);
    write_file(folder / "weights.safetensors", bytes);
    auto const spent =
        phase.steps > 0 ? phase.macs * static_cast<double>(result.steps) / static_cast<double>(phase.steps) : 0;
    Json json = {{"key", phase.key},
                 {"parent", phase.parent},
                 {"canonical", Json::parse(phase.canonical)},
                 {"steps", result.steps},
                 {"epochs", result.epochs},
                 {"stopped_early", result.stopped_early},
                 {"samples", result.samples},
                 {"training_macs", result.steps == phase.steps ? phase.macs : spent},
                 {"digest", sha256(bytes)},
                 {"seconds", result.seconds},
                 {"step_seconds", result.step_seconds},
                 {"images_per_second", result.samples / std::max(result.step_seconds, 1e-9)},
                 {"threads", at::get_num_threads()},
                 {"device", options_.device.str()},
                 {"host", host_name()},
                 {"revision", revision()},
                 {"load", load_average()},
                 {"started", started}};
    write_file(folder / "phase.json", json.dump(2) + "\n");
    remove_checkpoints(folder);
    say("sweep", std::get<Train>(phase.phase).name + " phase " + phase.key.substr(0, 8) + " done in " +
                     duration(result.seconds));
  }

  void collect_run(Run const& run) {
    auto const net = finished_net(run, weights_of(store_, run), options_.device);
    auto const& train_images = data_.images(run.data.source, Split::train);
    auto const& test_images = data_.images(run.data.source, Split::test);
    std::vector<int> test_rows(static_cast<std::size_t>(test_images.rows()));
    for (std::size_t i = 0; i < test_rows.size(); ++i) test_rows[i] = static_cast<int>(i);
    ExitFile const exits{.exits = static_cast<int>(run.exit_cost.size()),
                         .classes = run.facts->classes,
                         .cal = collect(*net, train_images, run.splits->cal),
                         .test = collect(*net, test_images, test_rows)};
    auto const folder = store_.run(run.id);
    write_exits(folder / "exits.safetensors", exits, run, plan_.eval.convention);
    write_file(folder / "run.json", resolved(run));
    write_file(folder / "env.json", environment_json(options_.device));
    write_file(folder / "metrics.json", metrics(run));
  }

  std::string metrics(Run const& run) const {
    StoredExits const stored(store_.run(run.id) / "exits.safetensors");
    Json json;
    auto const names = exit_names(run);
    for (auto const* split : {"cal", "test"}) {
      auto const table = stored.table(split, Confidence::max_probability, run, Convention::mac);
      auto const losses = stored.losses(split);
      json[split] = Json::array();
      for (int k = 0; k < table.exits; ++k) {
        auto const at = static_cast<std::size_t>(k);
        Json exit = {{"exit", names[at]}, {"accuracy", accuracy(table, k)}};
        if (!losses.empty()) exit["loss"] = losses[at];
        exit["count"] = table.rows;
        exit["calibration_error"] = calibration_error(table, k);
        json[split].push_back(exit);
      }
    }
    return json.dump(2) + "\n";
  }

  Plan const& plan_;
  Store const& store_;
  SweepOptions const& options_;
  OpenData data_;
  SweepReport report_;
};

}  // namespace

SweepReport run_plan(Plan const& plan, Store const& store, SweepOptions const& options) {
  return Sweep(plan, store, options).run();
}

}  // namespace eexit
