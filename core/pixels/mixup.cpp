// mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019) between a batch and itself reversed; the middle sample of an
// odd batch stays as it is. Draws of a unit (batch, pair or image): which of both, lambda, the box's row and column.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/pixels/augmentation.h"

namespace eexit::pixels {

namespace {

double normal(Random& random) {
  double const radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

// Logarithm of a gamma draw of shape `a`. Marsaglia and Tsang 2000 for shape a + 1, times U^(1/a); the logarithm, as
// for small shapes the draw itself may be too small for a double.
double log_gamma_draw(double a, Random& random) {
  double const d = a + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    double const x = normal(random), u = 1 - random.uniform();
    double const v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v))
      return std::log(d * v) + std::log(1 - random.uniform()) / a;
  }
}

// Beta(a, a) as G / (G + G') of two gamma draws.
double beta(double a, Random& random) {
  double const first = log_gamma_draw(a, random), second = log_gamma_draw(a, random);
  return 1 / (1 + std::exp(second - first));
}

struct Rule {
  double mixup, cutmix;  // alphas
  double to_cutmix;      // probability of cutmix
  std::string mode;
};

struct Unit {
  float share;
  Box box;
};

// A box of share 1 - lambda about a random pixel, cut off at the border; what is left of it gives the share.
Unit cut(double lambda, int row, int column, ImageShape const& shape) {
  double const half = 0.5 * std::sqrt(1 - lambda);
  int const half_height = static_cast<int>(half * shape.height), half_width = static_cast<int>(half * shape.width);
  int const top = std::max(0, row - half_height), left = std::max(0, column - half_width);
  Box const box{.top = top,
                .left = left,
                .height = std::min(shape.height, row + half_height) - top,
                .width = std::min(shape.width, column + half_width) - left};
  double const whole = static_cast<double>(shape.height) * shape.width;
  return {.share = static_cast<float>(1 - box.area() / whole), .box = box};
}

Unit draw(Rule const& rule, ImageShape const& shape, Random& random) {
  bool const cutting = random.uniform() < rule.to_cutmix;
  double const lambda = beta(cutting ? rule.cutmix : rule.mixup, random);
  int const row = random.below(shape.height), column = random.below(shape.width);
  if (cutting) return cut(lambda, row, column, shape);
  return {.share = static_cast<float>(lambda), .box = {}};
}

Mixing mixing(Rule const& rule, int rows, ImageShape const& shape, Random& random) {
  Mixing mixing;
  Unit unit{};
  for (int i = 0; i < rows; ++i) {
    int const partner = rows - 1 - i;
    auto const other = static_cast<std::size_t>(partner);
    bool const second = rule.mode == "pair" && partner < i;
    if (second) unit = {.share = mixing.share[other], .box = mixing.box[other]};
    if (!second && (rule.mode != "batch" || i == 0)) unit = draw(rule, shape, random);
    mixing.partner.push_back(partner);
    mixing.share.push_back(partner == i ? 1.0f : unit.share);
    mixing.box.push_back(partner == i ? Box{} : unit.box);
  }
  return mixing;
}

// Reads the mode and the end, for all three.
Augmentation finish(JsonReader& reader, Rule rule) {
  rule.mode = reader.one_of("mode", "batch", {"batch", "pair", "elem"}, "what shares one draw: batch, pair or image");
  reader.done();
  return {.bytes = {}, .mix = [rule](int rows, ImageShape const& shape, Random& random) {
            return mixing(rule, rows, shape, random);
          }};
}

constexpr Bounds above_zero{0.01, 100};

}  // namespace

Augmentation mixup(JsonReader& reader) {
  double const alpha = reader.number("alpha", 0.8, above_zero, "own shares are drawn from Beta(alpha, alpha)");
  return finish(reader, {.mixup = alpha, .cutmix = alpha, .to_cutmix = 0, .mode = {}});
}

Augmentation cutmix(JsonReader& reader) {
  double const alpha = reader.number("alpha", 1, above_zero, "own shares are drawn from Beta(alpha, alpha)");
  return finish(reader, {.mixup = alpha, .cutmix = alpha, .to_cutmix = 1, .mode = {}});
}

Augmentation mixup_cutmix(JsonReader& reader) {
  double const mixup = reader.number("mixup", 0.8, above_zero, "alpha of mixup");
  double const cutmix = reader.number("cutmix", 1, above_zero, "alpha of cutmix");
  double const to_cutmix = reader.number("switch", 0.5, {0, 1}, "probability of cutmix");
  return finish(reader, {.mixup = mixup, .cutmix = cutmix, .to_cutmix = to_cutmix, .mode = {}});
}

}  // namespace eexit::pixels
