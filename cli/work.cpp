#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "cli/catalog.h"
#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/work.h"
#include "core/plan/plan.h"
#include "core/sweep/attempts.h"
#include "core/sweep/slurm.h"
#include "core/sweep/supervisor.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::json;

struct Job {
  std::string study;  // whose events.jsonl is written to; "": events go to standard output
  std::string spec;
  std::vector<std::string> nodes;
};

Json read_json(std::string const& text, std::string const& where) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw SpecError(where + ": expected jobs as eexit sweep writes them");
  return json;
}

Job read_job(Args const& args) {
  if (args.positional.empty()) {
    std::string text;
    std::getline(std::cin, text);
    auto const json = read_json(text, "standard input");
    return {.study = "", .spec = json.at("spec"), .nodes = json.at("nodes")};
  }
  if (args.positional.size() != 2) throw SpecError("eexit work: expected FILE and NUMBER", Exit::usage);
  auto const& file = args.positional[0];
  auto const json = read_json(read_file(file), file);
  auto const number = parse_integer(args.positional[1], "NUMBER");
  auto const& jobs = json.at("jobs");
  if (number < 0 || number >= static_cast<long long>(jobs.size()))
    throw SpecError(file + ": no job " + args.positional[1] + "; expected 0 to " + std::to_string(jobs.size() - 1),
                    Exit::usage);
  auto const& job = jobs.at(static_cast<std::size_t>(number));
  return {.study = json.at("study"), .spec = job.at("spec"), .nodes = job.at("nodes")};
}

std::vector<std::size_t> numbers_of(Job const& job, Graph const& graph) {
  std::vector<std::size_t> nodes;
  for (auto const& id : job.nodes) {
    auto const found = graph.number.find(id);
    if (found == graph.number.end())
      throw SpecError("no node " + id + " in the job's spec: data or program have changed since the sweep was started");
    nodes.push_back(found->second);
  }
  return nodes;
}

// In a job of a cluster: nobody but us waits, counts what was tried, and asks for more time.
class ClusterWork {
 public:
  ClusterWork(Graph const& graph, Plan const& plan, Store const& store, WorkOptions options, fs::path const& logs)
      : graph_(graph),
        plan_(plan),
        store_(store),
        options_(std::move(options)),
        job_{.log = slurm_log(logs).string(), .restarts = slurm_restarts()} {
    options_.may_begin = [this](Node const& node) { return may_begin(node); };
  }

  // What the nodes need comes first, where the job that was to do it has died.
  int run(std::vector<std::size_t> const& nodes) {
    try {
      for (;;) {
        auto const left = left_to_try(graph_, nodes, store_);
        if (std::find(left.begin(), left.end(), true) == left.end()) break;
        if (do_one_group(left)) continue;
        throw_if_stop_requested();
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
      }
    } catch (Interrupted const&) {
      end_attempts();
      if (stop_was_time_limit()) slurm_requeue();
      throw;
    }
    auto const reasons = reasons_of(graph_, std::vector<bool>(graph_.nodes.size(), true), store_);
    int code = 0;
    for (auto const i : nodes) {
      if (is_settled(graph_.nodes[i], store_)) continue;
      report_error(graph_.nodes[i].label + ": " + reasons[i]);
      code = static_cast<int>(Exit::runs_failed);
    }
    return code;
  }

 private:
  // False: other processes are at all of them.
  bool do_one_group(std::vector<bool> const& left) {
    for (auto const& group : groups_to_try(graph_, left, store_)) {
      throw_if_stop_requested();
      if (do_nodes(graph_, group, plan_, store_, options_) == WorkEnd::busy) continue;
      end_attempts();
      return true;
    }
    return false;
  }

  bool may_begin(Node const& node) {
    bool const known = is_given_up(node, store_);
    bool const begins = begin_attempt(node, store_, job_);
    if (begins || !known) tried_.push_back(&node);
    return begins;
  }

  // Each has its result, or a note of its failure, or was interrupted and has saved itself.
  void end_attempts() {
    for (auto const* node : std::exchange(tried_, {})) {
      if (is_settled(*node, store_)) {
        forget_attempts(*node, store_);
      } else if (is_given_up(*node, store_)) {
        tell("node_failed", *node, read_failure(*node, store_).value_or(Failure{}).reason);
      } else if (!read_failure(*node, store_)) {
        take_back_attempt(*node, store_);
        tell("node_interrupted", *node, "asked to stop");
      }
    }
  }

  void tell(std::string const& kind, Node const& node, std::string const& reason) const {
    options_.report({.kind = kind, .node = node.id, .label = node.label, .reason = reason});
  }

  Graph const& graph_;
  Plan const& plan_;
  Store const& store_;
  WorkOptions options_;
  ClusterJob job_;
  std::vector<Node const*> tried_;
};

}  // namespace

int work(Args const& args) {
  Store const store(args.out);
  auto const job = read_job(args);
  auto const plan = make_plan(job.spec, "the job's spec", real_catalog(store));
  auto const graph = make_graph(plan);
  auto const nodes = numbers_of(job, graph);
  WorkOptions options{.device = device_of(args), .feature_bytes = feature_bytes(args)};
  if (job.study.empty()) {
    // For the process that reads our standard output, which asked for nothing else there.
    options.report = [](Event const& event) {
      auto const line = to_line(stamped(event));
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fflush(stdout);
    };
    return do_nodes(graph, nodes, plan, store, options) == WorkEnd::busy ? busy_code : 0;
  }
  EventLog log(store.study(job.study) / "events.jsonl");
  options.report = [&](Event const& event) { log.write(event); };
  return ClusterWork(graph, plan, store, options, store.study(job.study) / "slurm").run(nodes);
}

}  // namespace eexit::cli
