#include "datasets/formats/resize.h"

#include "tests/support/catch.h"
#include "tests/unit/datasets/pictures.h"

using namespace eexit;

namespace {

using Bytes = std::vector<std::uint8_t>;

// One row of gray, resized; the same turned on its side must give the same.
Bytes row(Bytes const& pixels, int width, Filter filter) {
  auto const length = static_cast<int>(pixels.size());
  auto const flat = resize({1, 1, length, pixels}, 1, width, filter);
  CHECK(flat.height == 1);
  CHECK(flat.width == width);
  CHECK(resize({1, length, 1, pixels}, width, 1, filter).pixels == flat.pixels);
  return flat.pixels;
}

Picture cut(Picture const& picture, Window part) {
  Picture result{.channels = picture.channels, .height = part.height, .width = part.width, .pixels = {}};
  for (int y = part.top; y < part.top + part.height; ++y) {
    auto const from = picture.pixels.begin() + (y * picture.width + part.left) * picture.channels;
    result.pixels.insert(result.pixels.end(), from, from + part.width * picture.channels);
  }
  return result;
}

}  // namespace

TEST_CASE("resize: the same size is the same picture, and a constant stays one", "[datasets]") {
  auto const picture = picture_of(3, 17, 29);
  for (auto const filter : {Filter::bilinear, Filter::bicubic}) {
    CHECK(resize(picture, 17, 29, filter).pixels == picture.pixels);
    for (int const value : {0, 1, 127, 254, 255}) {
      auto const byte = static_cast<std::uint8_t>(value);
      auto const constant = constant_picture(13, 7, {byte, byte, byte});
      for (auto const& [height, width] : {std::pair{1, 1}, {5, 3}, {13, 50}, {40, 2}})
        CHECK(resize(constant, height, width, filter).pixels ==
              Bytes(static_cast<std::size_t>(3 * height * width), byte));
    }
  }
}

TEST_CASE("resize: values by hand and by PIL", "[datasets]") {
  Bytes const ramp = {0, 10, 20, 30, 40, 50, 60, 70}, edge = {0, 0, 0, 0, 255, 255, 255, 255};
  // By half: 1/8, 3/8, 3/8, 1/8 of four neighbours; at the border 3/7, 3/7, 1/7 of three, (10 * 3 + 20) / 7 = 7.14.
  CHECK(row(ramp, 4, Filter::bilinear) == Bytes{7, 25, 45, 63});
  // Twice as large: 3/4 and 1/4 of two neighbours, 2.5 is rounded up.
  CHECK(row(ramp, 16, Filter::bilinear) == Bytes{0, 3, 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63, 68, 70});
  // The rest is what PIL 13.0 gives.
  CHECK(row(ramp, 3, Filter::bilinear) == Bytes{11, 35, 59});
  CHECK(row(ramp, 4, Filter::bicubic) == Bytes{5, 25, 45, 65});
  CHECK(row(ramp, 3, Filter::bicubic) == Bytes{9, 35, 61});
  CHECK(row(ramp, 12, Filter::bicubic) == Bytes{0, 4, 12, 18, 25, 32, 38, 45, 52, 58, 66, 71});
  CHECK(row(edge, 16, Filter::bicubic) == Bytes{0, 0, 0, 0, 0, 0, 0, 52, 203, 255, 255, 255, 255, 255, 255, 255});
  CHECK(row(edge, 5, Filter::bilinear) == Bytes{0, 0, 128, 255, 255});
}

TEST_CASE("resize: channels do not mix, and a window is a part of the whole", "[datasets]") {
  auto const picture = picture_of(3, 31, 45);
  for (auto const filter : {Filter::bilinear, Filter::bicubic})
    for (auto const& [height, width] : {std::pair{12, 70}, {50, 9}}) {
      auto const whole = resize(picture, height, width, filter);
      for (std::size_t c = 0; c < 3; ++c) {
        Picture one{.channels = 1, .height = 31, .width = 45, .pixels = {}};
        for (std::size_t i = c; i < picture.pixels.size(); i += 3) one.pixels.push_back(picture.pixels[i]);
        auto const alone = resize(one, height, width, filter);
        for (std::size_t i = 0; i < alone.pixels.size(); ++i) REQUIRE(alone.pixels[i] == whole.pixels[3 * i + c]);
      }
      Window const part{.top = 3, .left = 2, .height = 7, .width = 5};
      CHECK(resize(picture, height, width, part, filter).pixels == cut(whole, part).pixels);
    }
}

TEST_CASE("resize: the shorter side, then the middle", "[datasets]") {
  // 20 x 33 to 10 x 16 (16.5 rounded down), then 7 x 7: borders of 1.5 and 4.5 rounded to even 2 and 4.
  auto const wide = picture_of(3, 20, 33);
  CHECK(resize_and_crop(wide, 10, 7, Filter::bilinear).pixels ==
        cut(resize(wide, 10, 16, Filter::bilinear), {2, 4, 7, 7}).pixels);
  auto const high = picture_of(1, 33, 20);
  CHECK(resize_and_crop(high, 10, 7, Filter::bicubic).pixels ==
        cut(resize(high, 16, 10, Filter::bicubic), {4, 2, 7, 7}).pixels);
  auto const square = picture_of(3, 64, 64);
  CHECK(resize_and_crop(square, 64, 64, Filter::bilinear).pixels == square.pixels);
  CHECK_THROWS_AS(resize_and_crop(square, 63, 64, Filter::bilinear), std::logic_error);

  // As long as pictures come: nothing but the middle is computed.
  auto const line = constant_picture(1, 65535, {9});
  CHECK(resize_and_crop(line, 4096, 2, Filter::bilinear).pixels == Bytes(4, 9));
}
