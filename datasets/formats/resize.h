// Resizing of pictures of bytes, antialiased: what PIL computes, and torchvision for pictures that PIL has read. Two
// passes, columns and then rows, each rounded to bytes; a filter that is as wide as the shrinking needs.
#pragma once

#include "datasets/formats/image_file.h"

namespace eexit {

enum class Filter { bilinear, bicubic };

struct Window {
  int top = 0, left = 0, height = 0, width = 0;
};

// The picture at height x width. With a window only that part of it, the rest is not computed.
Picture resize(Picture const&, int height, int width, Filter);
Picture resize(Picture const&, int height, int width, Window, Filter);

// The shorter side to `side` pixels, the longer in proportion (rounded down); then the middle, `crop` x `crop`, of
// that. As torchvision's Resize(side), CenterCrop(crop). crop is at most side.
Picture resize_and_crop(Picture const&, int side, int crop, Filter);

}  // namespace eexit
