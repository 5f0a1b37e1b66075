// Pictures for tests and their files, written by the libraries that the program reads them with.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/stream.h"
#include "datasets/formats/image_file.h"

namespace eexit {

// Whether this build has the library.
bool has_jpeg();
bool has_png();

struct JpegForm {
  int quality = 95;
  bool progressive = false;
  bool adobe = true;  // the marker, for 4 channels
  bool ycck = false;  // for 4 channels
};
// 1 channel is gray, 3 are RGB, 4 are CMYK as it is stored.
std::string jpeg_bytes(Picture const&, JpegForm const& = {});

struct PngForm {
  int bits = 8;  // a sample
  int low = -1;  // of 16: the low byte of each sample, -1: the high one again
  bool interlaced = false;
  bool alpha = false;         // channels are 2 or 4, the last is alpha
  bool palette = false;       // 1 channel: indices into colours (i, 255 - i, 7)
  bool transparency = false;  // the palette's first entries are transparent
};
std::string png_bytes(Picture const&, PngForm const& = {});

// A smooth slope with noise: it compresses, but not to nothing.
inline Picture picture_of(int channels, int height, int width, std::uint64_t seed = 1) {
  Picture picture{.channels = channels, .height = height, .width = width, .pixels = {}};
  Random random(seed);
  int const tone = random.below(100);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        picture.pixels.push_back(
            static_cast<std::uint8_t>((tone + 90 * y / height + 50 * x / width + 10 * c + random.below(16)) % 256));
  return picture;
}

inline Picture constant_picture(int height, int width, std::initializer_list<std::uint8_t> pixel) {
  Picture picture{.channels = static_cast<int>(pixel.size()), .height = height, .width = width, .pixels = {}};
  for (int i = 0; i < height * width; ++i) picture.pixels.insert(picture.pixels.end(), pixel);
  return picture;
}

}  // namespace eexit
