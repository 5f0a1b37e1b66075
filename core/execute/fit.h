// Does a fit: shows the training rows to what a method finds from them.
#pragma once

#include "core/execute/train.h"

namespace eexit {

// Rows at a time: larger portions of wide features leave the cache.
inline constexpr std::size_t fit_portion = 64;

// Over the fit's share of the training rows, of each class alike. The net holds the parent's weights; its heads are
// filled. Throws Interrupted when a stop was asked for: nothing is kept, a fit begins anew.
TrainResult fit(ExitNet&, Run const&, Fit const&, Method const&, TrainSetting const&);

}  // namespace eexit
