#include "core/pixels/color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace eexit::pixels {

namespace {

using Histogram = std::array<int, 256>;
using Table = std::array<std::uint8_t, 256>;

std::uint8_t clipped(float value) {
  if (value <= 0) return 0;
  return value >= 255 ? std::uint8_t{255} : static_cast<std::uint8_t>(value);
}

std::uint8_t blend(std::uint8_t plain, std::uint8_t value, float factor) {
  return clipped(static_cast<float>(plain) + factor * static_cast<float>(value - plain));
}

std::uint8_t gray_of(std::uint8_t const* pixel, int channels) {
  if (channels == 1) return *pixel;
  if (channels == 3)
    return static_cast<std::uint8_t>((19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) >> 16);
  int sum = 0;
  for (int channel = 0; channel < channels; ++channel) sum += pixel[channel];
  return static_cast<std::uint8_t>((2 * sum + channels) / (2 * channels));
}

// Maps the bytes of every channel by the table that `table_of` makes of its histogram.
template <class TableOf>
void map_channels(Pixels& pixels, TableOf table_of) {
  auto const channels = static_cast<std::size_t>(pixels.shape.channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    Histogram histogram{};
    for (std::size_t i = channel; i < pixels.hwc.size(); i += channels) ++histogram[pixels.hwc[i]];
    Table const table = table_of(histogram);
    for (std::size_t i = channel; i < pixels.hwc.size(); i += channels) pixels.hwc[i] = table[pixels.hwc[i]];
  }
}

Table unchanged() {
  Table table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(i);
  return table;
}

// From an image of one byte everywhere.
void blend_all(Pixels& pixels, std::uint8_t plain, float factor) {
  auto table = unchanged();
  for (auto& byte : table) byte = blend(plain, byte, factor);
  for (auto& byte : pixels.hwc) byte = table[byte];
}

}  // namespace

void brightness(Pixels& pixels, float factor) { blend_all(pixels, 0, factor); }

void contrast(Pixels& pixels, float factor) {
  int const channels = pixels.shape.channels;
  auto const count = pixels.hwc.size() / static_cast<std::size_t>(channels);
  if (count == 0) return;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < pixels.hwc.size(); i += static_cast<std::size_t>(channels))
    sum += gray_of(&pixels.hwc[i], channels);
  double const mean = static_cast<double>(sum) / static_cast<double>(count);
  blend_all(pixels, static_cast<std::uint8_t>(std::lround(mean)), factor);
}

void color(Pixels& pixels, float factor) {
  if (pixels.shape.channels != 3) return;
  for (std::size_t i = 0; i < pixels.hwc.size(); i += 3) {
    auto const plain = gray_of(&pixels.hwc[i], 3);
    for (std::size_t channel = 0; channel < 3; ++channel)
      pixels.hwc[i + channel] = blend(plain, pixels.hwc[i + channel], factor);
  }
}

void gray(Pixels& pixels) { color(pixels, 0); }

void sharpness(Pixels& pixels, float factor) {
  auto const [channels, height, width] = pixels.shape;
  std::ptrdiff_t const right = channels, down = std::ptrdiff_t{width} * channels;
  pixels.spare = pixels.hwc;
  for (int row = 1; row < height - 1; ++row)
    for (std::ptrdiff_t i = right; i < down - right; ++i) {
      auto const* at = pixels.hwc.data() + row * down + i;
      int sum = 4 * *at;
      for (auto const* line : {at - down, at, at + down}) sum += line[-right] + line[0] + line[right];
      auto const plain = static_cast<std::uint8_t>((2 * sum + 13) / 26);
      pixels.spare[static_cast<std::size_t>(row * down + i)] = blend(plain, *at, factor);
    }
  pixels.hwc.swap(pixels.spare);
}

void posterize(Pixels& pixels, int bits) {
  auto const mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  for (auto& byte : pixels.hwc) byte &= mask;
}

void solarize(Pixels& pixels, double threshold) {
  for (auto& byte : pixels.hwc)
    if (byte >= threshold) byte = static_cast<std::uint8_t>(255 - byte);
}

