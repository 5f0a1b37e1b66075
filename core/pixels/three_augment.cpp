// The three augmentations of DeiT III (Touvron et al. 2022): one of gray, solarise and Gaussian blur, then jitter of
// brightness, contrast and colour in random order. The reference benchmark applies the first with probability 0.9
// (facts: datasets 3), DeiT III always. Draws: which, whether,
// sigma, the three factors, the order.
#include <algorithm>
#include <array>

#include "core/pixels/color.h"

namespace eexit::pixels {

namespace {

void one_of_three(Pixels& pixels, int which, float sigma) {
  if (which == 0) gray(pixels);
  if (which == 1) solarize(pixels, 128);
  if (which == 2) gaussian_blur(pixels, sigma);
}

}  // namespace

Augmentation three_augment(JsonReader& reader) {
  double const p = reader.number("p", 0.9, {0, 1}, "probability of gray, solarise or blur");
  double const jitter = reader.number("jitter", 0.3, {0, 1}, "how far the factors of colour jitter may be from 1");
  reader.done();
  return {.bytes = [=](Pixels& pixels, Random& random) {
    int const which = random.below(3);
    bool const applied = random.uniform() < p;
    auto const sigma = static_cast<float>(0.1 + 1.9 * random.uniform());
    std::array<float, 3> factors{};
    for (auto& factor : factors) factor = static_cast<float>(1 + jitter * (2 * random.uniform() - 1));
    std::array<int, 3> order{0, 1, 2};
    shuffle(order, random);
    if (applied) one_of_three(pixels, which, sigma);
    constexpr std::array jitters{brightness, contrast, color};
    for (int const next : order) {
      auto const i = static_cast<std::size_t>(next);
      jitters[i](pixels, factors[i]);
    }
  }};
}

}  // namespace eexit::pixels
