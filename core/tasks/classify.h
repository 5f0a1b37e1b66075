// Classification: one row a sample, cross-entropy, argmax.
#pragma once

#include "core/net/task.h"

namespace eexit {

Task classify();

// Pieces that other tasks with one row a sample share: logits as they are, softmax confidence in double precision on
// the CPU, samples leaving one by one.
Tensor whole_rows(Tensor const& logits_rk, State const&);
std::vector<int> argmax_rows(Tensor const& logits_rk);
std::vector<double> softmax_confidence(Measure const&, Tensor const& logits_rk, Earlier const&);
void drop_samples(State&, Earlier& earlier, Tensor const& stay);
double share_right(ExitTable const&, Outcome const&);

}  // namespace eexit
