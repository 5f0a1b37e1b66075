#include "cli/plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/text.h"
#include "core/sweep/estimate.h"
#include "core/sweep/slurm.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t most_rows = 200;

struct Sums {
  std::size_t phases = 0, asked = 0, done = 0, to_do = 0, trials = 0, groups = 0, collections = 0;
  double alone = 0, together = 0;  // training MACs of what is to do: every run by itself, and shared
  double bytes = 0;                // on disk, of what is to do
};

// Head phases of one trunk need its pass once.
double macs_together(Graph const& graph, std::vector<bool> const& counted) {
  double sum = 0;
  std::map<std::string, double> trunks;  // the longest pass of each
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    if (!counted[i]) continue;
    sum += node.macs - node.trunk_macs;
    auto& longest = trunks[node.trunk.empty() ? node.id : node.trunk];
    longest = std::max(longest, node.trunk_macs);
  }
  for (auto const& [text, macs] : trunks) sum += macs;
  return sum;
}

double bytes_of(Node const& node) {
  auto const& run = *node.run;
  if (node.kind == Node::Kind::phase) return 4.0 * static_cast<double>(run.params);
  auto const rows = static_cast<double>(run.splits->cal.size()) + run.facts->test_rows;
  return rows * static_cast<double>(run.exit_cost.size()) * 4 * run.facts->classes;
}

Sums sums_of(Graph const& graph, Store const& store, std::vector<bool> const& needed) {
  Sums sums;
  std::vector<std::size_t> phases;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    if (needed[i]) sums.bytes += bytes_of(node);
    if (node.kind == Node::Kind::collect) {
      sums.collections += needed[i];
      continue;
    }
    ++sums.phases;
    sums.trials += node.trial;
    sums.asked += std::max<std::size_t>(node.wanted_by.size(), 1);
    sums.done += is_settled(node, store);
    if (needed[i]) phases.push_back(i);
  }
  sums.to_do = phases.size();
  sums.groups = groups_of(graph, phases, std::vector<bool>(graph.nodes.size(), false)).size();
  sums.together = macs_together(graph, needed);
  for (auto const at : phases)
    sums.alone +=
        graph.nodes[at].macs * static_cast<double>(std::max<std::size_t>(graph.nodes[at].wanted_by.size(), 1));
  return sums;
}

// Learned from phases that the store has: a few hundred say what there is to know.
Estimate learn(Store const& store) {
  Estimate estimate;
  int left = 500;
  std::error_code none;
  for (auto const& entry : fs::directory_iterator(store.root() / "phases", none)) {
    auto const path = entry.path() / "phase.json";
    if (!fs::exists(path)) continue;
    auto const json = Json::parse(read_file(path), nullptr, false);
    if (!json.is_object() || !json.contains("canonical")) continue;
    estimate.learn({.arch = json.at("canonical").at("arch").at("name"),
                    .device = json.value("device", ""),
                    .threads = json.value("threads", 1),
                    .macs = json.value("training_macs", 0.0)},
                   json.value("seconds", 0.0));
    if (--left == 0) break;
  }
  return estimate;
}

using Groups = std::vector<std::vector<std::size_t>>;

// One process each, in an order in which they can be done.
Groups all_groups(Graph const& graph, std::vector<bool> const& needed) {
  Groups all;
  for (auto& level : levels_of(graph, needed))
    for (auto& group : level) all.push_back(std::move(group));
  return all;
}

// Of one process: heads of one trunk pass it together, and a run's answers are forward passes over cal and test.
double macs_of(Graph const& graph, std::vector<std::size_t> const& group) {
  double sum = 0, longest = 0;
  for (auto const i : group) {
    auto const& node = graph.nodes[i];
    auto const& run = *node.run;
    if (node.kind == Node::Kind::collect)
      sum += (static_cast<double>(run.splits->cal.size()) + run.facts->test_rows) * run.exit_cost.back().mac;
    else
      sum += node.macs - node.trunk_macs;
    longest = std::max(longest, node.trunk_macs);
  }
  return sum + longest;
}

