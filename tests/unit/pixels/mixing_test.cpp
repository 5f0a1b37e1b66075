#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/unit/pixels/images.h"

namespace eexit {

using test::augmentation;

namespace {

Mixing drawn(std::string const& name, std::string const& params, int rows, ImageShape const& shape,
             std::uint64_t seed) {
  Random random(seed);
  return augmentation(name, params).mix(rows, shape, random);
}

bool same_box(Box const& a, Box const& b) {
  return a.top == b.top && a.left == b.left && a.height == b.height && a.width == b.width;
}

}  // namespace

TEST_CASE("mixing: images by hand") {
  ImageShape const shape{1, 2, 2};
  std::vector<float> batch{1, 2, 3, 4, /**/ 10, 20, 30, 40, /**/ 100, 200, 300, 400};
  // The first is three quarters itself, the last has its right column from the first as it was.
  mix({.partner = {2, 1, 0},
       .share = {0.75f, 1, 0.5f},
       .box = {{}, {}, {.top = 0, .left = 1, .height = 2, .width = 1}}},
      shape, batch);
  CHECK(batch == std::vector<float>{25.75f, 51.5f, 77.25f, 103, /**/ 10, 20, 30, 40, /**/ 100, 2, 300, 4});
  CHECK_THROWS_AS(mix({.partner = {1, 2, 0}, .share = {1, 1, 1}, .box = {{}, {}, {}}}, shape, batch), std::logic_error);
  CHECK_THROWS_AS(mix({.partner = {0}, .share = {1}, .box = {{}}}, shape, batch), std::logic_error);
}

TEST_CASE("mixing: partners are the batch reversed, the middle of an odd one stays") {
  for (auto const* name : {"mixup", "cutmix", "mixup_cutmix"})
    for (auto const* mode : {"batch", "pair", "elem"})
      for (int rows : {0, 1, 2, 5, 8})
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
          INFO(name << " " << mode << " " << rows << " " << seed);
          ImageShape const shape{3, 5, 7};
          auto const mixing = drawn(name, "{\"mode\": \"" + std::string(mode) + "\"}", rows, shape, seed);
          bool right = mixing.partner.size() == static_cast<std::size_t>(rows);
          for (int i = 0; i < rows; ++i) {
            auto const own = static_cast<std::size_t>(i), other = static_cast<std::size_t>(rows - 1 - i);
            auto const& box = mixing.box[own];
            float const share = mixing.share[own];
            right = right && mixing.partner[own] == rows - 1 - i && share >= 0 && share <= 1;
            right = right && box.top >= 0 && box.left >= 0 && box.height >= 0 && box.width >= 0 &&
                    box.top + box.height <= 5 && box.left + box.width <= 7;
            if (own == other) right = right && share == 1 && box.area() == 0;
            // The label's share is the image's.
            if (box.area() > 0) right = right && std::abs(share - (1 - static_cast<float>(box.area()) / 35)) < 1e-6f;
            if (std::string(mode) != "elem")
              right = right && mixing.share[other] == share && same_box(box, mixing.box[other]);
            if (std::string(mode) == "batch" && own != other) right = right && share == mixing.share[0];
          }
          CHECK(right);
        }
  auto const each = drawn("mixup", R"({"mode": "elem"})", 2, {1, 3, 3}, 1);
  CHECK(each.share[0] != each.share[1]);
  auto const pairs = drawn("mixup", R"({"mode": "pair"})", 4, {1, 3, 3}, 1);
  CHECK(pairs.share[0] != pairs.share[1]);
}

TEST_CASE("mixing: which of both") {
  int cut = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    ImageShape const shape{1, 32, 32};
    auto const boxed = [&](char const* params) {
      return drawn("mixup_cutmix", params, 2, shape, seed).box[0].area() > 0;
    };
    CHECK_FALSE(boxed(R"({"switch": 0})"));
    cut += boxed("{}") ? 1 : 0;
    CHECK(drawn("mixup", "{}", 2, shape, seed).share ==
          drawn("mixup_cutmix", R"({"switch": 0})", 2, shape, seed).share);
    CHECK(drawn("cutmix", "{}", 2, shape, seed).share ==
          drawn("mixup_cutmix", R"({"switch": 1})", 2, shape, seed).share);
  }
  CHECK(std::abs(cut - 500) < 80);  // a few cuts have no area
}

// Var Beta(a, a) = 1 / (4 (2 a + 1)), mean 1/2; five standard errors of 20,000 draws.
TEST_CASE("mixing: shares are drawn from Beta(alpha, alpha)") {
  for (double const alpha : {0.01, 0.2, 0.8, 1.0, 8.0}) {
    INFO(alpha);
    Random random(11);
    auto const made = augmentation("mixup", "{\"alpha\": " + std::to_string(alpha) + ", \"mode\": \"elem\"}");
    auto const shares = made.mix(20000, {1, 1, 1}, random).share;
    double sum = 0, squares = 0;
    for (double const share : shares) {
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
    }
    double const variance = 1 / (4 * (2 * alpha + 1)), count = 20000;
    CHECK(std::abs(sum / count - 0.5) < 5 * std::sqrt(variance / count));
    CHECK(squares / count == Approx(variance).epsilon(0.05));
  }
}

TEST_CASE("mixing: a batch's values only change places or are averaged") {
  ImageShape const shape{3, 5, 7};
  for (auto const* name : {"mixup", "cutmix"})
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      std::vector<float> batch(3 * 105);
      for (std::ptrdiff_t image : {0, 1, 2}) std::fill_n(batch.begin() + 105 * image, 105, static_cast<float>(image));
      auto const mixing = drawn(name, "{}", 3, shape, seed);
      mix(mixing, shape, batch);
      auto const mean = [&](int i) {
        return static_cast<double>(std::accumulate(batch.begin() + i * 105, batch.begin() + (i + 1) * 105, 0.0)) / 105;
      };
      // Images of 0s, 1s and 2s: what is left of each is its share.
      CHECK(mean(0) == Approx(2 * (1 - mixing.share[0])).margin(1e-5));
      CHECK(mean(1) == 1);
      CHECK(mean(2) == Approx(2 * mixing.share[2]).margin(1e-5));
    }
}

}  // namespace eexit
