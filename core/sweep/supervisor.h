// Runs a graph by worker processes, one a group of nodes. Knows no data: a worker that dies costs one node, and
// whatever dies, the same command goes on from the folder.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/sweep/events.h"
#include "core/sweep/graph.h"

namespace eexit {

struct SuperviseOptions {
  int jobs = 1;
  bool fail_fast = false;
  std::string program = "/proc/self/exe";  // of the workers; a sweep goes on with its own code when a new one is built
  std::vector<std::string> worker;         // argv; the job goes to standard input
  std::function<void(Event const&)> report = {};       // every event of every worker, and our own
  std::function<void(std::string const&)> relay = {};  // every line that a worker wrote to its standard error
};

struct SweepReport {
  int trained = 0;                            // phases, by this sweep
  double macs = 0;                            // of those, each as if it were alone
  std::map<std::string, std::string> failed;  // run id -> reason
};

// A worker ends with this when another process is at one of its nodes.
inline constexpr int busy_code = 73;

// A job of `eexit work`: a small spec and the nodes to do, as JSON text on one line.
std::string job_text(Plan const&, Graph const&, std::vector<std::size_t> const& nodes);

// What a sweep without work reports: runs that failed before, and those that need what failed.
SweepReport report_of(Graph const&, Plan const&, Store const&);

// What is done already is not done again; a node that another process is at is waited for. Throws Interrupted when a
// stop was asked for and every worker has made itself safe; RunError (Exit::io) when the disk is full; SpecError when a
// worker found spec or data wrong.
SweepReport supervise(Graph const&, Plan const&, Store const&, SuperviseOptions const&);

}  // namespace eexit
