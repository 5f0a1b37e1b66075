// PNG by libpng's C interface.
#include "core/base/error.h"
#include "datasets/formats/decoders.h"

#ifndef EEXIT_PNG

namespace eexit {

Picture decode_png(std::string_view, std::string const& path, int) {
  throw SpecError(path +
                      ": this build reads no PNG: libpng was not found when it was built; install libpng-dev and run "
                      "scripts/setup",
                  Exit::setup);
}

}  // namespace eexit

#else

#include <fmt/format.h>
#include <png.h>

#include <array>
#include <cstring>

namespace eexit {

namespace {

struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf back{};
  std::array<char, 256> message{};
  std::string_view rest;  // of the file
  bool at_end = false;    // more was asked for than there is
  bool gray = false;      // wanted
  std::uint8_t* out = nullptr;
  std::size_t stride = 0;
  png_uint_32 height = 0;
  int passes = 1;  // 7 over an interlaced picture

  Reading() = default;
  Reading(Reading const&) = delete;
  Reading& operator=(Reading const&) = delete;
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void give_up(png_structp png, png_const_charp message) {
  auto& reading = *static_cast<Reading*>(png_get_error_ptr(png));
  std::strncpy(reading.message.data(), message, reading.message.size() - 1);
  std::longjmp(reading.back, 1);
}

// The library warns of what costs no pixels: odd profiles, unknown chunks, data after the last row.
void ignore(png_structp, png_const_charp) {}

void take_bytes(png_structp png, png_bytep out, std::size_t wanted) {
  auto& reading = *static_cast<Reading*>(png_get_io_ptr(png));
  if (wanted > reading.rest.size()) {
    reading.at_end = true;
    png_error(png, "the file ends before the picture does");
  }
  std::memcpy(out, reading.rest.data(), wanted);
  reading.rest.remove_prefix(wanted);
}

void read_header(void* state) {
  auto& reading = *static_cast<Reading*>(state);
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, state, give_up, ignore);
  if (reading.png == nullptr) return;
  reading.info = png_create_info_struct(reading.png);
  if (reading.info == nullptr) return;
  // All that a header can hold: the cap on pixels is ours, and says its number.
  png_set_user_limits(reading.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_read_fn(reading.png, state, take_bytes);
  png_read_info(reading.png, reading.info);
}

// Eight bits, gray or RGB: whatever the file holds. `stride` becomes what a row takes.
void choose_form(void* state) {
  auto& reading = *static_cast<Reading*>(state);
  auto* const png = reading.png;
  auto const type = png_get_color_type(png, reading.info);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  png_set_scale_16(png);
  png_set_strip_alpha(png);
  if ((type & PNG_COLOR_MASK_COLOR) == 0 && !reading.gray) png_set_gray_to_rgb(png);
  reading.passes = png_set_interlace_handling(png);
  png_read_update_info(png, reading.info);
  reading.stride = png_get_rowbytes(png, reading.info);
}

void read_pixels(void* state) {
  auto& reading = *static_cast<Reading*>(state);
  for (int pass = 0; pass < reading.passes; ++pass)
    for (png_uint_32 y = 0; y < reading.height; ++y)
      png_read_row(reading.png, reading.out + reading.stride * y, nullptr);
  png_read_end(reading.png, nullptr);
}

void run(Reading& reading, void (*step)(void*), std::string const& path) {
  if (attempt(reading.back, step, &reading)) {
    if (reading.info == nullptr) throw RunError(path + ": no memory to decode it");
    return;
  }
  if (reading.at_end) refuse_cut_short(path, "PNG", reading.message.data());
  refuse_damaged(path, "PNG", reading.message.data());
}

}  // namespace

Picture decode_png(std::string_view bytes, std::string const& path, int channels) {
  Reading reading;
  reading.rest = bytes;
  run(reading, read_header, path);
  auto const width = png_get_image_width(reading.png, reading.info);
  reading.height = png_get_image_height(reading.png, reading.info);
  check_pixels(path, width, reading.height);
  // Deflate packs at most 1032 to 1: no memory for what cannot come.
  auto const raw = static_cast<std::uint64_t>(png_get_rowbytes(reading.png, reading.info)) * reading.height;
  if (raw / 1032 > bytes.size())
    refuse_cut_short(path, "PNG", fmt::format("{} bytes for {} x {} pixels", bytes.size(), width, reading.height));

  bool const colour = (png_get_color_type(reading.png, reading.info) & PNG_COLOR_MASK_COLOR) != 0;
  reading.gray = channels == 1;
  run(reading, choose_form, path);
  Picture picture{.channels = colour ? 3 : channels,
                  .height = static_cast<int>(reading.height),
                  .width = static_cast<int>(width),
                  .pixels = {}};
  require(reading.stride == std::size_t{width} * static_cast<std::size_t>(picture.channels), "libpng's row");
  picture.pixels.resize(reading.stride * reading.height);
  reading.out = picture.pixels.data();
  run(reading, read_pixels, path);
  if (picture.channels != channels) to_luma(picture);
  return picture;
}

}  // namespace eexit

#endif
