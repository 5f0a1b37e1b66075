#include "core/arch/position_table.h"

#include <cmath>

#include "core/base/error.h"

namespace eexit::arch {

torch::Tensor resized_positions(torch::Tensor const& table_1nd, int height, int width) {
  require(table_1nd.dim() == 3 && table_1nd.size(0) == 1 && table_1nd.size(1) > 1, "not a table of positions");
  auto const places = table_1nd.size(1) - 1, d = table_1nd.size(2);
  auto const side = std::lround(std::sqrt(static_cast<double>(places)));
  bool const square = side * side == places;
  if (square ? side == height && side == width : places == static_cast<std::int64_t>(height) * width) return table_1nd;
  if (!square)
    throw SpecError("a table of " + std::to_string(places) + " positions is no square and cannot be resized to " +
                    std::to_string(height) + " x " + std::to_string(width));
  auto const picture_1dhw = table_1nd.narrow(1, 1, places).transpose(1, 2).reshape({1, d, side, side});
  auto const resized_1dhw = at::upsample_bicubic2d(picture_1dhw, {height, width}, /*align_corners=*/false);
  return torch::cat({table_1nd.narrow(1, 0, 1), resized_1dhw.flatten(2).transpose(1, 2)}, 1);
}

}  // namespace eexit::arch
