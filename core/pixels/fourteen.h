// The 14 operations of TrivialAugment and RandAugment, in torchvision's order: identity, shear x and y, translate x and
// y, rotate, brightness, color, contrast, sharpness, posterize, solarize, autocontrast, equalize.
#pragma once

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

constexpr int last_bin = 30;  // magnitudes go from bin 0 in equal steps

// Magnitudes at the last bin; at bin 0 every one is 0.
struct Strength {
  double shear, right, down, degrees, enhance;
  int bits;  // dropped by posterize
};

// Operation `number`, from 0, at a bin; `backwards`: to the other side, for those that have sides.
void operate(Pixels&, int number, int bin, bool backwards, Strength const&);
int operations();

}  // namespace eexit::pixels
