// torchvision's RandomCrop with padding. Draws: rows down, columns right, each below 2 pad + 1.
#include <algorithm>

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

namespace {

void shift_with_zeros(Pixels& pixels, int down, int right) {
  auto const [channels, height, width] = pixels.shape;
  int const first = std::clamp(-right, 0, width),
            last = std::clamp(width - right, first, width);  // columns with pixels
  auto const row_bytes = static_cast<std::ptrdiff_t>(width) * channels;
  for (int row = 0; row < height; ++row) {
    auto const to = pixels.spare.begin() + row * row_bytes;
    int const from_row = row + down;
    if (from_row < 0 || from_row >= height || first == last) {
      std::fill_n(to, row_bytes, std::uint8_t{0});
      continue;
    }
    auto const from = pixels.hwc.begin() + from_row * row_bytes + (first + right) * channels;
    std::fill_n(to, first * channels, std::uint8_t{0});
    std::copy_n(from, (last - first) * channels, to + first * channels);
    std::fill(to + last * channels, to + row_bytes, std::uint8_t{0});
  }
  pixels.hwc.swap(pixels.spare);
}

// Positions outside are mirrored about the first and the last pixel, as often as it takes.
int mirrored(int position, int size) {
  if (size == 1) return 0;
  int const period = 2 * (size - 1);
  int const within = (position % period + period) % period;
  return std::min(within, period - within);
}

void shift_with_mirror(Pixels& pixels, int down, int right) {
  auto const [channels, height, width] = pixels.shape;
  auto to = pixels.spare.begin();
  for (int row = 0; row < height; ++row) {
    std::ptrdiff_t const from_row = std::ptrdiff_t{mirrored(row + down, height)} * width;
    for (int column = 0; column < width; ++column)
      to = std::copy_n(pixels.hwc.begin() + (from_row + mirrored(column + right, width)) * channels, channels, to);
  }
  pixels.hwc.swap(pixels.spare);
}

}  // namespace

Augmentation crop(JsonReader& reader) {
  int const pad = reader.integer("pad", 4, {0, 1024}, "pixels added on each side");
  auto const padding = reader.one_of("padding", "zero", {"zero", "reflect"}, "what stands in the padding");
  reader.done();
  auto const shift = padding == "zero" ? shift_with_zeros : shift_with_mirror;
  return {.bytes = [pad, shift](Pixels& pixels, Random& random) {
    int const down = random.below(2 * pad + 1) - pad, right = random.below(2 * pad + 1) - pad;
    shift(pixels, down, right);
  }};
}

}  // namespace eexit::pixels
