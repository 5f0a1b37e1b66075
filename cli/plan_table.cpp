#include "cli/plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/text.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string short_id(Node const& node) { return node.kind == Node::Kind::phase ? node.id.substr(0, 8) : node.id; }

// Head phases of one trunk need its pass once.
double macs_together(Graph const& graph, std::vector<bool> const& counted) {
  double sum = 0;
  std::map<std::string, double> trunk;  // the dearest pass of each
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    if (!counted[i]) continue;
    sum += node.macs;
    if (node.trunk.empty()) continue;
    sum -= node.trunk_macs;
    trunk[node.trunk] = std::max(trunk[node.trunk], node.trunk_macs);
  }
  for (auto const& [text, macs] : trunk) sum += macs;
  return sum;
}

struct Sums {
  std::size_t phases = 0, asked = 0, done = 0, to_do = 0, groups = 0, collections = 0;
  double alone = 0, together = 0;  // MACs of what is to do
};

Sums sums_of(Plan const& plan, Graph const& graph, Store const& store) {
  Sums sums;
  auto const needed = still_needed(graph, store);
  std::vector<std::size_t> phases;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    if (node.kind == Node::Kind::collect) {
      sums.collections += needed[i];
      continue;
    }
    ++sums.phases;
    sums.asked += std::max<std::size_t>(node.wanted_by.size(), 1);
    sums.done += is_done(node, store);
    if (needed[i]) phases.push_back(i);
  }
  sums.to_do = phases.size();
  for (auto const& run : plan.runs)
    if (!store.run_done(run.id))
      for (auto const& phase : run.phases)
        if (!store.phase_done(phase.key)) sums.alone += phase.macs;
  sums.together = macs_together(graph, needed);
  sums.groups = groups_of(graph, phases, std::vector<bool>(graph.nodes.size(), false)).size();
  return sums;
}

}  // namespace

void print_dry_run(Plan const& plan, Graph const& graph, Store const& store, int jobs, bool json) {
  (void)jobs;
  auto const sums = sums_of(plan, graph, store);
  Table table{.title = plan.study + ": " + std::to_string(plan.runs.size()) + " runs",
              .header = {"run", "phase", "key", "state", "steps", "training MACs"},
              .label_columns = 4};
  std::set<std::string> seen;
  for (auto const& run : plan.runs) {
    bool first = true;
    for (auto const& phase : run.phases) {
      bool const shared = !seen.insert(phase.key).second;
      table.rows.push_back({first ? run.id : "", std::get<Train>(phase.phase).name, phase.key.substr(0, 8),
                            store.phase_done(phase.key) ? "done"
                            : shared                    ? "shared"
                                                        : "to do",
                            std::to_string(phase.steps), fmt::format("{:.3e}", phase.macs)});
      first = false;
    }
  }
  table.footnotes.push_back(fmt::format("to do: {:.3e} training MACs", sums.together));
  std::fputs(to_console(table).c_str(), stdout);
  (void)json;
}

void print_status(Plan const& plan, Graph const& graph, Store const& store, bool json) {
  std::map<NodeState, std::size_t> count;
  Table table{.header = {"state", "node", "what", "why"}, .label_columns = 4};
  for (auto const& node : graph.nodes) {
    auto const state = state_of(node, store);
    ++count[state];
    if (state == NodeState::pending || state == NodeState::done) continue;
    auto const failure = read_failure(node, store);
    table.rows.push_back({name_of(state), short_id(node), node.label, failure ? failure->reason : ""});
  }
  table.title = plan.study + ": " + std::to_string(graph.nodes.size()) + " nodes";
  for (auto const state :
       {NodeState::done, NodeState::running, NodeState::interrupted, NodeState::failed, NodeState::pending})
    table.title += ", " + std::to_string(count[state]) + " " + name_of(state);
  if (json)
    std::puts(to_json(table).c_str());
  else
    std::fputs(table.rows.empty() ? (table.title + "\n").c_str() : to_console(table).c_str(), stdout);
}

}  // namespace eexit::cli