void autocontrast(Pixels& pixels) {
  map_channels(pixels, [](Histogram const& histogram) {
    auto table = unchanged();
    auto const present = [](int count) { return count > 0; };
    auto const low = std::find_if(histogram.begin(), histogram.end(), present) - histogram.begin();
    auto const high = histogram.rend() - std::find_if(histogram.rbegin(), histogram.rend(), present) - 1;
    if (high <= low) return table;
    double const scale = 255.0 / static_cast<double>(high - low), offset = -static_cast<double>(low) * scale;
    for (int i = 0; i < 256; ++i)
      table[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(i * scale + offset, 0.0, 255.0));
    return table;
  });
}

void equalize(Pixels& pixels) {
  map_channels(pixels, [](Histogram const& histogram) {
    auto table = unchanged();
    int total = 0, last = 0;
    for (int const count : histogram) {
      total += count;
      if (count > 0) last = count;
    }
    int const step = (total - last) / 255;
    if (step == 0) return table;
    int below = step / 2;
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<std::uint8_t>(std::min(below / step, 255));
      below += histogram[i];
    }
    return table;
  });
}

namespace {

// One pass of a box filter over a line of `size` bytes that lie `step` apart: `reach` whole neighbours on each side and
// a part of the next, the ends repeated. Weights are in units of 2^-24.
struct BoxFilter {
  int reach;
  std::uint32_t whole, part;
};

void box_pass(BoxFilter const& filter, std::uint8_t* line, int size, std::ptrdiff_t step,
              std::vector<std::uint8_t>& padded) {
  auto const pad = static_cast<std::size_t>(filter.reach) + 1, length = static_cast<std::size_t>(size);
  padded.assign(length + 2 * pad, line[0]);
  for (int i = 0; i < size; ++i) padded[static_cast<std::size_t>(i) + pad] = line[i * step];
  std::fill_n(padded.begin() + static_cast<std::ptrdiff_t>(pad + length), pad, line[(size - 1) * step]);
  std::uint32_t sum = 0;  // of the whole neighbours and the place itself
  for (std::size_t k = 1; k < 2 * pad; ++k) sum += padded[k];
  for (std::size_t i = 0; i < length; ++i) {
    std::uint32_t const before = padded[i], after = padded[i + 2 * pad];
    line[static_cast<std::ptrdiff_t>(i) * step] =
        static_cast<std::uint8_t>((sum * filter.whole + (before + after) * filter.part + (1u << 23)) >> 24);
    sum += after - padded[i + 1];
  }
}

// The box whose variance is a third of sigma^2 (Gwosdek et al. 2011). In f32 as Pillow's, which decides ties.
BoxFilter third_of(float sigma) {
  float const variance = sigma * sigma / 3;
  float const reach = std::floor((std::sqrt(12 * variance + 1) - 1) / 2);
  float const part =
      (2 * reach + 1) * (reach * (reach + 1) - 3 * variance) / (6 * (variance - (reach + 1) * (reach + 1)));
  auto const places = 2 * static_cast<std::uint32_t>(reach) + 1;
  auto const whole = static_cast<std::uint32_t>(0x1p24f / (2 * (reach + part) + 1));
  return {.reach = static_cast<int>(reach), .whole = whole, .part = ((1u << 24) - places * whole) / 2};
}

}  // namespace

void gaussian_blur(Pixels& pixels, float sigma) {
  auto const [channels, height, width] = pixels.shape;
  auto const filter = third_of(sigma);
  std::ptrdiff_t const right = channels, down = std::ptrdiff_t{width} * channels;
  std::vector<std::uint8_t> padded;
  for (int row = 0; row < height; ++row)
    for (int channel = 0; channel < channels; ++channel)
      for (int pass = 0; pass < 3; ++pass)
        box_pass(filter, pixels.hwc.data() + row * down + channel, width, right, padded);
  for (std::ptrdiff_t i = 0; i < down; ++i)
    for (int pass = 0; pass < 3; ++pass) box_pass(filter, pixels.hwc.data() + i, height, down, padded);
}

}  // namespace eexit::pixels
