// The arithmetic of learning to weight samples, for the method and its tests.
#pragma once

#include <vector>

#include "core/methods/method.h"

namespace eexit {

// The rows that each exit is given, a partition of all: exit by exit the surest of those left, floor(rows q_k) of them
// with q_k = (p / 20)^k / sum, k = 1 to the number of exits; the rest to the last.
std::vector<Tensor> allocate(Earlier const& answers, double p);

// [rows / 2, exits]: the derivative of the meta loss by the weights of the batch's first half, from its answers;
// undefined where the meta loss depends on nothing that learns. That half takes a step with these weights in advance;
// the meta loss is that of the second half after it, each sample at the exit it is allocated to, mean over exits that
// were given samples. With v the gradient of the meta loss at the advanced parameters and s the derivative of those by
// the step's gradient
// (-rate for plain SGD), it is the change of a sample's loss along s v, divided by samples and exits: no copy of the
// network, no second derivative. Exact for steps that work number by number: SGD, with momentum and Nesterov too, and
// AdamW. Clipping scales all gradients by one factor, which counts as constant.
Tensor meta_gradient(NextStep const&, Earlier const& answers, Tensor const& weights_bk, double p);

}  // namespace eexit
