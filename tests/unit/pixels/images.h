// Small images and augmentations by name, for the tests of core/pixels.
#pragma once

#include <set>
#include <string>

#include "core/pixels/augmentation.h"
#include "tests/contract/readers.h"

namespace eexit::test {

using Bytes = std::vector<std::uint8_t>;

inline Augmentation augmentation(std::string const& name, std::string const& params = "{}") {
  auto reader = reader_of(params);
  return find(augmentations(), "augmentation", name, "test").make(reader);
}

inline Pixels image(int height, int width, Bytes bytes, int channels = 1) {
  auto spare = Bytes(bytes.size());
  return {.shape = {channels, height, width}, .hwc = std::move(bytes), .spare = std::move(spare)};
}

inline Bytes after(Augmentation const& augmentation, Pixels pixels, std::uint64_t seed = 1) {
  Random random(seed);
  augmentation.bytes(pixels, random);
  return pixels.hwc;
}

// All that comes out over 300 seeds.
inline std::set<Bytes> outcomes(Augmentation const& augmentation, Pixels const& pixels) {
  std::set<Bytes> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) seen.insert(after(augmentation, pixels, seed));
  return seen;
}

inline Pixels noise(ImageShape const& shape, std::uint64_t seed) {
  Random random(seed);
  Bytes bytes(static_cast<std::size_t>(shape.bytes()));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return image(shape.height, shape.width, std::move(bytes), shape.channels);
}

}  // namespace eexit::test
