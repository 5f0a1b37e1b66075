// Mueller and Hutter 2021, the wide space as torchvision has it. Draws: operation, bin, side.
#include "core/pixels/fourteen.h"

namespace eexit::pixels {

Augmentation trivial_augment(JsonReader& reader) {
  reader.done();
  return {.bytes = [](Pixels& pixels, Random& random) {
    int const number = random.below(operations()), bin = random.below(last_bin + 1), side = random.below(2);
    constexpr Strength wide{.shear = 0.99, .right = 32, .down = 32, .degrees = 135, .enhance = 0.99, .bits = 6};
    operate(pixels, number, bin, side == 1, wide);
  }};
}

}  // namespace eexit::pixels
