// Where exits go: from block indices, a number of exits or fractions of the cost to the names of stages.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/plan/cells.h"
#include "core/plan/facts.h"
#include "core/plan/spec.h"

namespace eexit {

using HeadsAfter = std::function<HeadFacts(std::vector<std::string> const& after)>;

// Stage names in walking order. `heads` is asked only where costs decide. SpecError at the cell's /placement; `arch`
// names the network there.
std::vector<std::string> place_exits(Placement const&, BackboneFacts const&, HeadsAfter const& heads, Cell const&,
                                     std::string const& arch);

}  // namespace eexit
