#include "core/execute/work.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/collect.h"
#include "core/execute/environment.h"
#include "core/execute/fit.h"
#include "core/execute/pretrained.h"
#include "core/execute/prune.h"
#include "core/execute/train.h"
#include "core/exits/statistics.h"
#include "core/net/cost.h"
#include "core/net/masks.h"
#include "core/net/shrink.h"
#include "core/net/weights.h"
#include "core/plan/run_text.h"
#include "core/store/exit_file.h"
#include "core/sweep/rates.h"
#include "core/tasks/classify.h"
#include "datasets/test_sets.h"

namespace eexit {

Images const& OpenData::images(Choice const& source, Split split) {
  auto const key = source.name + source.params + (split == Split::train ? "/train" : "/test");
  auto const found = open_.find(key);
  if (found != open_.end()) return found->second;
  return open_[key] = load_images(open_data(source, split), device_);
}

Images const& OpenData::images(TestSet const& set, Run const& run) {
  auto const key = run.data.source.name + run.data.source.params + "/" + set.identity;
  if (key == test_set_) return test_images_;
  auto const& trained_on = images(run.data.source, Split::train);
  auto const values = [](Tensor const& constants) {
    auto const host = constants.flatten().to(torch::kCPU).contiguous();
    return std::vector<float>(host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel());
  };
  auto data = open_test_set(set, run.facts->classes);
  data.mean = values(trained_on.mean);
  data.deviation = values(trained_on.deviation);
  test_images_ = load_images(std::move(data), device_);
  test_set_ = key;
  return test_images_;
}

Dataset open_data(Choice const& source, Split split) {
  JsonReader reader(source.params, std::make_shared<Source>());
  return find(datasets(), "data set", source.name, "data").make(reader).open(split);
}

fs::path weights_of(Store const& store, Run const& run) {
  return store.phase(run.phases.back().key) / "weights.safetensors";
}

namespace {

using Json = nlohmann::ordered_json;

double part_of(double macs, long steps, long planned) {
  return steps == planned ? macs : macs * static_cast<double>(steps) / static_cast<double>(planned);
}

// What a dead process was writing; the folder is locked by us.
void remove_remains(fs::path const& folder) {
  for (auto const& entry : fs::directory_iterator(folder)) {
    auto const name = entry.path().filename().string();
    if (name.starts_with(".") && name.ends_with(".tmp")) remove_tree(entry.path());
  }
}

// A missing or damaged file of the store costs the node that reads it, not the sweep.
template <class Read>
auto from_store(Read const& read) {
  try {
    return read();
  } catch (RunError const& error) {
    throw RunError(error.what(), Exit::runs_failed);
  } catch (SpecError const& error) {
    throw RunError(error.what(), Exit::runs_failed);
  }
}

// Of each convolution and linear map of a pruned network: how many weights it had and has, and what it costs with all
// of them; where channels are gone, what it costs in the smaller network.
Json layers_json(Run const& run, std::size_t phase, std::string const& weights) {
  auto const file = decode_tensors(weights, "weights").tensors;
  auto const whole = build_net(run, phase), left = build_net(run, phase);
  auto const sample = blank_images(run.facts->shape);
  for (auto const& net : {whole, left}) load_tensors(*net, file, {""}, "weights");
  bool const smaller_net = shrink(*left);
  auto const macs = macs_by_layer(*whole, sample), macs_left = macs_by_layer(*left, sample);
  std::map<std::string, Tensor> smaller;
  for (auto const& [name, weight] : layers_of(*left)) smaller[name] = weight;
  auto layers = Json::array();
  for (auto const& [name, weight] : layers_of(*whole)) {
    auto const size = smaller.at(name).numel();
    auto const mask = left->masks.find(name);
    auto const alive = mask == left->masks.end() ? size : mask->second.sum().item<std::int64_t>();
    layers.push_back({{"name", name}, {"weights", weight.numel()}, {"left", alive}, {"macs", macs.at(name)}});
    if (smaller_net) layers.back()["macs_left"] = macs_left.at(name);
  }
  return layers;
}

// A phase made ready to be trained.
struct Prepared {
  Node const* node = nullptr;
  std::shared_ptr<ExitNet> net;
  Method method;
  PlannedPhase phase;  // its rate chosen
  std::string started;
};

class Worker {
 public:
  Worker(Graph const& graph, Plan const& plan, Store const& store, WorkOptions const& options)
      : graph_(graph), plan_(plan), store_(store), options_(options), data_(options.device) {}

