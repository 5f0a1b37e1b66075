// Zhong et al. 2020, as torchvision's RandomErasing with value 0. Draws: whether to erase, then the box's, also where
// nothing is erased.
#include <algorithm>

#include "core/pixels/random_box.h"

namespace eexit::pixels {

Augmentation erase(JsonReader& reader) {
  double const p = reader.number("p", 0.1, {0, 1}, "probability that an image loses a rectangle");
  auto const scale =
      read_range(reader, "scale", {0.02, 0.33}, {0, 1}, "the rectangle's share of the area, from and to");
  auto const ratio = read_range(reader, "ratio", {0.3, 3.3}, {0.01, 100}, "its height over its width, from and to");
  reader.done();
  BoxRule const rule{.scale = scale, .ratio = {1 / ratio.high, 1 / ratio.low}};
  return {.bytes = {}, .values = [p, rule](std::span<float> hwc, ImageShape const& shape, Random& random) {
            bool const erased = random.uniform() < p;
            // Something must be left of every row and column.
            auto const box = random_box(rule, shape, {.height = shape.height - 1, .width = shape.width - 1}, random);
            if (!erased || !box) return;
            for (int row = box->top; row < box->top + box->height; ++row) {
              auto const start = static_cast<std::ptrdiff_t>(row * shape.width + box->left) * shape.channels;
              std::fill_n(hwc.begin() + start, box->width * shape.channels, 0.0f);
            }
          }};
}

}  // namespace eexit::pixels
