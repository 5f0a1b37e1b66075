// One pass with all exits on: what the exit tables are made of.
#pragma once

#include "core/execute/images.h"
#include "core/net/net.h"
#include "core/store/exit_file.h"

namespace eexit {

// Logits of every exit in eval mode, f32, without gradients; rows in the order given. Throws
// Interrupted when a stop was asked for.
SplitAnswers collect(ExitNet&, Images const&, std::vector<int> const& rows);

}  // namespace eexit
