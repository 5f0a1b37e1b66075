// Regimes: one file a regime, a function that returns phases; one line in list.inc.
#pragma once

#include <functional>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/plan/kinds.h"

namespace eexit {

using MakePhases = std::function<std::vector<Phase>(TrainSpec const&)>;
using RegimeMaker = MakePhases (*)(JsonReader&);
Registry<RegimeMaker> regimes();

}  // namespace eexit
