// Learned positions of a transformer for images of another size.
#pragma once

#include <torch/torch.h>

namespace eexit::arch {

// A table of positions [1, 1 + places, D], the class token's first, for a grid of height x width places: the places as
// a square picture, bicubic between the middles of cells; the class token's is kept. A table of that grid comes back
// as it is. SpecError where the table's places are no square.
torch::Tensor resized_positions(torch::Tensor const& table_1nd, int height, int width);

}  // namespace eexit::arch
