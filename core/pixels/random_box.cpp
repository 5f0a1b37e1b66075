#include "core/pixels/random_box.h"

#include <cmath>

namespace eexit::pixels {

Range read_range(JsonReader& reader, std::string const& name, Range fallback, Bounds bounds, std::string const& help) {
  auto const values = reader.numbers(name, {fallback.low, fallback.high}, bounds, help);
  if (values.size() != 2 || values[0] > values[1]) reader.fail(name, "expected two numbers, the lower first");
  return {values[0], values[1]};
}

std::optional<Box> random_box(BoxRule const& rule, ImageShape const& shape, Box const& largest, Random& random) {
  auto const within = [&](Range range) { return range.low + (range.high - range.low) * random.uniform(); };
  Range const logarithm{std::log(rule.ratio.low), std::log(rule.ratio.high)};
  for (int attempt = 0; attempt < 10; ++attempt) {
    double const area = within(rule.scale) * shape.height * shape.width;
    double const ratio = std::exp(within(logarithm));
    double const width = std::nearbyint(std::sqrt(area * ratio)), height = std::nearbyint(std::sqrt(area / ratio));
    if (width < 1 || height < 1 || width > largest.width || height > largest.height) continue;
    Box box{.height = static_cast<int>(height), .width = static_cast<int>(width)};
    box.top = random.below(shape.height - box.height + 1);
    box.left = random.below(shape.width - box.width + 1);
    return box;
  }
  return std::nullopt;
}

}  // namespace eexit::pixels
