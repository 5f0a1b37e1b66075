// torchvision's RandomResizedCrop to the image's own size. Draws: the box's. Resized as pictures of data sets are.
#include <algorithm>
#include <cmath>

#include "core/pixels/random_box.h"
#include "datasets/formats/resize.h"

namespace eexit::pixels {

namespace {

void resize_box(Pixels& pixels, Box const& box, Filter filter) {
  auto const [channels, height, width] = pixels.shape;
  auto const row = static_cast<std::ptrdiff_t>(width) * channels;
  Picture part{.channels = channels, .height = box.height, .width = box.width, .pixels = {}};
  for (int y = box.top; y < box.top + box.height; ++y) {
    auto const from = pixels.hwc.begin() + y * row + static_cast<std::ptrdiff_t>(box.left) * channels;
    part.pixels.insert(part.pixels.end(), from, from + static_cast<std::ptrdiff_t>(box.width) * channels);
  }
  pixels.hwc = resize(part, height, width, filter).pixels;
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
  auto const filter = by == "bicubic" ? Filter::bicubic : Filter::bilinear;
  return {.bytes = [rule, filter](Pixels& pixels, Random& random) {
    auto const& shape = pixels.shape;
    auto const box = random_box(rule, shape, {.height = shape.height, .width = shape.width}, random);
    resize_box(pixels, box.value_or(centred(rule.ratio, shape)), filter);
  }};
}

}  // namespace eexit::pixels
