#include "core/sweep/graph.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/plan/run_text.h"
#include "core/store/exit_file.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

// All that a frozen trunk pass depends on. The parent's key holds arch, data and everything before; rows, order and
// augmentation are read from the phase's own text, whose remaining parts concern the heads alone.
std::string trunk_text(Run const& run, std::size_t number) {
  auto const* train = std::get_if<Train>(&run.phases[number].phase);
  if (train == nullptr || !train->with_heads() || train->learns("stage.") || train->learns("last.")) return "";
  auto const text = Json::parse(key_text(run, number));
  Json trunk;
  for (auto const* key : {"arch", "data", "augment", "batch", "precision", "seed", "parent"}) trunk[key] = text.at(key);
  trunk["phase"] = {train->name, train->occurrence};
  trunk["short"] = train->length.epochs == 0;  // no feature is seen twice, and none is kept
  return trunk.dump();
}

// Its forward passes: what the phase costs less what its heads do.
double trunk_macs(Run const& run, PlannedPhase const& planned) {
  auto const* train = std::get_if<Train>(&planned.phase);
  if (train == nullptr || train->learns("stage.")) return 0;
  double const heads = std::max(0.0, run.exit_cost.back().mac - run.plain.mac);
  return planned.macs * run.plain.mac / (run.plain.mac + (train->learns("head.") ? 3 : 1) * heads);
}

class Maker {
 public:
  explicit Maker(Plan const& plan) {
    for (auto const& trial : plan.trials) trials_[trial.phases.back().key] = &trial;
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      auto const last = phases_of(plan.runs[i], i);
      auto const at = node({.kind = Node::Kind::collect,
                            .id = plan.runs[i].id,
                            .label = plan.runs[i].id + ", answers",
                            .run = &plan.runs[i],
                            .after = {last}});
      graph.nodes[at].wanted_by.push_back(i);
    }
  }
  Graph graph;

 private:
  std::size_t node(Node made) {
    auto const [found, fresh] = graph.number.emplace(made.id, graph.nodes.size());
    if (!fresh) return found->second;
    for (auto const* parents : {&made.after, &made.trials})
      for (auto const parent : *parents) graph.nodes[parent].before.push_back(graph.nodes.size());
    graph.nodes.push_back(std::move(made));
    return found->second;
  }

  // The number of the last one. `number`: of the run among the plan's; none: a trial.
  std::size_t phases_of(Run const& run, std::optional<std::size_t> number) {
    std::size_t last = 0;
    for (std::size_t i = 0; i < run.phases.size(); ++i) {
      auto const known = graph.number.find(run.phases[i].key);
      auto const parents = i > 0 ? std::vector<std::size_t>{last} : std::vector<std::size_t>{};
      last = known != graph.number.end() ? known->second : phase(run, i, parents);
      if (number) graph.nodes[last].wanted_by.push_back(*number);
    }
    if (!number) graph.nodes[last].trial = true;
    return last;
  }

  std::size_t phase(Run const& run, std::size_t i, std::vector<std::size_t> const& parents) {
    auto const& planned = run.phases[i];
    Node made{.id = planned.key,
              .label = run.id + ", " + name_of(planned.phase),
              .run = &run,
              .phase = i,
              .after = parents,
              .trunk = trunk_text(run, i),
              .steps = planned.steps,
              .macs = planned.macs,
              .trunk_macs = trunk_macs(run, planned)};
    if (planned.tuning)
      for (auto const& trial : planned.tuning->trials)
        made.trials.push_back(phases_of(*trials_.at(trial.key), std::nullopt));
    return node(std::move(made));
  }

  std::map<std::string, Run const*> trials_;  // by the key of the last phase
};

}  // namespace

Graph make_graph(Plan const& plan) { return Maker(plan).graph; }

