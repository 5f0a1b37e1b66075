#include "datasets/formats/image_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "datasets/formats/decoders.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace {

using namespace std::string_view_literals;

// A file of one picture is read whole; this is more than the largest picture takes without compression.
constexpr std::uintmax_t most_bytes = std::uintmax_t{1} << 29;

struct OtherKind {
  std::string_view magic, name;
};
constexpr std::array other_kinds = {
    OtherKind{"GIF8", "a GIF picture"},         OtherKind{"BM", "a BMP picture"},
    OtherKind{"II*\0"sv, "a TIFF picture"},     OtherKind{"MM\0*"sv, "a TIFF picture"},
    OtherKind{"RIFF", "a WebP picture"},        OtherKind{"\0\0\0\x0cjP"sv, "a JPEG 2000 picture"},
    OtherKind{"\xff\x0a", "a JPEG XL picture"}, OtherKind{"\x1f\x8b", "compressed with gzip"},
    OtherKind{"8BPS", "a Photoshop file"},      OtherKind{"%PDF", "a PDF file"},
};

[[noreturn]] void refuse_kind(std::string_view bytes, std::string const& path) {
  constexpr auto expected = "a JPEG or PNG picture";
  if (bytes.empty()) refuse_file(path, "is empty, has 0 bytes", expected, "Get the file again");
  for (auto const& kind : other_kinds)
    if (bytes.starts_with(kind.magic))
      refuse_file(path, fmt::format("is {}", kind.name), expected, "Convert it to JPEG or PNG");
  if (auto const foreign = foreign_format(bytes.substr(0, 64)))
    refuse_file(path, foreign->found, expected, foreign->what_to_do);
  std::string first;
  for (unsigned char const c : bytes.substr(0, 4)) first += fmt::format(" {:02x}", c);
  refuse_file(path, "begins with the bytes" + first, expected, "Take it out of the folder, or get it again");
}

}  // namespace

bool attempt(std::jmp_buf& back, void (*step)(void* state), void* state) {
  if (setjmp(back) != 0) return false;
  step(state);
  return true;
}

void check_pixels(std::string const& path, std::int64_t width, std::int64_t height) {
  if (width > 0 && height > 0 && std::max(width, height) <= longest_side && width <= most_pixels / height) return;
  refuse_file(path, fmt::format("{} x {} pixels", width, height),
              fmt::format("at most {} pixels, and {} in a row or column", grouped(most_pixels), grouped(longest_side)),
              "Make the picture smaller, or get it again");
}

void refuse_damaged(std::string const& path, std::string_view kind, std::string_view what) {
  refuse_file(path, fmt::format("{} data is damaged: {}", kind, what), fmt::format("a whole {} file", kind),
              "Get the file again");
}

void refuse_cut_short(std::string const& path, std::string_view kind, std::string_view what) {
  refuse_file(path, fmt::format("{} data ends early: {}", kind, what), fmt::format("a whole {} file", kind),
              "The file is cut short or damaged: get it again");
}

void to_luma(Picture& picture) {
  require(picture.channels == 3, "luma of a colour picture");
  // Weights of BT.601 in units of 1/65536; they add up to one.
  constexpr unsigned red = 19595, green = 38470, blue = 7471, half = 1U << 15;
  auto& pixels = picture.pixels;
  auto const count = pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i)
    pixels[i] = static_cast<std::uint8_t>(
        (red * pixels[3 * i] + green * pixels[3 * i + 1] + blue * pixels[3 * i + 2] + half) >> 16);
  pixels.resize(count);
  picture.channels = 1;
}

Picture decode_image(std::string_view bytes, std::string const& path, int channels) {
  require(channels == 1 || channels == 3, "pictures have 1 or 3 channels");
  if (bytes.starts_with("\xff\xd8\xff"sv)) return decode_jpeg(bytes, path, channels);
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return decode_png(bytes, path, channels);
  refuse_kind(bytes, path);
}

Picture read_image(std::filesystem::path const& path, int channels) {
  std::error_code error;
  auto const size = fs::file_size(path, error);  // what is wrong with it is said by read_file
  if (!error && size > most_bytes)
    refuse_file(path, fmt::format("has {} bytes", size), fmt::format("a picture of at most {} bytes", most_bytes),
                "Take it out of the folder");
  return decode_image(read_file(path), path.string(), channels);
}

void write_planes(std::span<std::uint8_t const> pixels, int channels, std::uint8_t* out) {
  auto const step = static_cast<std::size_t>(channels);
  for (std::size_t c = 0; c < step; ++c)
    for (std::size_t i = c; i < pixels.size(); i += step) *out++ = pixels[i];
}

}  // namespace eexit
