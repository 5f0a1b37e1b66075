// torchvision's RandomResizedCrop to the image's own size. Draws: the box's. Resampling as Pillow defines it: columns,
// then rows, each rounded to bytes; weights in units of 2^-22; taps outside the crop left out and the rest made to sum
// to 1. The crop is never larger than the image, so nothing is averaged over more than the filter's own width.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/pixels/random_box.h"

namespace eexit::pixels {

namespace {

struct Filter {
  double reach;
  double (*weight)(double distance);
};

constexpr Filter bilinear{1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
// Keys 1981 with a = -1/2.
constexpr Filter bicubic{2, [](double x) {
                           constexpr double a = -0.5;
                           x = std::abs(x);
                           if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
                           return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
                         }};

constexpr int precision = 22;

struct Taps {
  int first = 0, count = 0;
  std::array<int, 5> weights{};  // four places at most; a fifth where rounding adds one
};

// For each of `size` places of the result, where it comes from among `old` places.
std::vector<Taps> taps(int old, int size, Filter const& filter) {
  std::vector<Taps> all;
  double const scale = static_cast<double>(old) / size;
  for (int place = 0; place < size; ++place) {
    double const centre = (place + 0.5) * scale;
    int const first = std::max(0, static_cast<int>(centre - filter.reach + 0.5));
    int const end = std::min(old, static_cast<int>(centre + filter.reach + 0.5));
    auto& made = all.emplace_back(Taps{.first = first, .count = end - first});
    std::array<double, 5> weights{};
    double sum = 0;
    for (int i = 0; i < made.count; ++i) {
      auto const at = static_cast<std::size_t>(i);
      weights.at(at) = filter.weight(first + i - centre + 0.5);
      sum += weights[at];
    }
    for (std::size_t i = 0; i < weights.size(); ++i)
      made.weights[i] = static_cast<int>(std::round(weights[i] / sum * (1 << precision)));
  }
  return all;
}

std::uint8_t weighted(Taps const& taps, std::uint8_t const* from, std::ptrdiff_t step) {
  int sum = 1 << (precision - 1);
  for (int i = 0; i < taps.count; ++i) sum += taps.weights[static_cast<std::size_t>(i)] * from[i * step];
  return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
}

void resize(Pixels& pixels, Box const& box, Filter const& filter) {
  auto const [channels, height, width] = pixels.shape;
  std::ptrdiff_t const row_bytes = std::ptrdiff_t{width} * channels;
  auto const columns = taps(box.width, width, filter), rows = taps(box.height, height, filter);
  // Into the first box.height rows of spare, then from there.
  auto* to = pixels.spare.data();
  for (int row = box.top; row < box.top + box.height; ++row) {
    auto const* line = pixels.hwc.data() + row * row_bytes + box.left * channels;
    for (auto const& column : columns)
      for (int channel = 0; channel < channels; ++channel)
        *to++ = weighted(column, line + column.first * channels + channel, channels);
  }
  to = pixels.hwc.data();
  for (auto const& row : rows)
    for (std::ptrdiff_t i = 0; i < row_bytes; ++i)
      *to++ = weighted(row, pixels.spare.data() + row.first * row_bytes + i, row_bytes);
}

// Where no try fitted: the largest centred box whose ratio is allowed.
Box centred(Range ratio, ImageShape const& shape) {
  Box box{.height = shape.height, .width = shape.width};
  double const whole = static_cast<double>(shape.width) / shape.height;
  if (whole < ratio.low) box.height = std::max(1, static_cast<int>(std::nearbyint(shape.width / ratio.low)));
  if (whole > ratio.high) box.width = std::max(1, static_cast<int>(std::nearbyint(shape.height * ratio.high)));
  box.top = (shape.height - box.height) / 2;
  box.left = (shape.width - box.width) / 2;
  return box;
}

}  // namespace

Augmentation resized_crop(JsonReader& reader) {
  auto const scale = read_range(reader, "scale", {0.08, 1}, {0, 1}, "the crop's share of the area, from and to");
  auto const ratio = read_range(reader, "ratio", {0.75, 1.3333}, {0.01, 100}, "its width over its height, from and to");
  auto const by = reader.one_of("interpolation", "bicubic", {"bicubic", "bilinear"}, "how the crop is resized");
  reader.done();
  BoxRule const rule{.scale = scale, .ratio = ratio};
  auto const filter = by == "bicubic" ? bicubic : bilinear;
  return {.bytes = [rule, filter](Pixels& pixels, Random& random) {
    auto const& shape = pixels.shape;
    auto const box = random_box(rule, shape, {.height = shape.height, .width = shape.width}, random);
    resize(pixels, box.value_or(centred(rule.ratio, shape)), filter);
  }};
}

}  // namespace eexit::pixels