std::vector<bool> still_needed(Graph const& graph, Store const& store) {
  std::vector<bool> needed(graph.nodes.size(), false);
  for (auto i = graph.nodes.size(); i-- > 0;) {
    auto const& node = graph.nodes[i];
    if ((node.kind != Node::Kind::collect && !needed[i]) || is_settled(node, store)) {
      needed[i] = false;
      continue;
    }
    needed[i] = true;
    for (auto const* parents : {&node.after, &node.trials})
      for (auto const parent : *parents) needed[parent] = true;
  }
  return needed;
}

// Each has its network, optimiser and lock in the one process.
constexpr std::size_t most_together = 64;

std::vector<std::vector<std::size_t>> groups_of(Graph const& graph, std::vector<std::size_t> const& ready,
                                                std::vector<bool> const& to_do) {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::string, std::pair<std::size_t, std::size_t>>
      of_trunk;  // the group that is being filled, and phases in it
  for (auto const at : ready) {
    auto const& node = graph.nodes[at];
    auto group = groups.size();
    if (!node.trunk.empty()) {
      auto& [filling, phases] = of_trunk.try_emplace(node.trunk, group, 0).first->second;
      if (phases == most_together) std::tie(filling, phases) = std::pair(group, std::size_t{0});
      group = filling;
      ++phases;
    }
    if (group == groups.size()) groups.emplace_back();
    groups[group].push_back(at);
    for (auto const next : node.before)
      if (to_do[next] && graph.nodes[next].kind == Node::Kind::collect) groups[group].push_back(next);
  }
  return groups;
}

std::vector<std::vector<std::vector<std::size_t>>> levels_of(Graph const& graph, std::vector<bool> to_do) {
  std::vector<std::vector<std::vector<std::size_t>>> levels;
  auto const free = [&](std::vector<std::size_t> const& parents) {
    return std::none_of(parents.begin(), parents.end(), [&](std::size_t parent) { return to_do[parent]; });
  };
  for (;;) {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < to_do.size(); ++i)
      if (to_do[i] && free(graph.nodes[i].after) && free(graph.nodes[i].trials)) ready.push_back(i);
    if (ready.empty()) return levels;
    levels.push_back(groups_of(graph, ready, to_do));
    for (auto const& group : levels.back())
      for (auto const i : group) to_do[i] = false;
  }
}

std::string name_of(NodeState state) {
  switch (state) {
    case NodeState::pending:
      return "pending";
    case NodeState::running:
      return "running";
    case NodeState::done:
      return "done";
    case NodeState::failed:
      return "failed";
    case NodeState::interrupted:
      break;
  }
  return "interrupted";
}

fs::path folder_of(Node const& node, Store const& store) {
  return node.kind == Node::Kind::phase ? store.phase(node.id) : store.run(node.id);
}

bool is_done(Node const& node, Store const& store) {
  if (node.kind == Node::Kind::phase) return store.phase_done(node.id);
  return store.run_done(node.id) && not_collected(store, *node.run).empty();
}

bool is_settled(Node const& node, Store const& store) {
  if (is_done(node, store)) return true;
  auto const failure = node.trial ? read_failure(node, store) : std::nullopt;
  return failure && failure->diverged;
}

NodeState state_of(Node const& node, Store const& store) {
  if (is_done(node, store)) return NodeState::done;
  auto const folder = folder_of(node, store);
  if (!fs::exists(folder)) return NodeState::pending;
  if (Lock::held(folder / "lock")) return NodeState::running;
  if (read_failure(node, store)) return NodeState::failed;
  if (node.kind == Node::Kind::collect && store.run_done(node.id))
    return NodeState::pending;  // asked for more test sets
  for (auto const& entry : fs::directory_iterator(folder))
    if (entry.path().filename() != "lock") return NodeState::interrupted;
  return NodeState::pending;
}

