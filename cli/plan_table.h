// What `eexit sweep` shows of a plan before, while and without doing it.
#pragma once

#include "core/plan/spec.h"
#include "core/report/table.h"
#include "core/store/store.h"
#include "core/sweep/graph.h"

namespace eexit::cli {

// --dry-run: one run in full, then nodes done, shared and to do; --json: everything.
void print_dry_run(Plan const&, Graph const&, Store const&, int jobs, bool json);

// --status: how many nodes are in which state, and which run, fail or were interrupted.
void print_status(Plan const&, Graph const&, Store const&, bool json);

}  // namespace eexit::cli
