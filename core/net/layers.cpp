#include "core/net/layers.h"

#include <cmath>

namespace eexit {

Linear::Linear(std::int64_t in, std::int64_t out, bool biased) {
  double const bound = 1 / std::sqrt(static_cast<double>(in));
  weight = register_parameter("weight", torch::empty({out, in}));
  // Kaiming uniform with a = sqrt(5) has the bound 1 / sqrt(in), as the bias.
  torch::nn::init::uniform_(weight, -bound, bound);
  if (!biased) return;
  bias = register_parameter("bias", torch::empty({out}));
  torch::nn::init::uniform_(bias, -bound, bound);
}

Tensor at_least_f32(Tensor const& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

MixedPool::MixedPool(std::int64_t to) : side(to) { share = register_parameter("share", torch::rand({})); }

Tensor MixedPool::forward(Tensor const& x_bchw) const {
  auto const largest = std::get<0>(at::adaptive_max_pool2d(x_bchw, {side, side}));
  auto const average = at::adaptive_avg_pool2d(x_bchw, {side, side});
  return share * largest + (1 - share) * average;
}

Tensor drop_branches(Tensor const& branch, double rate, bool training) {
  if (!training || rate == 0) return branch;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(branch.dim()), 1);
  sizes[0] = branch.size(0);
  return branch * torch::empty(sizes, branch.options()).bernoulli_(1 - rate).div_(1 - rate);
}

}  // namespace eexit
