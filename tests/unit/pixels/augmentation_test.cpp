#include <algorithm>
#include <cmath>

#include "tests/unit/pixels/images.h"

namespace eexit {

using test::augmentation;
using test::Bytes;

namespace {

ImageFormat plain(ImageShape const& shape) {
  auto const channels = static_cast<std::size_t>(shape.channels);
  return {shape, std::vector<float>(channels, 0.0f), std::vector<float>(channels, 1.0f / 255)};
}

// The same image once for each seed.
std::vector<float> rows(std::vector<Augmentation> const& chain, ImageFormat const& format, Pixels const& pixels,
                        std::vector<std::uint64_t> const& seeds) {
  std::vector<std::uint8_t const*> const images(seeds.size(), pixels.hwc.data());
  std::vector<float> out(seeds.size() * pixels.hwc.size(), -1e9f);
  augment_rows(chain, format, images, seeds, out);
  return out;
}

std::vector<ImageShape> const shapes{{1, 1, 1}, {3, 1, 1}, {3, 5, 7}, {2, 7, 5}, {1, 28, 28}, {3, 32, 32}};

}  // namespace

TEST_CASE("augmentation: what every reader refuses") { check_refusals(augmentations()); }

TEST_CASE("augmentation: ranges need two numbers, the lower first") {
  for (auto const* params : {R"({"scale": [0.5]})", R"({"scale": [0.5, 0.1]})", R"({"ratio": [0, 1]})"}) {
    CHECK_THROWS_AS(augmentation("erase", params), SpecError);
    CHECK_THROWS_AS(augmentation("resized_crop", params), SpecError);
  }
}

TEST_CASE("augmentation: normalising is (byte - 255 mean) / (255 deviation) to the last bit") {
  ImageFormat const format{{3, 16, 17}, {0.4914f, 0.4822f, 0.4465f}, {0.247f, 0.243f, 0.262f}};
  auto pixels = test::noise(format.shape, 1);
  for (std::size_t i = 0; i < pixels.hwc.size(); ++i) pixels.hwc[i] = static_cast<std::uint8_t>(i / 3);
  auto const out = rows({}, format, pixels, {7});
  bool same = true;
  for (std::size_t i = 0; i < out.size(); ++i) {
    // Volatile: each step is rounded to f32.
    float volatile const mean = format.mean[i % 3] * 255.0f, deviation = format.deviation[i % 3] * 255.0f;
    float volatile const centred = static_cast<float>(pixels.hwc[i]) - mean;
    same = same && out[i] == centred / deviation;
  }
  CHECK(same);
}

TEST_CASE("augmentation: every operation keeps the size and is a function of the seed, whatever the batch") {
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) seeds.push_back(seed);
  for (auto const& entry : augmentations()) {
    auto reader = reader_of("{}");
    auto const made = entry.make(reader);
    CHECK((made.bytes || made.values || made.mix));
    for (auto const& shape : shapes) {
      INFO(entry.name << " " << shape.channels << " " << shape.height << " " << shape.width);
      auto const pixels = test::noise(shape, 5);
      auto const format = plain(shape);
      auto const values = static_cast<std::ptrdiff_t>(shape.bytes());
      auto const all = rows({made}, format, pixels, seeds);
      CHECK(std::all_of(all.begin(), all.end(), [](float value) { return value >= 0 && value <= 255.01f; }));
      for (std::ptrdiff_t i : {0, 3, 999}) {
        auto const one = rows({made}, format, pixels, {seeds[static_cast<std::size_t>(i)]});
        CHECK(std::equal(one.begin(), one.end(), all.begin() + i * values));
      }
    }
  }
}

TEST_CASE("augmentation: what an operation draws does not depend on those before it") {
  ImageShape const shape{3, 5, 7};
  auto const pixels = test::noise(shape, 2);
  auto const flip = augmentation("flip");
  std::vector<std::uint64_t> const seeds{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  auto const expected = rows({augmentation("crop", R"({"pad": 0})"), flip}, plain(shape), pixels, seeds);
  CHECK(rows({augmentation("erase", R"({"p": 0})"), flip}, plain(shape), pixels, seeds) == expected);
  CHECK(rows({augmentation("rand_augment", R"({"ops": 0})"), flip}, plain(shape), pixels, seeds) == expected);
}

TEST_CASE("augmentation: erasing") {
  ImageShape const shape{2, 4, 4};
  auto const boxes = [&](std::string const& params) {
    std::set<std::vector<float>> seen;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      std::vector<float> values(32, 1.0f);
      Random random(seed);
      augmentation("erase", params).values(values, shape, random);
      seen.insert(values);
    }
    return seen;
  };
  CHECK(boxes(R"({"p": 0})") == std::set<std::vector<float>>{std::vector<float>(32, 1.0f)});
  std::set<std::vector<float>> expected;
  for (int top = 0; top < 3; ++top)
    for (int left = 0; left < 3; ++left) {
      std::vector<float> values(32, 1.0f);
      for (int row : {top, top + 1})
        for (int column : {left, left + 1})
          for (int channel : {0, 1}) values.at(static_cast<unsigned>((row * 4 + column) * 2 + channel)) = 0;
      expected.insert(values);
    }
  CHECK(boxes(R"({"p": 1, "scale": [0.25, 0.25], "ratio": [1, 1]})") == expected);
  // Height over width is 4 in an area of 4: as high as the image, which is not allowed.
  CHECK(boxes(R"({"p": 1, "scale": [0.25, 0.25], "ratio": [4, 4]})").size() == 1);
  CHECK(boxes(R"({"p": 1, "scale": [0.1875, 0.1875], "ratio": [3, 3]})").size() == 8);  // 3 x 1: two rows, four columns
}

}  // namespace eexit
