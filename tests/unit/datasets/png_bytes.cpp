#include "tests/unit/datasets/pictures.h"

#ifndef EEXIT_PNG

namespace eexit {
bool has_png() { return false; }
std::string png_bytes(Picture const&, PngForm const&) { return "\x89PNG\r\n\x1a\n"; }
}  // namespace eexit

#else

#include <png.h>

#include <array>
#include <vector>

namespace eexit {

bool has_png() { return true; }

namespace {

int colour_type(Picture const& picture, PngForm const& form) {
  if (form.palette) return PNG_COLOR_TYPE_PALETTE;
  int const colours = picture.channels - (form.alpha ? 1 : 0);
  return (colours == 3 ? PNG_COLOR_MASK_COLOR : 0) | (form.alpha ? PNG_COLOR_MASK_ALPHA : 0);
}

void append(png_structp png, png_bytep bytes, std::size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char const*>(bytes), size);
}

}  // namespace

std::string png_bytes(Picture const& picture, PngForm const& form) {
  std::string file;
  auto* png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  auto* info = png_create_info_struct(png);
  png_set_write_fn(png, &file, append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.width), static_cast<png_uint_32>(picture.height), form.bits,
               colour_type(picture, form), form.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (form.palette) {
    std::array<png_color, 256> colours{};
    for (std::size_t i = 0; i < colours.size(); ++i)
      colours[i] = {static_cast<png_byte>(i), static_cast<png_byte>(255 - i), 7};
    png_set_PLTE(png, info, colours.data(), 1 << form.bits);
    std::array<png_byte, 3> see_through{};
    if (form.transparency) png_set_tRNS(png, info, see_through.data(), 3, nullptr);
  }
  png_write_info(png, info);
  if (form.bits < 8) png_set_packing(png);
  std::vector<png_byte> samples;
  for (auto const byte : picture.pixels) {
    samples.push_back(byte);
    if (form.bits == 16) samples.push_back(form.low < 0 ? byte : static_cast<png_byte>(form.low));
  }
  auto const stride = samples.size() / static_cast<std::size_t>(picture.height);
  std::vector<png_bytep> rows;
  for (int y = 0; y < picture.height; ++y) rows.push_back(samples.data() + stride * static_cast<std::size_t>(y));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

}  // namespace eexit

#endif
