// Early-exit methods: how heads are built and what they learn with. One file a method, one line in list.inc.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/net/builder.h"
#include "core/net/net.h"
#include "core/plan/phase.h"

namespace eexit {

struct Heads {
  std::map<std::string, Head> heads;  // by stage name
  ModulePtr extra;                    // what heads share
};

// The stages that carry exits, in walking order, with the shape of State.x there.
using Sites = std::vector<std::pair<std::string, Shape>>;

// Empty functions mean the default.
struct Method {
  // Throws SpecError naming stage and shape where a head does not fit.
  std::function<Heads(Sites const&, int classes, Builder&)> make_heads;
  // Mean losses of the exits [exits] -> scalar; default: the phase's exit weights.
  std::function<Tensor(Tensor const& losses_k)> weigh = {};
  // A further loss from the answers, scalar: imitation, distillation.
  std::function<Tensor(Earlier const&)> extra_loss = {};
};

using MethodMaker = Method (*)(JsonReader&);
Registry<MethodMaker> methods();

}  // namespace eexit
