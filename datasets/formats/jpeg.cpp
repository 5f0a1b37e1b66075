// JPEG by libjpeg-turbo's C interface.
#include "core/base/error.h"
#include "datasets/formats/decoders.h"

#ifndef EEXIT_JPEG

namespace eexit {

Picture decode_jpeg(std::string_view, std::string const& path, int) {
  throw SpecError(path +
                      ": this build reads no JPEG: libjpeg-turbo was not found when it was built; install libjpeg-dev "
                      "and run scripts/setup",
                  Exit::setup);
}

}  // namespace eexit

#else

#include <fmt/format.h>

#include <array>
#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>  // after jpeglib.h: the codes depend on the version that it names

#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace {

struct Reading {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf back{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  std::string_view bytes;
  std::uint8_t* out = nullptr;
  std::size_t stride = 0;

  Reading() = default;
  Reading(Reading const&) = delete;
  Reading& operator=(Reading const&) = delete;
  ~Reading() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void give_up(j_common_ptr info) {
  auto& reading = *static_cast<Reading*>(info->client_data);
  info->err->format_message(info, reading.message.data());
  std::longjmp(reading.back, 1);
}

bool cut_short(int code) { return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JERR_INPUT_EOF; }

// The library paints what it cannot decode gray and goes on: a warning that pixels are lost is an error here. Others
// (bytes between segments, an unknown revision) are common in real files and cost nothing.
void take_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  auto const code = info->err->msg_code;
  if (cut_short(code) || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC)
    give_up(info);
}

void read_header(void* state) {
  auto& reading = *static_cast<Reading*>(state);
  jpeg_create_decompress(&reading.info);
  jpeg_mem_src(&reading.info, reinterpret_cast<unsigned char const*>(reading.bytes.data()),
               static_cast<unsigned long>(reading.bytes.size()));
  jpeg_read_header(&reading.info, TRUE);
}

void read_pixels(void* state) {
  auto& reading = *static_cast<Reading*>(state);
  auto& info = reading.info;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = reading.out + reading.stride * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
}

void run(Reading& reading, void (*step)(void*), std::string const& path) {
  if (attempt(reading.back, step, &reading)) return;
  auto const code = reading.errors.msg_code;
  if (code == JERR_OUT_OF_MEMORY) throw RunError(path + ": no memory to decode it");
  // The library's own bound is a little below what the header can hold.
  if (code == JERR_IMAGE_TOO_BIG) check_pixels(path, reading.info.image_width, reading.info.image_height);
  if (cut_short(code)) refuse_cut_short(path, "JPEG", reading.message.data());
  refuse_damaged(path, "JPEG", reading.message.data());
}

// Every block takes a bit at least, so a short file cannot hold many: no memory for what cannot come. Arithmetic coding
// packs more and is left to the other cap.
void check_bytes(jpeg_decompress_struct const& info, std::size_t bytes, std::string const& path) {
  if (info.arith_code) return;
  std::uint64_t blocks = 0;
  for (int i = 0; i < info.num_components; ++i)
    blocks += std::uint64_t{info.comp_info[i].width_in_blocks} * info.comp_info[i].height_in_blocks;
  if (blocks > std::uint64_t{bytes} * 8)
    refuse_cut_short(path, "JPEG",
                     fmt::format("{} bytes for {} x {} pixels", bytes, info.image_width, info.image_height));
}

// Adobe's programs store CMYK inverted, 255 for no ink, and say that they wrote the file.
void cmyk_to_rgb(Picture& picture, bool inverted) {
  auto& pixels = picture.pixels;
  auto const count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    auto const light = [&](std::size_t channel) -> unsigned {
      auto const stored = pixels[4 * i + channel];
      return inverted ? stored : 255U - stored;
    };
    unsigned const key = light(3);
    for (std::size_t c = 0; c < 3; ++c) pixels[3 * i + c] = static_cast<std::uint8_t>((light(c) * key + 127) / 255);
  }
  pixels.resize(count * 3);
  picture.channels = 3;
}

}  // namespace

Picture decode_jpeg(std::string_view bytes, std::string const& path, int channels) {
  Reading reading;
  reading.bytes = bytes;
  auto& info = reading.info;
  info.err = jpeg_std_error(&reading.errors);
  info.client_data = &reading;
  reading.errors.error_exit = give_up;
  reading.errors.emit_message = take_message;

  run(reading, read_header, path);
  check_pixels(path, info.image_width, info.image_height);
  check_bytes(info, bytes.size(), path);
  bool const inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  if (!inks && info.num_components != 1 && info.num_components != 3)
    refuse_file(path, fmt::format("a JPEG of {} components", info.num_components), "gray, colour or CMYK",
                "Convert it to RGB");
  if (inks)
    info.out_color_space = JCS_CMYK;
  else
    info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;

  Picture picture{.channels = inks ? 4 : channels,
                  .height = static_cast<int>(info.image_height),
                  .width = static_cast<int>(info.image_width),
                  .pixels = {}};
  reading.stride = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
  picture.pixels.resize(reading.stride * static_cast<std::size_t>(picture.height));
  reading.out = picture.pixels.data();
  run(reading, read_pixels, path);
  if (inks) {
    cmyk_to_rgb(picture, info.saw_Adobe_marker);
    if (channels == 1) to_luma(picture);
  }
  return picture;
}

}  // namespace eexit

#endif