  WorkEnd run(std::vector<std::size_t> const& numbers) {
    std::vector<Lock> locks;
    for (auto const number : numbers) {
      auto lock = Lock::attempt(folder_of(graph_.nodes[number], store_) / "lock");
      if (!lock) return WorkEnd::busy;
      locks.push_back(std::move(*lock));
      remove_remains(folder_of(graph_.nodes[number], store_));
    }
    std::vector<Node const*> phases, collections;
    for (auto const number : numbers) {
      auto const& node = graph_.nodes[number];
      if (is_settled(node, store_)) continue;
      if (node.kind == Node::Kind::collect)
        collections.push_back(&node);
      else if (may_begin(node))
        phases.push_back(&node);
    }
    for (auto const* node : phases) forget_failure(*node, store_);
    guarded(phases, [&] { do_phases(phases); });
    for (auto const* node : collections) {
      if (!store_.phase_done(node->run->phases.back().key)) continue;  // its phase failed and has said so
      if (!may_begin(*node)) continue;
      forget_failure(*node, store_);
      guarded({node}, [&] { collect_run(*node); });
    }
    return WorkEnd::done;
  }

 private:
  bool may_begin(Node const& node) const { return !options_.may_begin || options_.may_begin(node); }

  // The rest of the grid is worth having: what fails here is noted, and nodes that are done stay done.
  template <class Do>
  void guarded(std::vector<Node const*> const& nodes, Do const& action) {
    std::string reason;
    bool unfit = false;
    try {
      return action();
    } catch (RunError const& error) {
      if (error.code == Exit::io) throw;  // a full disk fails everything to come
      reason = error.what();
      // A picture that cannot be read may be readable the next time; what a phase finds in the weights is there to
      // stay.
      unfit = error.code == Exit::data && std::none_of(nodes.begin(), nodes.end(), trains);
    } catch (c10::Error const& error) {
      reason = error.what_without_backtrace();
    } catch (std::bad_alloc const&) {
      reason = "out of memory";
    }
    for (auto const* node : nodes)
      if (!is_done(*node, store_) && !read_failure(*node, store_))
        fail(*node, {.reason = reason.substr(0, reason.find('\n')), .unfit = unfit});
  }

  static bool trains(Node const* node) {
    return node->kind != Node::Kind::phase || std::holds_alternative<Train>(node->run->phases[node->phase].phase);
  }

  // Whether it is tried once more, and told as failed, is for those to decide who gave us the node.
  void fail(Node const& node, Failure const& failure) {
    write_failure(node, store_, failure);
    if (!node.trial || !failure.diverged) return report_error(node.label + ": " + failure.reason);
    say("sweep", node.label + ": diverged, which counts as an answer: " + failure.reason);
    report({.kind = "node_done", .node = node.id, .label = node.label, .reason = failure.reason});
  }

  void report(Event const& event) const {
    if (options_.report) options_.report(event);
  }

  void do_phases(std::vector<Node const*> const& nodes) {
    std::vector<Prepared> prepared;
    // One that cannot be trained, for all its rates diverged, does not take the others along.
    for (auto const* node : nodes) guarded({node}, [&] { prepared.push_back(prepare(*node)); });
    if (prepared.empty()) return;
    Task const task = classify();
    TrainSetting const setting{.task = task,
                               .images = data_.images(nodes[0]->run->data.source, Split::train),
                               .room = {.memory_bytes = options_.feature_bytes, .folder = store_.root() / "tmp"},
                               .report = options_.report};
    auto& first = prepared.front();
    auto const& run = *first.node->run;
    if (auto const* phase = std::get_if<Fit>(&first.phase.phase))
      return finish(first, fit(*first.net, run, *phase, first.method, setting));
    if (auto const* phase = std::get_if<Prune>(&first.phase.phase))
      return finish(first, prune(*first.net, run, *phase, setting));
    train_phases(prepared, setting);
  }

