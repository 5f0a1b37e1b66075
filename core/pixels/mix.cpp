#include <algorithm>

#include "core/pixels/augmentation.h"

namespace eexit {

namespace {

struct Before {
  float const *own, *partner;  // images as they were
};

// Writes the whole image `to`.
void mix_one(Before const& from, float share, Box const& box, ImageShape const& shape, float* to) {
  if (box.area() == 0) {
    float const rest = 1 - share;
    for (int i = 0; i < shape.bytes(); ++i) to[i] = share * from.own[i] + rest * from.partner[i];
    return;
  }
  std::copy_n(from.own, shape.bytes(), to);
  for (int row = box.top; row < box.top + box.height; ++row) {
    auto const start = static_cast<std::ptrdiff_t>(row * shape.width + box.left) * shape.channels;
    std::copy_n(from.partner + start, box.width * shape.channels, to + start);
  }
}

}  // namespace

void mix(Mixing const& mixing, ImageShape const& shape, std::span<float> batch_bhwc) {
  auto const rows = mixing.partner.size(), values = static_cast<std::size_t>(shape.bytes());
  require(mixing.share.size() == rows && mixing.box.size() == rows && batch_bhwc.size() == rows * values,
          "sizes of a mixed batch");
  std::vector<float> first(values), second(values);
  for (std::size_t i = 0; i < rows; ++i) {
    auto const j = static_cast<std::size_t>(mixing.partner[i]);
    require(j < rows && static_cast<std::size_t>(mixing.partner[j]) == i, "partners are partners of each other");
    if (j <= i) continue;  // its own partner, or done with its partner
    auto* own = batch_bhwc.data() + i * values;
    auto* partner = batch_bhwc.data() + j * values;
    std::copy_n(own, values, first.begin());
    std::copy_n(partner, values, second.begin());
    mix_one({first.data(), second.data()}, mixing.share[i], mixing.box[i], shape, own);
    mix_one({second.data(), first.data()}, mixing.share[j], mixing.box[j], shape, partner);
  }
}

}  // namespace eexit
