#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/catalog.h"
#include "cli/command.h"
#include "cli/study_files.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/execute/environment.h"
#include "core/execute/work.h"
#include "core/plan/plan.h"
#include "core/sweep/supervisor.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::json;

struct Job {
  std::string spec;
  std::vector<std::string> nodes;
};

Job read_job(std::string const& text, std::string const& where) {
  auto const json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("spec") || !json.contains("nodes"))
    throw SpecError(where + ": expected a job as eexit sweep writes it");
  return {json.at("spec"), json.at("nodes")};
}

std::string standard_input() {
  std::string text;
  std::getline(std::cin, text);
  return text;
}

// For the process that reads our standard output, which asked for nothing else there.
void send(Event const& event) {
  auto const line = to_line(stamped(event));
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

int work(Args const& args) {
  Store const store(args.out);
  auto const job = read_job(standard_input(), "standard input");
  auto const plan = make_plan(job.spec, "the job's spec", real_catalog(store));
  auto const graph = make_graph(plan);
  std::vector<std::size_t> nodes;
  for (auto const& id : job.nodes) {
    auto const found = graph.number.find(id);
    if (found == graph.number.end())
      throw SpecError("no node " + id + " in the job's spec: data or program have changed since the sweep was started");
    nodes.push_back(found->second);
  }
  WorkOptions const options{.device = device_of(args), .feature_bytes = feature_bytes(args), .report = send};
  return do_nodes(graph, nodes, plan, store, options) == WorkEnd::busy ? busy_code : 0;
}

}  // namespace eexit::cli
