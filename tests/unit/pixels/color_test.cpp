// Answers of Pillow 13.0.0 (ImageEnhance, ImageOps, ImageFilter) on images small enough to check by hand; over 400
// random images of up to 40 x 40 every operation here gave Pillow's bytes.
#include "core/pixels/color.h"

#include <array>

#include "tests/unit/pixels/images.h"

namespace eexit {

using test::Bytes;
using test::image;

namespace {

template <class Operation, class... Arguments>
Bytes done(Operation operation, Pixels pixels, Arguments... arguments) {
  operation(pixels, arguments...);
  return pixels.hwc;
}

Pixels const square = image(3, 3, {10, 20, 30, 40, 90, 60, 70, 80, 200});
Pixels const two = image(1, 2, {200, 100, 50, 0, 0, 255}, 3);

}  // namespace

TEST_CASE("pixels: factors from a plainer image over itself and beyond") {
  using namespace pixels;
  CHECK(done(brightness, square, 0.5f) == Bytes{5, 10, 15, 20, 45, 30, 35, 40, 100});
  CHECK(done(brightness, square, 1.5f) == Bytes{15, 30, 45, 60, 135, 90, 105, 120, 255});
  // The mean is 600 / 9, rounded 67.
  CHECK(done(contrast, square, 0.5f) == Bytes{38, 43, 48, 53, 78, 63, 68, 73, 133});
  CHECK(done(contrast, square, 1.9f) == Bytes{0, 0, 0, 15, 110, 53, 72, 91, 255});
  // Grays 124 and 29, mean 76.5.
  CHECK(done(contrast, two, 0.5f) == Bytes{138, 88, 63, 38, 38, 166});
  CHECK(done(color, two, 0.5f) == Bytes{162, 112, 87, 14, 14, 142});
  CHECK(done(color, two, 1.5f) == Bytes{238, 88, 13, 0, 0, 255});
  CHECK(done(color, square, 0.5f) == square.hwc);
  CHECK(done(gray, two) == Bytes{124, 124, 124, 29, 29, 29});
  CHECK(done(gray, square) == square.hwc);
  // Only the middle has all neighbours: (510 + 5 * 90) / 13 = 73.8.
  CHECK(done(sharpness, square, 0.0f) == Bytes{10, 20, 30, 40, 74, 60, 70, 80, 200});
  CHECK(done(sharpness, square, 1.5f) == Bytes{10, 20, 30, 40, 98, 60, 70, 80, 200});
  for (auto* operation : {brightness, contrast, color, sharpness}) {
    CHECK(done(operation, square, 1.0f) == square.hwc);
    CHECK(done(operation, two, 1.0f) == two.hwc);
  }
}

TEST_CASE("pixels: tables of bytes") {
  using namespace pixels;
  CHECK(done(posterize, square, 2) == Bytes{0, 0, 0, 0, 64, 0, 64, 64, 192});
  CHECK(done(posterize, square, 8) == square.hwc);
  CHECK(done(solarize, square, 80.0) == Bytes{10, 20, 30, 40, 165, 60, 70, 175, 55});
  CHECK(done(solarize, square, 80.5)[7] == 80);
  CHECK(done(solarize, square, 255.0) == square.hwc);
  // 255 (v - 10) / 190.
  CHECK(done(autocontrast, square) == Bytes{0, 13, 26, 40, 107, 67, 80, 93, 255});
  CHECK(done(autocontrast, image(1, 2, {7, 7})) == Bytes{7, 7});
  // Each channel by itself; in doubles 200 (255 / 200) and 100 (255 / 100) are a little below 255, and truncated.
  CHECK(done(autocontrast, two) == Bytes{254, 254, 0, 0, 0, 255});

  // 128 each of 0, 1, 2 and 255: steps of (512 - 128) / 255 = 1, so 0 -> 0, 1 -> 128, 2 -> 256, cut off.
  Bytes quarters(512);
  for (std::size_t i = 0; i < quarters.size(); ++i) quarters[i] = std::array<std::uint8_t, 4>{0, 1, 2, 255}[i / 128];
  auto const flat = done(equalize, image(16, 32, quarters));
  CHECK(flat[0] == 0);
  CHECK(flat[128] == 128);
  CHECK(flat[256] == 255);
  CHECK(flat[511] == 255);
  CHECK(done(equalize, square) == square.hwc);  // fewer pixels than bytes: steps of 0
}

TEST_CASE("pixels: blur") {
  using namespace pixels;
  CHECK(done(gaussian_blur, square, 1.0f) == Bytes{30, 39, 46, 51, 67, 81, 69, 93, 121});
  CHECK(done(gaussian_blur, image(2, 2, {9, 9, 9, 9}), 2.0f) == Bytes{9, 9, 9, 9});
  CHECK(done(gaussian_blur, image(1, 1, {200, 100, 50}, 3), 1.3f) == Bytes{200, 100, 50});
}

}  // namespace eexit
