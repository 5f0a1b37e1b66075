#include "core/net/layers.h"

#include <cmath>

namespace eexit {

Linear::Linear(std::int64_t in, std::int64_t out) {
  double const bound = 1 / std::sqrt(static_cast<double>(in));
  weight = register_parameter("weight", torch::empty({out, in}));
  bias = register_parameter("bias", torch::empty({out}));
  // Kaiming uniform with a = sqrt(5) has the bound 1 / sqrt(in), as the bias.
  torch::nn::init::uniform_(weight, -bound, bound);
  torch::nn::init::uniform_(bias, -bound, bound);
}

Tensor at_least_f32(Tensor const& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

MixedPool::MixedPool(std::int64_t to) : side(to) { share = register_parameter("share", torch::rand({})); }

Tensor MixedPool::forward(Tensor const& x_bchw) const {
  auto const largest = std::get<0>(at::adaptive_max_pool2d(x_bchw, {side, side}));
  auto const average = at::adaptive_avg_pool2d(x_bchw, {side, side});
  return share * largest + (1 - share) * average;
}

}  // namespace eexit
