// Small real plans for tests: the fixture's 1,000 + 500 images of Fashion-MNIST, planned and trained as the program
// does.
#pragma once

#include <string>
#include <vector>

#include "core/execute/work.h"
#include "core/plan/plan.h"
#include "core/store/store.h"

namespace eexit {

// One regime, seed 0; `edits` as after --set: "/defaults/train/batch=64".
Plan fixture_plan(Store const&, std::vector<std::string> const& edits);

// Does all of a plan in this process, group by group, each as a worker would. Nodes that failed are noted in their
// folders.
void do_plan(Plan const&, Store const&, WorkOptions const& = {});

}  // namespace eexit