  void train_phases(std::vector<Prepared>& prepared, TrainSetting const& setting) {
    std::vector<TrainJob> jobs;
    for (auto& each : prepared)
      jobs.push_back({.run = *each.node->run,
                      .phase = each.phase,
                      .net = *each.net,
                      .method = each.method,
                      .folder = store_.phase(each.node->id),
                      .label = each.node->label});
    TrainEnd const end = {
        .done = [&](std::size_t job, TrainResult const& result) { finish(prepared[job], result); },
        .diverged =
            [&](std::size_t job, std::string const& reason, long steps) {
              auto const& node = *prepared[job].node;
              fail(node, {.reason = reason, .diverged = true, .macs = part_of(node.macs, steps, node.steps)});
            }};
    train(jobs, setting, end);
  }

  Prepared prepare(Node const& node) {
    auto const& run = *node.run;
    bool const heads = heads_by(run, node.phase);
    Prepared made{.node = &node,
                  .net = build_net(run, node.phase),
                  .method = heads ? read_method(run.method) : Method{},
                  .phase = with_chosen_rate(run.phases[node.phase], store_),
                  .started = utc_now()};
    if (node.phase > 0)
      load_parent(*made.net, run, node.phase);
    else if (!run.weights.file.empty())
      start_from(*made.net, run);
    place(*made.net, options_.device);
    make_folder(store_.phase(node.id));
    say("sweep", node.label + ": " + begins(run, made.phase));
    report({.kind = "node_started", .node = node.id, .label = node.label, .steps = node.steps});
    return made;
  }

  static std::string begins(Run const& run, PlannedPhase const& phase) {
    if (std::holds_alternative<Train>(phase.phase)) return std::to_string(phase.steps) + " steps at most";
    if (std::holds_alternative<Prune>(phase.phase)) return "choosing weights to remove";
    return "means of " + std::to_string(run.facts->classes) + " classes at " + std::to_string(run.after.size()) +
           " exits, " + fixed(run.buffer_bytes / (1 << 20), 1) + " MiB";
  }

  // Found fitting when the run was planned; it must still be the same file.
  static void start_from(ExitNet& net, Run const& run) {
    auto const names = build_backbone(run.arch, run.facts->shape, run.facts->classes, run.seed);
    from_store([&] { return load_pretrained(net, names, run.weights.file, run.weights.digest); });
  }

  void load_parent(ExitNet& net, Run const& run, std::size_t number) const {
    auto const path = store_.phase(run.phases[number].parent) / "weights.safetensors";
    auto const file = from_store([&] { return read_tensors(path); });
    // Parts that the parent does not have (fresh heads) keep what the seed gave them.
    std::vector<std::string> prefixes = {"stage.", "last."};
    if (heads_by(run, number - 1)) {
      prefixes.emplace_back("head.");
      // What a method appends lies where its heads shared nothing before.
      if (appended_by(run, number) == appended_by(run, number - 1)) prefixes.emplace_back("extra.");
    }
    for (std::size_t i = 0; i < number; ++i)
      if (auto const* prune = std::get_if<Prune>(&run.phases[i].phase))
        for (auto const& part : prune->within) prefixes.push_back("mask." + part);
    load_tensors(net, file.tensors, prefixes, path.string());
  }

