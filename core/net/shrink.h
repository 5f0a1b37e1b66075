// Removes channels that pruning has masked: the network really becomes smaller.
#pragma once

#include "core/net/net.h"

namespace eexit {

// Rewrites the weights of every layer that writes, scales or reads a channel of which nothing is left: all that writes
// it, and the norm over it, masked. The masks of what is rewritten shrink with it. Answers stay what they were, but for
// the order in which sums are rounded. True where anything was removed. SpecError naming the exit whose head cannot
// read fewer channels.
bool shrink(ExitNet&);

// Keeps these inputs (i64, rising) out of `count` of a convolution's weight [out, in, h, w] or a linear map's [out,
// in], each input being `each` columns in a row. A linear map may have further columns behind them, which stay.
void narrow_inputs(Tensor& weight, Tensor const& kept, std::int64_t count, std::int64_t each = 1);

}  // namespace eexit
