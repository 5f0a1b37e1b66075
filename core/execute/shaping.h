// What may shape the losses of any method: weights of exits, distillation between exits, gradients at exits.
#pragma once

#include "core/net/net.h"
#include "core/plan/phase.h"

namespace eexit {

// Cross-entropy of each exit with the softmax of a later one, which is only read (temperature 1): mean over the exits
// but the last (last: against the last exit; next: against the following one), or over all pairs of an exit and a later
// one (later), times the rule's weight. logits [rows, classes]; 0 with a single exit.
Tensor distillation(Distill const&, Earlier const&);

// For Taps::branch, with `exits` exits, the last one included; empty for plain. equilibrium: where the path onward
// carries n exits' gradients, it counts n / (n + 1) and the head 1 / (n + 1), so that each part of the trunk gets the
// mean of its exits' gradients (Li et al. 2019; facts: regimes 4). Losses are then to be summed.
std::function<State(std::size_t exit, State& onward)> branch_of(TapRule, std::size_t exits);

}  // namespace eexit
