#include "core/net/layers.h"

#include <ATen/record_function.h>

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

Tensor row_distances(Tensor const& x_bd, Tensor const& y_kd) {
  // One operator of ours: the products in it are how it is worked out, not what it costs (cost.cpp).
  std::vector<c10::IValue> const inputs = {x_bd, y_kd};
  RECORD_FUNCTION("eexit::row_distances", inputs);
  auto const x = x_bd.to(torch::kFloat64), y = y_kd.to(torch::kFloat64);
  auto const square_bk = x.square().sum(1, true) + y.square().sum(1);
  // Below what is left of doubles' digits distances are 0, and their root has no derivative.
  return square_bk.addmm(x, y.t(), 1, -2).clamp_min(1e-30).sqrt().to(x_bd.scalar_type());
}

Tensor at_least_f32(Tensor const& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

MixedPool::MixedPool(std::int64_t to) : side(to) { share = register_parameter("share", torch::rand({})); }

Tensor MixedPool::forward(Tensor const& x_bchw) const {
  auto const largest = std::get<0>(at::adaptive_max_pool2d(x_bchw, {side, side}));
  auto const average = at::adaptive_avg_pool2d(x_bchw, {side, side});
  return share * largest + (1 - share) * average;
}

void init_by_outputs(torch::nn::Conv2d& conv) {
  torch::NoGradGuard no_grad;
  auto const outputs = conv->weight.size(0) / conv->options.groups() * conv->weight[0][0].numel();
  torch::nn::init::normal_(conv->weight, 0, std::sqrt(2 / static_cast<double>(outputs)));
  if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
}

ConvNorm::ConvNorm(ConvNormShape const& shape)
    : conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(shape.in, shape.out, shape.kernel)
                                                         .stride(shape.stride)
                                                         .padding(shape.kernel / 2)
                                                         .groups(shape.groups)
                                                         .bias(false)))),
      bn(register_module("bn", torch::nn::BatchNorm2d(
                                   torch::nn::BatchNorm2dOptions(shape.out).eps(shape.eps).momentum(shape.momentum)))) {
  init_by_outputs(conv);
}

Tensor drop_branches(Tensor const& branch, double rate, bool training) {
  if (!training || rate == 0) return branch;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(branch.dim()), 1);
  sizes[0] = branch.size(0);
  return branch * torch::empty(sizes, branch.options()).bernoulli_(1 - rate).div_(1 - rate);
}

ConvPool::ConvPool(std::int64_t in, std::int64_t width)
    : conv1(register_module("conv1", std::make_shared<ConvNorm>(ConvNormShape{.in = in, .out = width, .stride = 2}))),
      conv2(register_module("conv2",
                            std::make_shared<ConvNorm>(ConvNormShape{.in = width, .out = width, .stride = 2}))) {}

Tensor ConvPool::forward(Tensor const& x_bchw) {
  auto const y_bchw = conv2->forward(conv1->forward(x_bchw).relu_()).relu_();
  return at::adaptive_avg_pool2d(y_bchw, {1, 1}).flatten(1);
}

}  // namespace eexit
