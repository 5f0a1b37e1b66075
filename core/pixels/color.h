// Operations on colours as Pillow defines them, which is what torchvision's augmentations are made of. "Gray" of a
// pixel: itself for one channel; (19595 R + 38470 G + 7471 B + 32768) / 65536 for three; the rounded mean for others,
// which Pillow does not know.
#pragma once

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

// Each moves the image from a plainer one (factor 0) over itself (1) beyond (above 1); truncated, then kept in [0,
// 255].
void brightness(Pixels&, float factor);  // from black
void contrast(Pixels&, float factor);    // from the rounded mean of its gray
void color(Pixels&, float factor);       // from its gray; images that are not of three channels stay
void sharpness(Pixels&, float factor);   // from its blur by (1 1 1, 1 5 1, 1 1 1) / 13, the border as it is

void gray(Pixels&);  // images that are not of three channels stay

void posterize(Pixels&, int bits);         // keeps that many upper bits
void solarize(Pixels&, double threshold);  // inverts bytes from there on
void autocontrast(Pixels&);                // each channel stretched to [0, 255]
void equalize(Pixels&);                    // each channel's histogram made flat
void gaussian_blur(Pixels&, float sigma);  // three box filters, each way; the border repeated

}  // namespace eexit::pixels