namespace {

// A file of a run's answers.
bool answers_stand(fs::path const& exits, Convention convention) {
  try {
    return StoredExits(exits).convention() == name_of(convention);
  } catch (std::runtime_error const& error) {
    warn(std::string(error.what()) + "; collecting again");
    return false;
  }
}

// By what marks each as done: metrics.json, or the file itself.
std::map<fs::path, fs::path> answers_by_mark(Node const& node, Store const& store) {
  auto const& run = *node.run;
  std::map<fs::path, fs::path> all = {{store.run(run.id) / "metrics.json", exits_of(store, run)}};
  for (auto const& set : *run.test_sets) {
    auto const exits = exits_of(store, run, set);
    all[exits] = exits;
  }
  return all;
}

bool phase_stands(Node const& node, Store const& store) {
  try {
    read_tensors(store.phase(node.id) / "weights.safetensors");
    return true;
  } catch (std::runtime_error const& error) {
    warn(std::string(error.what()) + "; training this phase again");
    return false;
  }
}

// Looks again under the lock: another process may have made it good meanwhile.
void forget_unless(std::function<bool()> const& stands, fs::path const& mark) {
  Lock const lock(mark.parent_path() / "lock");
  if (fs::exists(mark) && !stands()) fs::remove(mark);
}

}  // namespace

void forget_damaged(Graph const& graph, Store const& store, Convention convention,
                    std::set<std::string> const& trusted) {
  for (auto const& node : graph.nodes) {
    if (node.kind != Node::Kind::collect || trusted.contains(node.id)) continue;
    for (auto const& [mark, exits] : answers_by_mark(node, store)) {
      throw_if_stop_requested();
      auto const stands = [&exits = exits, convention] { return answers_stand(exits, convention); };
      if (fs::exists(mark) && !stands()) forget_unless(stands, mark);
    }
  }
  // From the last on: a phase that is trained again needs its parent whole.
  auto needed = still_needed(graph, store);
  for (auto i = graph.nodes.size(); i-- > 0;) {
    auto const& node = graph.nodes[i];
    bool const read = std::any_of(node.before.begin(), node.before.end(), [&](auto next) { return needed[next]; });
    if (!read || node.kind != Node::Kind::phase || !is_done(node, store)) continue;
    throw_if_stop_requested();
    if (phase_stands(node, store)) continue;
    forget_unless([&] { return phase_stands(node, store); }, store.phase(node.id) / "phase.json");
    needed[i] = true;
  }
}

void forget_all(Graph const& graph, Store const& store) {
  for (auto const& node : graph.nodes) {
    auto const folder = folder_of(node, store);
    if (!fs::exists(folder)) continue;
    Lock const lock(folder / "lock");
    for (auto const& entry : fs::directory_iterator(folder))
      if (entry.path().filename() != "lock") remove_tree(entry.path());
  }
}

void write_failure(Node const& node, Store const& store, Failure const& failure) {
  Json const json = {
      {"reason", failure.reason}, {"diverged", failure.diverged}, {"macs", failure.macs}, {"unfit", failure.unfit}};
  write_file(folder_of(node, store) / "failed.json", json.dump(2) + "\n");
}

std::optional<Failure> read_failure(Node const& node, Store const& store) {
  auto const path = folder_of(node, store) / "failed.json";
  std::string text;
  try {
    text = read_file(path);
  } catch (SpecError const&) {
    return std::nullopt;  // never there, or removed by who tries again
  }
  auto const json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.value("reason", Json()).is_string())
    return Failure{.reason = path.string() + " is damaged"};
  return Failure{.reason = json.at("reason"),
                 .diverged = json.value("diverged", false),
                 .macs = json.value("macs", 0.0),
                 .unfit = json.value("unfit", false)};
}

void forget_failure(Node const& node, Store const& store) { remove_tree(folder_of(node, store) / "failed.json"); }

std::vector<std::string> reasons_of(Graph const& graph, std::vector<bool> const& needed, Store const& store) {
  std::vector<std::string> reasons(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    if (!needed[i]) continue;
    if (auto const failure = read_failure(node, store)) reasons[i] = failure->reason;
    for (auto const* parents : {&node.after, &node.trials})
      for (auto const parent : *parents)
        if (reasons[i].empty() && !reasons[parent].empty()) reasons[i] = graph.nodes[parent].label + " failed";
  }
  return reasons;
}

}  // namespace eexit
