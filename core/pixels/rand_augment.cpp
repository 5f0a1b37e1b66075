// Cubuk et al. 2020, as torchvision has it, nearest pixel. Draws, for each operation: operation, side.
#include "core/pixels/fourteen.h"

namespace eexit::pixels {

Augmentation rand_augment(JsonReader& reader) {
  int const ops = reader.integer("ops", 2, {0, 14}, "operations one after the other");
  int const magnitude = reader.integer("magnitude", 9, {0, last_bin}, "bin of every operation's magnitude");
  reader.done();
  return {.bytes = [=](Pixels& pixels, Random& random) {
    constexpr double reach = 150.0 / 331;
    Strength const strength{.shear = 0.3,
                            .right = reach * pixels.shape.width,
                            .down = reach * pixels.shape.height,
                            .degrees = 30,
                            .enhance = 0.9,
                            .bits = 4};
    for (int i = 0; i < ops; ++i) {
      int const number = random.below(operations()), side = random.below(2);
      operate(pixels, number, magnitude, side == 1, strength);
    }
  }};
}

}  // namespace eexit::pixels
