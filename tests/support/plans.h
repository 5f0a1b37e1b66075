// Small real plans for tests: the fixture's 1,000 + 500 images of Fashion-MNIST, planned and trained as the program
// does.
#pragma once

#include <string>
#include <vector>

#include "core/plan/plan.h"
#include "core/store/store.h"

namespace eexit {

// One regime, seed 0; `edits` as after --set: "/defaults/train/batch=64".
Plan fixture_plan(Store const&, std::vector<std::string> const& edits);

}  // namespace eexit
