// One picture from a JPEG or PNG file. The kind is chosen by the first bytes, never by the name. What is refused is a
// SpecError of one line that begins with the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

struct Picture {
  int channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // [height][width][channels], as decoders give them and resizing wants them
};

// Checked against the header before memory is taken: 8,192 x 8,192, or as many in another form. Pictures with more are
// refused, and those with a side that is longer than a JPEG's can be.
constexpr std::int64_t most_pixels = std::int64_t{1} << 26, longest_side = 65535;

// Decodes the bytes of a file into 1 channel (luma of BT.601) or 3 (red, green, blue). Gray becomes three equal
// channels, CMYK is multiplied out, palettes are looked up, 16 bits a channel are scaled to 8, alpha is dropped. The
// rotation that cameras note in EXIF is ignored, and so are colour profiles and bytes after the picture's end. A file
// that is cut short or damaged where pixels are is an error. Safe from several threads at once.
Picture decode_image(std::string_view bytes, std::string const& path, int channels);

// The same of a file. SpecError with Exit::missing when there is none; RunError when it cannot be read.
Picture read_image(std::filesystem::path const&, int channels);

// [height][width][channels] to [channels][height][width], which is what networks are given.
void write_planes(std::span<std::uint8_t const> pixels, int channels, std::uint8_t* out);

}  // namespace eexit
