#include "core/pixels/augmentation.h"

#include <algorithm>

namespace eexit {

namespace pixels {
#define ENTRY(name, help) Augmentation name(JsonReader&);
#include "core/pixels/list.inc"
#undef ENTRY
}  // namespace pixels

Registry<AugmentationMaker> augmentations() {
  static constexpr Entry<AugmentationMaker> entries[] = {
#define ENTRY(name, help) {#name, help, pixels::name},
#include "core/pixels/list.inc"
#undef ENTRY
  };
  return entries;
}

namespace {

// 255 mean and 255 deviation of each value of a row of pixels, so that normalising is one plain loop.
struct RowScale {
  std::vector<float> mean, deviation;
};

RowScale row_scale(ImageFormat const& format) {
  auto const channels = static_cast<std::size_t>(format.shape.channels);
  require(format.mean.size() == channels && format.deviation.size() == channels, "one mean and deviation a channel");
  RowScale scale;
  for (int column = 0; column < format.shape.width; ++column)
    for (std::size_t channel = 0; channel < channels; ++channel) {
      scale.mean.push_back(format.mean[channel] * 255.0f);
      scale.deviation.push_back(format.deviation[channel] * 255.0f);
    }
  return scale;
}

// g++ at -O2 does not vectorise loops of unknown length. Vectors change no result, wide ones neither: each value is
// worked out alone. Sanitizers do not stand the choice between copies when the program is loaded.
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("O3")))
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("default", "avx2")))
#endif
#endif
void normalise(std::uint8_t const* bytes, int rows, RowScale const& scale, float* out) {
  std::size_t const length = scale.mean.size();
  float const* __restrict mean = scale.mean.data();
  float const* __restrict deviation = scale.deviation.data();
  for (int row = 0; row < rows; ++row) {
    std::uint8_t const* __restrict from = bytes + static_cast<std::size_t>(row) * length;
    float* __restrict to = out + static_cast<std::size_t>(row) * length;
    for (std::size_t i = 0; i < length; ++i) to[i] = (static_cast<float>(from[i]) - mean[i]) / deviation[i];
  }
}

}  // namespace

void augment_rows(std::span<Augmentation const> chain, ImageFormat const& format,
                  std::span<std::uint8_t const* const> images, std::span<std::uint64_t const> seeds,
                  std::span<float> out_bhwc) {
  auto const bytes = static_cast<std::size_t>(format.shape.bytes());
  require(seeds.size() == images.size() && out_bhwc.size() == images.size() * bytes, "sizes of an augmented batch");
  auto const scale = row_scale(format);
  std::vector<Random> draws(chain.size(), Random(0));
  Pixels pixels{format.shape, std::vector<std::uint8_t>(bytes), std::vector<std::uint8_t>(bytes)};
  for (std::size_t i = 0; i < images.size(); ++i) {
    Random seeding(seeds[i]);
    for (auto& random : draws) random = Random(seeding());
    std::copy_n(images[i], bytes, pixels.hwc.begin());
    for (std::size_t k = 0; k < chain.size(); ++k)
      if (chain[k].bytes) chain[k].bytes(pixels, draws[k]);
    require(pixels.hwc.size() == bytes && pixels.spare.size() == bytes, "augmentation keeps an image's size");
    auto const out = out_bhwc.subspan(i * bytes, bytes);
    normalise(pixels.hwc.data(), format.shape.height, scale, out.data());
    for (std::size_t k = 0; k < chain.size(); ++k)
      if (chain[k].values) chain[k].values(out, format.shape, draws[k]);
  }
}

}  // namespace eexit
