#include "datasets/formats/image_file.h"

#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/datasets/idx_bytes.h"
#include "tests/unit/datasets/pictures.h"

using namespace eexit;
using namespace std::string_literals;
using test::message_of;

namespace {

std::string refusal(std::string_view bytes, int channels = 3) {
  auto const message = message_of<SpecError>([&] { decode_image(bytes, "folder/cat.JPEG", channels); });
  CHECK(message.starts_with("folder/cat.JPEG: "));
  CHECK(message.find('\n') == message.npos);
  return message;
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

int largest_difference(Picture const& a, Picture const& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

// Without thousands of numbers on the screen where they differ.
bool same(std::vector<std::uint8_t> const& a, std::vector<std::uint8_t> const& b) { return a == b; }

std::vector<std::uint8_t> first_pixel(Picture const& picture) {
  return {picture.pixels.begin(), picture.pixels.begin() + picture.channels};
}

// The two bytes of height and of width in the frame header of a JPEG.
std::string with_size(std::string jpeg, std::string const& height_and_width) {
  auto const frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != jpeg.npos);
  return jpeg.replace(frame + 5, 4, height_and_width);
}

std::string chunk(std::string const& name, std::string const& data) {
  auto const body = name + data;
  auto const sum = crc32(0, reinterpret_cast<Bytef const*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian_text(static_cast<std::uint32_t>(data.size())) + body +
         big_endian_text(static_cast<std::uint32_t>(sum));
}

// A PNG by hand: gray of 8 bits, whose image data are these bytes before compression.
std::string png_by_hand(std::uint32_t width, std::uint32_t height, std::string const& raw) {
  std::string packed(compressBound(raw.size()), '\0');
  auto size = static_cast<uLongf>(packed.size());
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<Bytef const*>(raw.data()), raw.size(), 9);
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big_endian_text(width) + big_endian_text(height) + "\x08\0\0\0\0"s) +
         chunk("IDAT", packed) + chunk("IEND", "");
}

// Decodes, or counts what a refusal may not be. True when a picture came.
bool sane(std::string const& bytes, int& odd) {
  try {
    auto const picture = decode_image(bytes, "folder/cat.JPEG", 3);
    auto const pixels = static_cast<std::int64_t>(picture.height) * picture.width;
    if (picture.channels != 3 || pixels < 1 || pixels > most_pixels ||
        picture.pixels.size() != static_cast<std::size_t>(3 * pixels))
      ++odd;
    return true;
  } catch (SpecError const& error) {
    if (!std::string_view(error.what()).starts_with("folder/cat.JPEG: ") || error.code != Exit::data) ++odd;
    return false;
  }
}

struct Cuts {
  int odd = 0, whole = 0;
};
Cuts cut_everywhere(std::string const& bytes, int positions) {
  Cuts cuts;
  for (int i = 0; i < positions; ++i)
    cuts.whole += sane(bytes.substr(0, bytes.size() * static_cast<std::size_t>(i) / positions), cuts.odd);
  return cuts;
}

Cuts flip_bits(std::string const& bytes, int count) {
  Cuts flips;
  Random random(7);
  for (int i = 0; i < count; ++i) {
    auto flipped = bytes;
    auto const bit = random.below(static_cast<int>(bytes.size()) * 8);
    flipped[static_cast<std::size_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
    flips.whole += sane(flipped, flips.odd);
  }
  return flips;
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("pictures: a build without a library says which", "[datasets]") {
  if (!has_jpeg()) {
    CHECK(has(refusal(jpeg_bytes({})), "this build reads no JPEG: libjpeg-turbo was not found when it was built"));
    CHECK(has(refusal(jpeg_bytes({})), "install libjpeg-dev and run scripts/setup"));
  }
  if (!has_png()) CHECK(has(refusal(png_bytes({})), "this build reads no PNG: libpng was not found"));
}

TEST_CASE("JPEG: colour and gray, baseline and progressive", "[datasets]") {
  if (!has_jpeg()) return;
  auto const colour = picture_of(3, 21, 34), gray = picture_of(1, 21, 34);
  for (bool const progressive : {false, true}) {
    JpegForm const form{.quality = 100, .progressive = progressive};
    auto const read = decode_image(jpeg_bytes(colour, form), "a", 3);
    CHECK(read.channels == 3);
    CHECK(read.height == 21);
    CHECK(read.width == 34);
    CHECK(largest_difference(read, colour) <= 4);
    CHECK(largest_difference(decode_image(jpeg_bytes(gray, form), "a", 1), gray) <= 2);
  }
  // Gray as three equal channels; colour as its luma.
  auto const tripled = decode_image(jpeg_bytes(gray), "a", 3);
  auto const single = decode_image(jpeg_bytes(gray), "a", 1);
  REQUIRE(tripled.pixels.size() == 3 * single.pixels.size());
  for (std::size_t i = 0; i < tripled.pixels.size(); ++i) REQUIRE(tripled.pixels[i] == single.pixels[i / 3]);
  auto const luma = first_pixel(decode_image(jpeg_bytes(constant_picture(8, 8, {200, 100, 50})), "a", 1));
  CHECK(std::abs(luma.at(0) - 124) <= 2);  // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
  CHECK(luma.size() == 1);
}

TEST_CASE("JPEG: CMYK, inverted where Adobe wrote it", "[datasets]") {
  if (!has_jpeg()) return;
  auto const near = [](std::vector<std::uint8_t> const& pixel, std::vector<int> const& wanted) {
    REQUIRE(pixel.size() == wanted.size());
    for (std::size_t c = 0; c < wanted.size(); ++c) CHECK(std::abs(pixel[c] - wanted[c]) <= 3);
  };
  auto const stored = constant_picture(16, 16, {200, 100, 50, 204});
  // 200 * 204 / 255 = 160, 100 * 204 / 255 = 80, 50 * 204 / 255 = 40
  for (bool const ycck : {false, true}) {
    JpegForm const form{.quality = 100, .ycck = ycck};
    near(first_pixel(decode_image(jpeg_bytes(stored, form), "a", 3)), {160, 80, 40});
    near(first_pixel(decode_image(jpeg_bytes(stored, form), "a", 1)), {99});  // 0.299 * 160 + 0.587 * 80 + 0.114 * 40
  }
  // 55 * 51 / 255 = 11, 155 * 51 / 255 = 31, 205 * 51 / 255 = 41
  near(first_pixel(decode_image(jpeg_bytes(stored, {.quality = 100, .adobe = false}), "a", 3)), {11, 31, 41});
}

TEST_CASE("PNG: every form becomes eight bits of gray or RGB", "[datasets]") {
  if (!has_png()) return;
  auto const colour = picture_of(3, 19, 23), gray = picture_of(1, 19, 23);
  for (bool const interlaced : {false, true})
    for (int const bits : {8, 16}) {
      PngForm const form{.bits = bits, .interlaced = interlaced};
      CHECK(same(decode_image(png_bytes(colour, form), "a", 3).pixels, colour.pixels));
      CHECK(same(decode_image(png_bytes(gray, form), "a", 1).pixels, gray.pixels));
      auto const tripled = decode_image(png_bytes(gray, form), "a", 3);
      REQUIRE(tripled.pixels.size() == 3 * gray.pixels.size());
      for (std::size_t i = 0; i < tripled.pixels.size(); ++i) REQUIRE(tripled.pixels[i] == gray.pixels[i / 3]);
    }
  CHECK(first_pixel(decode_image(png_bytes(constant_picture(3, 3, {200, 100, 50})), "a", 1)).at(0) == 124);

  // 16 bits are scaled, not cut: 200 * 256 / 257 = 199.2.
  auto const sixteen = png_bytes(constant_picture(3, 3, {200}), {.bits = 16, .low = 0});
  CHECK(first_pixel(decode_image(sixteen, "a", 1)).at(0) == 199);

  // Alpha is dropped, not laid over a colour.
  for (auto const& see_through : {constant_picture(2, 2, {10, 20, 30, 0}), constant_picture(2, 2, {10, 20, 30, 128})})
    CHECK(first_pixel(decode_image(png_bytes(see_through, {.alpha = true}), "a", 3)) ==
          std::vector<std::uint8_t>{10, 20, 30});
  auto const gray_alpha = constant_picture(2, 2, {77, 0});
  CHECK(first_pixel(decode_image(png_bytes(gray_alpha, {.alpha = true}), "a", 1)) == std::vector<std::uint8_t>{77});
  CHECK(first_pixel(decode_image(png_bytes(gray_alpha, {.bits = 16, .alpha = true}), "a", 3)) ==
        std::vector<std::uint8_t>{77, 77, 77});

  // Palettes, transparent or not, whole bytes or less.
  for (bool const transparency : {false, true}) {
    PngForm form{.palette = true, .transparency = transparency};
    CHECK(first_pixel(decode_image(png_bytes(constant_picture(2, 2, {1}), form), "a", 3)) ==
          std::vector<std::uint8_t>{1, 254, 7});
    form.bits = 2;
    CHECK(first_pixel(decode_image(png_bytes(constant_picture(2, 7, {3}), form), "a", 3)) ==
          std::vector<std::uint8_t>{3, 252, 7});
    CHECK(first_pixel(decode_image(png_bytes(constant_picture(2, 7, {3}), form), "a", 1)).at(0) == 150);
  }
  CHECK(first_pixel(decode_image(png_bytes(constant_picture(2, 7, {1}), {.bits = 1}), "a", 1)).at(0) == 255);
  CHECK(first_pixel(decode_image(png_bytes(constant_picture(2, 7, {5}), {.bits = 4}), "a", 1)).at(0) == 85);
}

TEST_CASE("pictures: other files are named for what they are", "[datasets]") {
  CHECK(has(refusal(""), "is empty, has 0 bytes"));
  CHECK(has(refusal("GIF89a......"), "is a GIF picture (expected a JPEG or PNG picture). Convert it"));
  CHECK(has(refusal("RIFF....WEBP"), "is a WebP picture"));
  CHECK(has(refusal("\x1f\x8b\x08........"), "is compressed with gzip"));
  CHECK(has(refusal("<!DOCTYPE html><html>"), "is an HTML page"));
  CHECK(has(refusal("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"));
  CHECK(has(refusal("\x01\x02z"), "begins with the bytes 01 02 7a (expected"));
}

TEST_CASE("pictures: too many pixels are refused before memory is taken", "[datasets]") {
  auto const before = peak_kib();
  if (has_jpeg()) {
    auto const jpeg = jpeg_bytes(picture_of(3, 16, 16));
    auto const cap = "(expected at most 67,108,864 pixels, and 65,535 in a row or column)"s;
    CHECK(has(refusal(with_size(jpeg, "\xff\xff\xff\xff")), "65535 x 65535 pixels " + cap));
    CHECK(has(refusal(with_size(jpeg, "\xfa\x00\xfa\x00"s)), "64000 x 64000 pixels " + cap));
    // Within the cap, but no such picture fits into the bytes.
    CHECK(has(refusal(with_size(jpeg, "\x20\x00\x20\x00"s)), "JPEG data ends early: "));
  }
  if (has_png()) {
    CHECK(has(refusal(png_by_hand(65535, 65535, "x")), "65535 x 65535 pixels"));
    CHECK(has(refusal(png_by_hand(0x7fffffff, 0x7fffffff, "x")), "2147483647 x 2147483647 pixels"));
    CHECK(has(refusal(png_by_hand(100000, 1, "x")), "100000 x 1 pixels"));
    CHECK(has(refusal(png_by_hand(8192, 8192, "x")), "PNG data ends early: "));
    // A bomb: 16 MiB of zeros behind a header of few pixels.
    auto const bomb = png_by_hand(10, 10, std::string(16 << 20, '\0'));
    CHECK(bomb.size() < 20000);
    CHECK(decode_image(bomb, "a", 1).pixels.size() == 100);
  }
  // The string of the bomb is the test's own.
  CHECK(peak_kib() - before < 64 * 1024);
}

TEST_CASE("pictures: cut short at any place, they are refused by name", "[datasets]") {
  // Rows of large pictures are decoded before the end is met, so these cuts reach every stage.
  std::vector<std::string> files;
  if (has_jpeg()) {
    files.push_back(jpeg_bytes(picture_of(3, 40, 52), {.quality = 60}));
    files.push_back(jpeg_bytes(picture_of(3, 40, 52), {.quality = 60, .progressive = true}));
    files.push_back(jpeg_bytes(picture_of(4, 24, 24)));
  }
  if (has_png()) {
    files.push_back(png_bytes(picture_of(3, 40, 52)));
    files.push_back(png_bytes(picture_of(1, 40, 52), {.interlaced = true, .palette = true}));
  }
  for (auto const& bytes : files) {
    auto const cuts = cut_everywhere(bytes, 200);
    CHECK(cuts.odd == 0);
    CHECK(cuts.whole == 0);
    CHECK(has(refusal(bytes.substr(0, bytes.size() - 2)), " data ends early: "));
    int odd = 0;
    CHECK(sane(bytes, odd));
    CHECK(sane(bytes + "bytes that a camera adds", odd));
    CHECK(odd == 0);
  }
}

TEST_CASE("pictures: with a bit flipped they are refused by name, or have a sane size", "[datasets]") {
  if (has_jpeg()) {
    auto flips = flip_bits(jpeg_bytes(picture_of(3, 24, 24), {.quality = 75}), 1000);
    CHECK(flips.odd == 0);
    CHECK(flips.whole > 100);  // most bits of a JPEG are coefficients, without any check
    CHECK(flips.whole < 1000);
    flips = flip_bits(jpeg_bytes(picture_of(3, 24, 24), {.quality = 75, .progressive = true}), 500);
    CHECK(flips.odd == 0);
  }
  if (has_png()) {
    auto const flips = flip_bits(png_bytes(picture_of(3, 24, 24)), 500);
    CHECK(flips.odd == 0);
    CHECK(flips.whole < 25);  // a checksum over everything but lengths of what is not needed
  }
}

TEST_CASE("pictures: files that cannot be read", "[datasets]") {
  TestFolder const folder;
  auto const missing = message_of<SpecError>([&] { read_image(folder.path() / "cat.png", 3); });
  CHECK(missing == (folder.path() / "cat.png").string() + ": no such file");
  std::filesystem::create_directory(folder.path() / "dog.png");
  CHECK(has(message_of<SpecError>([&] { read_image(folder.path() / "dog.png", 3); }), "dog.png: no such file"));
  // A regular file that nobody can read from its start, whoever asks.
  std::filesystem::create_symlink("/proc/self/mem", folder.path() / "cow.png");
  CHECK(has(message_of<RunError>([&] { read_image(folder.path() / "cow.png", 3); }), "cow.png: cannot read"));
  if (has_png()) {
    auto const path = folder.write("sheep.JPEG", png_bytes(picture_of(3, 4, 5)));
    CHECK(read_image(path, 3).width == 5);
  }
}

TEST_CASE("pictures: pixel by pixel to channel by channel", "[datasets]") {
  std::vector<std::uint8_t> const pixels = {1, 2, 3, 4, 5, 6};
  std::vector<std::uint8_t> planes(6);
  write_planes(pixels, 3, planes.data());
  CHECK(planes == std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6});
  write_planes(pixels, 1, planes.data());
  CHECK(planes == pixels);
}