  void finish(Prepared const& made, TrainResult const& result) const {
    auto const& phase = made.phase;
    auto const folder = store_.phase(phase.key);
    TensorFile weights;
    for (auto const& [name, tensor] : tensors_of(*made.net)) weights.tensors[name] = to_bytes(tensor);
    weights.metadata["phase"] = phase.key;
    auto const bytes = encode_tensors(weights);
    write_file(folder / "weights.safetensors", bytes);
    Json json = {{"key", phase.key},
                 {"parent", phase.parent},
                 {"canonical", Json::parse(key_text(*made.node->run, made.node->phase))},
                 {"steps", result.steps},
                 {"epochs", result.epochs},
                 {"stopped_early", result.stopped_early},
                 {"samples", result.samples},
                 {"training_macs", part_of(phase.macs, result.steps, phase.steps)},
                 {"val", {{"loss", result.val.loss}, {"accuracy", result.val.accuracy}}},
                 {"digest", sha256(bytes)},
                 {"seconds", result.seconds},
                 {"step_seconds", result.step_seconds},
                 {"images_per_second", result.samples / std::max(result.step_seconds, 1e-9)},
                 {"threads", at::get_num_threads()},
                 {"device", options_.device.str()},
                 {"host", host_name()},
                 {"revision", revision()},
                 {"load", load_average()},
                 {"started", made.started}};
    if (auto const* train = std::get_if<Train>(&phase.phase)) json["lr"] = base_rate(train->recipe.optim);
    if (!made.net->masks.empty()) json["layers"] = layers_json(*made.node->run, made.node->phase, bytes);
    write_file(folder / "phase.json", json.dump(2) + "\n");
    remove_checkpoints(folder);
    auto const& node = *made.node;
    say("sweep", node.label + ": done in " + duration(result.seconds));
    report({.kind = "node_done",
            .node = node.id,
            .label = node.label,
            .step = result.steps,
            .steps = node.steps,
            .seconds = result.seconds});
  }

  void collect_run(Node const& node) {
    auto const& run = *node.run;
    throw_if_stop_requested();
    report({.kind = "node_started", .node = node.id, .label = node.label});
    auto const missing = not_collected(store_, run);
    auto const net = from_store([&] { return finished_net(run, weights_of(store_, run), options_.device); });
    if (!store_.run_done(run.id)) {
      auto const& train_images = data_.images(run.data.source, Split::train);
      auto const& test_images = data_.images(run.data.source, Split::test);
      auto const folder = store_.run(run.id);
      write_answers(run, exits_of(store_, run),
                    {{"cal", collect(*net, train_images, run.splits->cal)}, {"test", collect_all(*net, test_images)}});
      write_file(folder / "run.json", resolved(run));
      write_file(folder / "env.json", environment_json(options_.device));
      write_file(folder / "metrics.json", metrics(run));
    }
    for (auto const& set : missing)
      write_answers(run, exits_of(store_, run, set),
                    {{"test", collect_all(*net, from_store([&] { return data_.images(set, run); }))}});
    report({.kind = "node_done", .node = node.id, .label = node.label});
  }

  static SplitAnswers collect_all(ExitNet& net, Images const& images) {
    std::vector<int> rows(static_cast<std::size_t>(images.rows()));
    std::iota(rows.begin(), rows.end(), 0);
    return collect(net, images, rows);
  }

  void write_answers(Run const& run, fs::path const& path, std::map<std::string, SplitAnswers> splits) const {
    ExitFile const exits{
        .exits = static_cast<int>(run.exit_cost.size()), .classes = run.facts->classes, .splits = std::move(splits)};
    write_exits(path, exits, run, plan_.eval.convention);
  }

  std::string metrics(Run const& run) const {
    StoredExits const stored(exits_of(store_, run));
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

  Graph const& graph_;
  Plan const& plan_;
  Store const& store_;
  WorkOptions const& options_;
  OpenData data_;
};

}  // namespace

WorkEnd do_nodes(Graph const& graph, std::vector<std::size_t> const& nodes, Plan const& plan, Store const& store,
                 WorkOptions const& options) {
  return Worker(graph, plan, store, options).run(nodes);
}

}  // namespace eexit
