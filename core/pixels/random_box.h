// A random rectangle inside an image, by share of its area and ratio of its sides: what resized_crop and erase cut.
#pragma once

#include <optional>

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

struct Range {
  double low, high;
};

// Two numbers, the lower first; SpecError otherwise.
Range read_range(JsonReader&, std::string const& name, Range fallback, Bounds, std::string const& help);

struct BoxRule {
  Range scale;  // of the image's area
  Range ratio;  // width / height
};

// Up to ten tries of an area, uniform, and a ratio, uniform in its logarithm, until the box is at most `largest`. Draws
// of a try: area, ratio; then once top, left.
std::optional<Box> random_box(BoxRule const&, ImageShape const&, Box const& largest, Random&);

}  // namespace eexit::pixels
