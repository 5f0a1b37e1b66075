#include "core/pixels/transform.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace eexit::pixels {

namespace {

// In units of 2^-16 pixels, as Pillow counts: what lies on the border of two pixels falls to the same one as there, and
// quarter turns are exact.
std::int64_t fixed(double value) { return static_cast<std::int64_t>(std::floor(value * 65536 + 0.5)); }

}  // namespace

Origin turned(ImageShape const& shape, double degrees, double right, double down) {
  double const angle = degrees * std::numbers::pi / 180;
  double const cosine = std::cos(angle), sine = std::sin(angle);
  double const centre_x = shape.width / 2.0, centre_y = shape.height / 2.0;
  double const x = centre_x + right, y = centre_y + down;  // where the centre goes
  return {.xx = cosine,
          .xy = sine,
          .x0 = centre_x - cosine * x - sine * y,
          .yx = -sine,
          .yy = cosine,
          .y0 = centre_y + sine * x - cosine * y};
}

void warp(Pixels& pixels, Origin const& origin) {
  auto const [channels, height, width] = pixels.shape;
  std::int64_t row_x = fixed(origin.x0 + 0.5 * (origin.xx + origin.xy));
  std::int64_t row_y = fixed(origin.y0 + 0.5 * (origin.yx + origin.yy));
  std::int64_t const xx = fixed(origin.xx), xy = fixed(origin.xy), yx = fixed(origin.yx), yy = fixed(origin.yy);
  auto to = pixels.spare.begin();
  for (int row = 0; row < height; ++row, row_x += xy, row_y += yy) {
    std::int64_t x = row_x, y = row_y;
    for (int column = 0; column < width; ++column, x += xx, y += yx) {
      auto const from_x = x >> 16, from_y = y >> 16;
      bool const inside = from_x >= 0 && from_x < width && from_y >= 0 && from_y < height;
      to = inside ? std::copy_n(pixels.hwc.begin() + (from_y * width + from_x) * channels, channels, to)
                  : std::fill_n(to, channels, std::uint8_t{0});
    }
  }
  pixels.hwc.swap(pixels.spare);
}

}  // namespace eexit::pixels
