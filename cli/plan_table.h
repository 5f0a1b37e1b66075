// What `eexit sweep` shows of a plan before, while and without doing it.
#pragma once

#include "core/plan/spec.h"
#include "core/report/table.h"
#include "core/store/store.h"
#include "core/sweep/graph.h"

namespace eexit::cli {

struct Workers {
  int jobs = 1, threads = 1;  // threads of each
  std::string device = "cpu";
};

// --dry-run: one run in full, then phases done, shared and to do, time and disk; --json: everything.
void print_dry_run(Plan const&, Graph const&, Store const&, Workers const&, bool json);

// --status: how many nodes are in which state, and which run, fail or were interrupted.
void print_status(Plan const&, Graph const&, Store const&, bool json);

}  // namespace eexit::cli
