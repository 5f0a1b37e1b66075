#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/catalog.h"
#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/work.h"
#include "core/plan/plan.h"
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

// Outside a supervisor nobody has looked whether the work can be done yet.
void require_parents(Graph const& graph, std::vector<std::size_t> const& nodes, Store const& store) {
  for (auto const i : nodes)
    for (auto const* parents : {&graph.nodes[i].after, &graph.nodes[i].trials})
      for (auto const parent : *parents)
        if (std::find(nodes.begin(), nodes.end(), parent) == nodes.end() && !is_settled(graph.nodes[parent], store))
          throw RunError(graph.nodes[i].label + ": needs " + graph.nodes[parent].label + ", which is not done",
                         Exit::runs_failed);
}

// In a job of a cluster: nobody but us waits, and nobody but us asks for more time.
int work_alone(Graph const& graph, std::vector<std::size_t> const& nodes, Plan const& plan, Store const& store,
               WorkOptions const& options) {
  require_parents(graph, nodes, store);
  try {
    while (do_nodes(graph, nodes, plan, store, options) == WorkEnd::busy) {
      throw_if_stop_requested();
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  } catch (Interrupted const&) {
    if (stop_was_time_limit()) slurm_requeue();
    throw;
  }
  bool const all = std::all_of(nodes.begin(), nodes.end(), [&](auto i) { return is_settled(graph.nodes[i], store); });
  return all ? 0 : static_cast<int>(Exit::runs_failed);
}

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
  return work_alone(graph, nodes, plan, store, options);
}

}  // namespace eexit::cli
