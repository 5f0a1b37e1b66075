// torchvision's RandomAffine with rotation and translation, nearest pixel, zeros outside. Draws: angle, shift right,
// shift down.
#include <cmath>

#include "core/pixels/transform.h"

namespace eexit::pixels {

Augmentation affine(JsonReader& reader) {
  double const degrees = reader.number("degrees", 10, {0, 180}, "largest rotation to either side");
  double const translate = reader.number("translate", 0.125, {0, 1}, "largest shift, as a share of width and height");
  reader.done();
  return {.bytes = [=](Pixels& pixels, Random& random) {
    auto const between = [&](double limit) { return (2 * random.uniform() - 1) * limit; };
    double const angle = between(degrees);
    double const right = std::nearbyint(between(translate * pixels.shape.width));
    double const down = std::nearbyint(between(translate * pixels.shape.height));
    warp(pixels, turned(pixels.shape, angle, right, down));
  }};
}

}  // namespace eexit::pixels