std::vector<std::vector<int>> waits_of(Graph const& graph, Groups const& groups) {
  std::map<std::size_t, int> group_of;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (auto const i : groups[g]) group_of[i] = static_cast<int>(g);
  std::vector<std::vector<int>> after(groups.size());
  for (auto const& [i, own] : group_of)
    for (auto const* parents : {&graph.nodes[i].after, &graph.nodes[i].trials})
      for (auto const parent : *parents) {
        auto const found = group_of.find(parent);
        if (found != group_of.end() && found->second != own)
          after[static_cast<std::size_t>(own)].push_back(found->second);
      }
  return after;
}

std::string expected_time(Graph const& graph, Store const& store, std::vector<bool> const& needed,
                          Workers const& with) {
  auto const estimate = learn(store);
  auto const groups = all_groups(graph, needed);
  std::vector<double> seconds;
  for (auto const& group : groups) {
    auto const guess = estimate.seconds({.arch = graph.nodes[group.front()].run->arch.name,
                                         .device = with.device,
                                         .threads = with.threads,
                                         .macs = macs_of(graph, group)});
    if (!guess) return "unknown: nothing was measured yet under " + (store.root() / "phases").string();
    seconds.push_back(*guess);
  }
  return "about " + duration(makespan(seconds, waits_of(graph, groups), with.jobs)) + " of training with " +
         std::to_string(with.jobs) + (with.jobs == 1 ? " worker of " : " workers of ") + std::to_string(with.threads) +
         (with.threads == 1 ? " thread" : " threads") + ", judged by phases measured before";
}

std::string size_text(double bytes) { return fixed(bytes / (1 << 20), bytes < (1 << 24) ? 1 : 0) + " MiB"; }

Table plan_table(Plan const& plan, Store const& store) {
  Table table{.title = plan.study + ": " + std::to_string(plan.runs.size()) + " runs",
              .header = {"run", "phase", "key", "state", "steps", "training MACs"},
              .label_columns = 4};
  std::set<std::string> seen;
  for (auto const& run : plan.runs) {
    if (table.rows.size() >= most_rows) {
      table.footnotes.push_back("the first " + std::to_string(table.rows.size()) + " phases; --json prints all");
      break;
    }
    bool first = true;
    for (auto const& phase : run.phases) {
      bool const shared = !seen.insert(phase.key).second;
      table.rows.push_back({first ? run.id : "", name_of(phase.phase), phase.key.substr(0, 8),
                            store.phase_done(phase.key) ? "done"
                            : shared                    ? "shared"
                                                        : "to do",
                            std::to_string(phase.steps), fmt::format("{:.3e}", phase.macs)});
      first = false;
    }
  }
  return table;
}

std::string count(std::size_t number, std::string const& one, std::string const& many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

}  // namespace

