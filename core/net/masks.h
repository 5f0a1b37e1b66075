// Which weights of a network are pruned: masks that hold numbers at 0.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/net/net.h"
#include "core/plan/phase.h"

namespace eexit {

// Weights of convolutions and linear maps by name, in the order in which they are run: those of a stage, of the head
// after it, ..., of the last exit.
std::vector<std::pair<std::string, Tensor>> layers_of(ExitNet const&);

// Those of them that a pruning may change; biases and norms are never among them.
std::vector<std::pair<std::string, Tensor>> prunable(ExitNet const&, Prune const&);

// The groups of channels that it may remove. SpecError where the architecture says of none.
std::vector<Channels> prunable_channels(ExitNet const&, Prune const&);

// Gives masks, true throughout, to the parameters that a pruning may change and that have none.
void add_masks(ExitNet&, Prune const&);

// Sets what is masked to 0.
void hold_masks(ExitNet&);

}  // namespace eexit
