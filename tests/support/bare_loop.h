// The least that trains: what `eexit bench train` and the tests hold the trainer against.
#pragma once

#include "core/net/net.h"

namespace eexit {

// Joint training by fused SGD with momentum on batches in order of the rows: forward through all exits, mean of the
// exits' cross-entropies, backward, update; channels-last, nothing else. x_bchw: f32, normalised. Returns seconds of
// the steps.
double bare_loop(ExitNet&, Tensor const& x_bchw, Tensor const& y_b, std::int64_t batch, int steps, bool bf16);

}  // namespace eexit
