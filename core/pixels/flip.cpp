// Draws: whether to flip.
#include <algorithm>

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

namespace {

// The number of channels as a constant where it is usual: moving a pixel is then no loop.
template <int constant>
void mirror(Pixels& pixels) {
  int const channels = constant ? constant : pixels.shape.channels, width = pixels.shape.width;
  for (int row = 0; row < pixels.shape.height; ++row) {
    auto* left = pixels.hwc.data() + static_cast<std::ptrdiff_t>(row) * width * channels;
    auto* right = left + (width - 1) * channels;
    for (; left < right; left += channels, right -= channels) std::swap_ranges(left, left + channels, right);
  }
}

}  // namespace

Augmentation flip(JsonReader& reader) {
  double const p = reader.number("p", 0.5, {0, 1}, "probability of a flip");
  reader.done();
  return {.bytes = [p](Pixels& pixels, Random& random) {
    if (random.uniform() >= p) return;
    if (pixels.shape.channels == 3)
      mirror<3>(pixels);
    else
      mirror<0>(pixels);
  }};
}

}  // namespace eexit::pixels
