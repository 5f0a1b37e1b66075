// Does a pruning: chooses the weights or channels that matter least, and masks them.
#pragma once

#include "core/execute/train.h"

namespace eexit {

// floor(rate x left) are pruned: of all weights together, of each layer or of each group of channels; of equals the
// first go, in the order in which layers are run. RunError (Exit::data) naming the layer that would be left without
// any.
TrainResult prune(ExitNet&, Run const&, Prune const&, TrainSetting const&);

// Masks the weights, of those that it may change, that are worth least; worth: one tensor for each of prunable(), in
// its shape.
void mask_least(ExitNet&, Prune const&, std::vector<Tensor> const& worth);
std::vector<Tensor> weight_sizes(std::vector<std::pair<std::string, Tensor>> const& layers);  // |w|

// Masks channels alone: of each group those whose writing weights have the smallest norm. How many are left does not
// depend on the weights.
void mask_channels(ExitNet&, Prune const&);

}  // namespace eexit
