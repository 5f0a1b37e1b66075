// The graph of a plan: what is shared, what waits for what, what one process does together.
#include "core/sweep/graph.h"

#include <algorithm>
#include <set>

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

constexpr char const* grid = R"(, "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}],
  "method": [{"name": "tiny"}, {"name": "other"}], "seed": [0, 1]})";

std::size_t count(Graph const& graph, Node::Kind kind) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](Node const& node) { return node.kind == kind; }));
}

void mark_done(Node const& node, Store const& store) {
  write_file(folder_of(node, store) / (node.kind == Node::Kind::phase ? "phase.json" : "metrics.json"), "{}");
}

std::vector<bool> all_to_do(Graph const& graph) { return std::vector<bool>(graph.nodes.size(), true); }

}  // namespace

TEST_CASE("graph: cells that ask for the same phase share one node", "[sweep]") {
  auto const plan = plan_of(spec_of("", grid));
  auto const graph = make_graph(plan);
  std::set<std::string> keys;
  for (auto const& run : plan.runs)
    for (auto const& phase : run.phases) keys.insert(phase.key);
  CHECK(count(graph, Node::Kind::phase) == keys.size());
  CHECK(count(graph, Node::Kind::collect) == plan.runs.size());
  // Two seeds: a backbone shared by four cells, heads and joint phases by methods, a plain network each.
  CHECK(keys.size() == 2 * (1 + 2 + 2 + 2 + 1));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (auto const parent : graph.nodes[i].after) CHECK(parent < i);
    for (auto const next : graph.nodes[i].before) CHECK(next > i);
  }
  auto const& backbone = graph.nodes[graph.number.at(plan.runs[0].phases[0].key)];
  CHECK(backbone.wanted_by.size() == 4);
}

TEST_CASE("graph: heads phases of one trunk are one group, with the collections that follow", "[sweep]") {
  auto const plan = plan_of(spec_of("", grid));
  auto const graph = make_graph(plan);
  std::vector<std::size_t> heads;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (!graph.nodes[i].trunk.empty()) heads.push_back(i);
  REQUIRE(heads.size() == 4);
  auto const groups = groups_of(graph, heads, all_to_do(graph));
  REQUIRE(groups.size() == 2);  // a seed each
  for (auto const& group : groups) {
    CHECK(group.size() == 4);  // two methods, two runs to collect
    for (auto const i : group) CHECK(graph.nodes[i].run->seed == graph.nodes[group[0]].run->seed);
  }
  // Another batch size is another order of the rows.
  auto const other = plan_of(spec_of(R"(, "regime": {"name": "disjoint"})", R"(, "grid": {"/train/batch": [10, 20]})"));
  auto const two = make_graph(other);
  std::set<std::string> trunks;
  for (auto const& node : two.nodes)
    if (!node.trunk.empty()) trunks.insert(node.trunk);
  CHECK(trunks.size() == 2);
}

TEST_CASE("graph: a run that is done needs none of its phases", "[sweep]") {
  TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = plan_of(spec_of(R"(, "regime": {"name": "disjoint"})", R"(, "grid": {"seed": [0, 1]})"));
  auto const graph = make_graph(plan);
  auto const needed = [&] {
    auto const list = still_needed(graph, store);
    return std::count(list.begin(), list.end(), true);
  };
  auto const all = needed();
  CHECK(all == static_cast<long>(graph.nodes.size()));
  mark_done(graph.nodes[graph.number.at(plan.runs[0].id)], store);
  CHECK(needed() == all - 3);
  CHECK(levels_of(graph, still_needed(graph, store)).size() == 2);
}

TEST_CASE("graph: a tuned phase waits for its trials, and a trial that diverged is settled", "[sweep]") {
  TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = plan_of(spec_of(R"(, "regime": {"name": "joint"},
    "train": {"optimizer": {"name": "sgd", "lr": {"tune": [0.1, 0.2]}}})",
                                    R"(, "eval": {"plain": false})"));
  auto const graph = make_graph(plan);
  auto const& tuned = graph.nodes[graph.number.at(plan.runs[0].phases[0].key)];
  REQUIRE(tuned.trials.size() == 2);
  CHECK(levels_of(graph, still_needed(graph, store)).size() == 2);
  auto const& trial = graph.nodes[tuned.trials[0]];
  CHECK(trial.trial);
  write_failure(trial, store, {.reason = "nan", .diverged = true});
  CHECK(is_settled(trial, store));
  CHECK_FALSE(is_settled(tuned, store));
  write_failure(tuned, store, {.reason = "nan", .diverged = true});
  CHECK_FALSE(is_settled(tuned, store));
  write_failure(trial, store, {.reason = "killed"});
  CHECK_FALSE(is_settled(trial, store));
}

TEST_CASE("graph: states are what the folder says", "[sweep]") {
  TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = plan_of(spec_of(R"(, "regime": {"name": "joint"})"));
  auto const graph = make_graph(plan);
  auto const& node = graph.nodes.front();
  CHECK(state_of(node, store) == NodeState::pending);
  {
    auto const lock = Lock::attempt(folder_of(node, store) / "lock");
    REQUIRE(lock);
    CHECK(state_of(node, store) == NodeState::running);
    CHECK_FALSE(Lock::attempt(folder_of(node, store) / "lock"));
  }
  CHECK(state_of(node, store) == NodeState::pending);
  write_file(folder_of(node, store) / "checkpoint-1.safetensors", "x");
  CHECK(state_of(node, store) == NodeState::interrupted);
  write_failure(node, store, {.reason = "killed by signal 9"});
  CHECK(state_of(node, store) == NodeState::failed);
  CHECK(read_failure(node, store)->reason == "killed by signal 9");
  mark_done(node, store);
  CHECK(state_of(node, store) == NodeState::done);
}
