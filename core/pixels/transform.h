// Affine maps of an image onto itself, nearest pixel, zeros outside.
#pragma once

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

// Where the pixel at (x, y) comes from: (xx x + xy y + x0, yx x + yy y + y0), y down, pixel centres at halves.
struct Origin {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
};

// Of an image turned clockwise about its centre, then shifted.
Origin turned(ImageShape const&, double degrees, double right, double down);

void warp(Pixels&, Origin const&);

}  // namespace eexit::pixels