void print_dry_run(Plan const& plan, Graph const& graph, Store const& store, Workers const& workers, bool json) {
  auto const needed = still_needed(graph, store);
  auto const sums = sums_of(graph, store, needed);
  auto const time =
      sums.to_do + sums.collections > 0 ? expected_time(graph, store, needed, workers) : "none: everything is done";
  if (json) {
    Json out = {{"spec", Json::parse(plan.spec)}, {"runs", Json::array()}, {"phases", Json::array()}};
    for (auto const& run : plan.runs) out["runs"].push_back(Json::parse(resolved(run)));
    for (auto const& node : graph.nodes)
      if (node.kind == Node::Kind::phase)
        out["phases"].push_back({{"key", node.id},
                                 {"label", node.label},
                                 {"done", is_done(node, store)},
                                 {"trial", node.trial},
                                 {"wanted_by", node.wanted_by.size()},
                                 {"training_macs", node.macs}});
    out["to_do"] = {{"phases", sums.to_do},
                    {"collections", sums.collections},
                    {"processes", sums.groups},
                    {"training_macs", sums.together},
                    {"training_macs_alone", sums.alone},
                    {"bytes", sums.bytes},
                    {"time", time}};
    std::puts(out.dump(2).c_str());
    return;
  }
  // One run in full, defaults filled in; --json prints all of them.
  std::fputs((resolved(plan.runs.front()) + "\n").c_str(), stdout);
  auto table = plan_table(plan, store);
  auto& notes = table.footnotes;
  notes.push_back(count(sums.asked, "phase is", "phases are") + " asked for, " + std::to_string(sums.phases) +
                  " different" + (sums.trials > 0 ? " (" + std::to_string(sums.trials) + " try a rate)" : "") + ": " +
                  std::to_string(sums.done) + " done, " + std::to_string(sums.to_do) + " to do in " +
                  count(sums.groups, "process", "processes") + "; " + count(sums.collections, "run", "runs") +
                  " to collect");
  notes.push_back(fmt::format("to do: {:.3e} training MACs", sums.together) +
                  (sums.alone > sums.together * (1 + 1e-9)
                       ? fmt::format(", where every run by itself would take {:.3e}", sums.alone)
                       : ""));
  notes.push_back("time: " + time);
  double means = 0;
  for (auto const& run : plan.runs) means = std::max(means, run.buffer_bytes);
  if (means > 0) notes.push_back("memory: what heads hold besides weights takes up to " + size_text(means) + " a run");
  notes.push_back("disk: about " + size_text(sums.bytes) + " more, and up to " +
                  "three times a network's size while it is trained");
  std::fputs(to_console(table).c_str(), stdout);
}

void print_status(Plan const& plan, Graph const& graph, Store const& store, bool json) {
  std::map<NodeState, std::size_t> counts;
  Table table{.header = {"state", "node", "what", "why"}, .label_columns = 4};
  auto const needed = still_needed(graph, store);
  auto const reasons = reasons_of(graph, needed, store);
  std::size_t unneeded = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto const& node = graph.nodes[i];
    auto state = is_settled(node, store) ? NodeState::done : state_of(node, store);
    // Its worker holds it while the phase before is still being trained.
    bool const early = node.kind == Node::Kind::collect && !is_done(graph.nodes[node.after.front()], store);
    if (early && state == NodeState::running) state = NodeState::pending;
    if (!needed[i] && state != NodeState::done) {
      ++unneeded;
      continue;
    }
    // By its own doing, or that of what it reads.
    if (state != NodeState::running && !reasons[i].empty()) state = NodeState::failed;
    ++counts[state];
    if (state == NodeState::pending || state == NodeState::done) continue;
    table.rows.push_back({name_of(state), node.kind == Node::Kind::phase ? node.id.substr(0, 8) : "", node.label,
                          state == NodeState::failed ? reasons[i] : ""});
  }
  table.title = plan.study + ": " + std::to_string(graph.nodes.size() - unneeded) + " nodes";
  for (auto const state :
       {NodeState::done, NodeState::running, NodeState::interrupted, NodeState::failed, NodeState::pending})
    table.title += ", " + std::to_string(counts[state]) + " " + name_of(state);
  if (auto const jobs = slurm_states(store.study(plan.study) / "slurm"); jobs && !jobs->empty())
    for (auto const& job : *jobs)
      table.footnotes.push_back("Slurm job " + job.id + ", " + job.name + ": " + std::to_string(job.elements) +
                                " elements, " + std::to_string(job.running) + " running, " +
                                std::to_string(job.pending) + " queued");
  if (json) {
    std::puts(to_json(table).c_str());
  } else if (table.rows.empty()) {
    std::puts(table.title.c_str());
    for (auto const& note : table.footnotes) std::puts(note.c_str());
  } else {
    std::fputs(to_console(table).c_str(), stdout);
  }
}

}  // namespace eexit::cli
