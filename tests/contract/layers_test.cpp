// Layers that architectures share.
#include "core/net/layers.h"

#include <cmath>

#include "tests/support/catch.h"

namespace eexit {

TEST_CASE("stochastic depth leaves out whole samples of a branch, in training alone, and keeps its mean",
          "[contract]") {
  torch::manual_seed(3);
  auto const branch = torch::rand({4000, 2, 3}) + 0.5;
  CHECK(torch::equal(drop_branches(branch, 0.3, false), branch));
  CHECK(torch::equal(drop_branches(branch, 0, true), branch));
  auto const kept = drop_branches(branch, 0.3, true);
  auto const left_out = (kept == 0).flatten(1).all(1);
  CHECK(torch::allclose(kept, torch::where(left_out.view({-1, 1, 1}), torch::zeros({}), branch / 0.7)));
  CHECK(left_out.to(torch::kFloat64).mean().item<double>() == Approx(0.3).margin(0.03));
}

TEST_CASE("convolutions are started by the outputs of a group", "[contract]") {
  torch::manual_seed(3);
  auto const deviation = [](ConvNormShape const& shape) { return ConvNorm(shape).conv->weight.std().item<double>(); };
  CHECK(deviation({.in = 64, .out = 32}) == Approx(std::sqrt(2.0 / (9 * 32))).epsilon(0.05));
  CHECK(deviation({.in = 512, .out = 512, .groups = 512}) == Approx(std::sqrt(2.0 / 9)).epsilon(0.05));
}

}  // namespace eexit
