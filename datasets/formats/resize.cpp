#include "datasets/formats/resize.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/base/error.h"

namespace eexit {

namespace {

// Weights are whole numbers of 1/2^22: products with bytes, summed over a filter that may overshoot, fit in 32 bits.
constexpr int precision = 22;

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

// Keys' cubic convolution with a = -1/2.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// What each pixel of the result takes from a row or column: weights of `count` pixels from `first` on.
struct Taps {
  int first = 0, count = 0;
  std::size_t at = 0;  // in Axis::weights
};
struct Axis {
  std::vector<Taps> taps;
  std::vector<std::int32_t> weights;
  std::span<std::int32_t const> of(Taps const& taps_of_one) const {
    return std::span(weights).subspan(taps_of_one.at, static_cast<std::size_t>(taps_of_one.count));
  }
};

// One axis from `from` pixels to `to`, of which those in [begin, begin + count) are wanted.
Axis axis_of(int from, int to, int begin, int count, Filter filter) {
  double const scale = static_cast<double>(from) / to, stretch = std::max(scale, 1.0);
  double const support = (filter == Filter::bilinear ? 1.0 : 2.0) * stretch;
  Axis axis;
  std::vector<double> exact;
  for (int i = begin; i < begin + count; ++i) {
    double const centre = (i + 0.5) * scale;
    // Cut, not rounded to the nearest: that is how PIL chooses.
    double const begins = centre - support + 0.5, ends = centre + support + 0.5;
    int const first = std::max(0, static_cast<int>(begins)), end = std::min(from, static_cast<int>(ends));
    exact.clear();
    double sum = 0;
    for (int j = first; j < end; ++j) {
      double const x = (j - centre + 0.5) / stretch;
      exact.push_back(filter == Filter::bilinear ? triangle(x) : cubic(x));
      sum += exact.back();
    }
    axis.taps.push_back({first, end - first, axis.weights.size()});
    for (double const weight : exact)
      axis.weights.push_back(static_cast<std::int32_t>(std::lround(weight / sum * (1 << precision))));
  }
  return axis;
}

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255)); }

constexpr std::int32_t half = 1 << (precision - 1);

// Columns: one row of the picture to one row of the result.
template <int channels>
void squeeze_row(std::uint8_t const* in, Axis const& axis, std::uint8_t* out) {
  for (auto const& taps : axis.taps) {
    std::int32_t sums[channels];
    std::fill_n(sums, channels, half);
    auto const* pixel = in + static_cast<std::ptrdiff_t>(taps.first) * channels;
    for (std::int32_t const weight : axis.of(taps)) {
      for (int c = 0; c < channels; ++c) sums[c] += weight * pixel[c];
      pixel += channels;
    }
    for (int c = 0; c < channels; ++c) *out++ = to_byte(sums[c]);
  }
}

Picture cut_out(Picture const& picture, Window part) {
  Picture result{.channels = picture.channels, .height = part.height, .width = part.width, .pixels = {}};
  result.pixels.reserve(static_cast<std::size_t>(part.height) * static_cast<std::size_t>(part.width) *
                        static_cast<std::size_t>(picture.channels));
  for (int y = part.top; y < part.top + part.height; ++y) {
    auto const row =
        picture.pixels.begin() + (static_cast<std::ptrdiff_t>(y) * picture.width + part.left) * picture.channels;
    result.pixels.insert(result.pixels.end(), row, row + static_cast<std::ptrdiff_t>(part.width) * picture.channels);
  }
  return result;
}

}  // namespace

Picture resize(Picture const& picture, int height, int width, Window part, Filter filter) {
  require(picture.channels >= 1 && picture.channels <= 4, "pictures of 1 to 4 channels are resized");
  require(picture.height > 0 && picture.width > 0 && part.height > 0 && part.width > 0, "pictures have pixels");
  require(part.top >= 0 && part.left >= 0 && part.top + part.height <= height && part.left + part.width <= width,
          "the window lies in the picture");
  // Both passes would do no more; sets whose pictures have the size already are common.
  if (height == picture.height && width == picture.width) return cut_out(picture, part);
  auto const columns = axis_of(picture.width, width, part.left, part.width, filter);
  auto const rows = axis_of(picture.height, height, part.top, part.height, filter);

  // Only the rows that the window will need.
  int const first = rows.taps.front().first, end = rows.taps.back().first + rows.taps.back().count;
  auto const in_row = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
  auto const out_row = static_cast<std::size_t>(part.width) * static_cast<std::size_t>(picture.channels);
  constexpr void (*squeezes[])(std::uint8_t const*, Axis const&, std::uint8_t*) = {squeeze_row<1>, squeeze_row<2>,
                                                                                   squeeze_row<3>, squeeze_row<4>};
  auto* const squeeze = squeezes[picture.channels - 1];
  std::vector<std::uint8_t> narrow(out_row * static_cast<std::size_t>(end - first));
  for (int y = first; y < end; ++y) {
    auto const* const in = picture.pixels.data() + static_cast<std::size_t>(y) * in_row;
    auto* const out = narrow.data() + static_cast<std::size_t>(y - first) * out_row;
    squeeze(in, columns, out);
  }

  Picture result{.channels = picture.channels, .height = part.height, .width = part.width, .pixels = {}};
  result.pixels.resize(out_row * static_cast<std::size_t>(part.height));
  auto* out = result.pixels.data();
  std::vector<std::int32_t> sums(out_row);
  for (auto const& taps : rows.taps) {
    std::fill(sums.begin(), sums.end(), half);
    auto const* in = narrow.data() + static_cast<std::size_t>(taps.first - first) * out_row;
    for (std::int32_t const weight : rows.of(taps)) {
      for (std::size_t x = 0; x < out_row; ++x) sums[x] += weight * in[x];
      in += out_row;
    }
    out = std::transform(sums.begin(), sums.end(), out, to_byte);
  }
  return result;
}

Picture resize(Picture const& picture, int height, int width, Filter filter) {
  return resize(picture, height, width, {0, 0, height, width}, filter);
}

Picture resize_and_crop(Picture const& picture, int side, int crop, Filter filter) {
  require(crop >= 1 && crop <= side, "the crop is no larger than the shorter side");
  auto const in_proportion = [&](int length, int shorter) {
    return static_cast<int>(static_cast<std::int64_t>(side) * length / shorter);
  };
  bool const upright = picture.width <= picture.height;
  int const height = upright ? in_proportion(picture.height, picture.width) : side;
  int const width = upright ? side : in_proportion(picture.width, picture.height);
  // Where the border is odd, half a pixel is rounded to the even neighbour.
  auto const border = [&](int length) { return static_cast<int>(std::nearbyint((length - crop) / 2.0)); };
  return resize(picture, height, width, {border(height), border(width), crop, crop}, filter);
}

}  // namespace eexit
