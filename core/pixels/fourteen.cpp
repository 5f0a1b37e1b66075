#include "core/pixels/fourteen.h"

#include <array>
#include <cmath>

#include "core/pixels/color.h"
#include "core/pixels/transform.h"

namespace eexit::pixels {

namespace {

float factor(double share, Strength const& strength) { return static_cast<float>(1 + share * strength.enhance); }

// `share` of the full strength, in [-1, 1]; operations without sides look at its size alone.
using Operation = void (*)(Pixels&, double share, Strength const&);
constexpr std::array<Operation, 14> all{
    [](Pixels&, double, Strength const&) {},
    [](Pixels& pixels, double share, Strength const& most) { warp(pixels, {.xy = share * most.shear}); },
    [](Pixels& pixels, double share, Strength const& most) { warp(pixels, {.yx = share * most.shear}); },
    [](Pixels& pixels, double share, Strength const& most) { warp(pixels, {.x0 = -std::trunc(share * most.right)}); },
    [](Pixels& pixels, double share, Strength const& most) { warp(pixels, {.y0 = -std::trunc(share * most.down)}); },
    [](Pixels& pixels, double share, Strength const& most) {
      warp(pixels, turned(pixels.shape, -share * most.degrees, 0, 0));
    },
    [](Pixels& pixels, double share, Strength const& most) { brightness(pixels, factor(share, most)); },
    [](Pixels& pixels, double share, Strength const& most) { color(pixels, factor(share, most)); },
    [](Pixels& pixels, double share, Strength const& most) { contrast(pixels, factor(share, most)); },
    [](Pixels& pixels, double share, Strength const& most) { sharpness(pixels, factor(share, most)); },
    [](Pixels& pixels, double share, Strength const& most) {
      posterize(pixels, 8 - static_cast<int>(std::nearbyint(std::abs(share) * most.bits)));
    },
    [](Pixels& pixels, double share, Strength const&) { solarize(pixels, 255 * (1 - std::abs(share))); },
    [](Pixels& pixels, double, Strength const&) { autocontrast(pixels); },
    [](Pixels& pixels, double, Strength const&) { equalize(pixels); },
};

}  // namespace

int operations() { return static_cast<int>(all.size()); }

void operate(Pixels& pixels, int number, int bin, bool backwards, Strength const& strength) {
  double const share = static_cast<double>(bin) / last_bin;
  all.at(static_cast<std::size_t>(number))(pixels, backwards ? -share : share, strength);
}

}  // namespace eexit::pixels
