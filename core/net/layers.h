// Layers that architectures and heads share.
#pragma once

#include <torch/torch.h>

namespace eexit {

using torch::Tensor;

// y = x W^T + b through at::linear, one operator, so that costs are counted as what they are (torch's own C++ module
// calls a transpose and addmm). Same names and initialisation as torch::nn::Linear. [..., in] -> [..., out].
struct Linear : torch::nn::Module {
  Linear(std::int64_t in, std::int64_t out, bool biased = true);
  Tensor forward(Tensor const& x) const { return at::linear(x, weight, bias); }
  Tensor weight, bias;  // bias undefined: none
};

// bf16 answers of autocast as f32, others as they are: sums of exponentials and cosines would lose digits.
Tensor at_least_f32(Tensor const&);

// Euclidean distances [b, k] of rows [b, d] to rows [k, d], worked out in double precision: |x|^2 + |y|^2 - 2xy loses
// too many digits in single where rows are large and close.
Tensor row_distances(Tensor const& x_bd, Tensor const& y_kd);

// a max + (1 - a) average over adaptive pooling to side x side, `a` one learned number, uniform in [0, 1) at first, not
// squashed (the pooling of shallow-deep networks; facts: methods 2). [B, C, H, W] -> [B, C, side, side].
struct MixedPool : torch::nn::Module {
  explicit MixedPool(std::int64_t to);
  Tensor forward(Tensor const& x_bchw) const;
  std::int64_t side;
  Tensor share;
};

// Weights N(0, sqrt(2 / (kernel area * outputs of a group))), biases 0: He et al. (2015) by outputs, as the authors of
// MSDNet and of EfficientNet start their convolutions.
void init_by_outputs(torch::nn::Conv2d&);

// Convolution without bias, padded by half its kernel and started by its outputs, then BatchNorm.
struct ConvNormShape {
  std::int64_t in = 0, out = 0;
  int kernel = 3, stride = 1;
  std::int64_t groups = 1;
  double eps = 1e-5, momentum = 0.1;  // of BatchNorm
};
struct ConvNorm : torch::nn::Module {
  explicit ConvNorm(ConvNormShape const&);
  Tensor forward(Tensor const& x_bchw) { return bn(conv(x_bchw)); }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
};

// Stochastic depth (Huang et al. 2016) on a residual branch: in training each sample's branch is 0 with chance `rate`,
// else divided by 1 - rate. Dimension 0 is the sample.
Tensor drop_branches(Tensor const& branch, double rate, bool training);

// What MSDNet's classifiers see: two convolutions of 3x3 and stride 2 to `width` channels, each with norm and ReLU,
// then global average pooling, which at the published sizes (2 x 2 left over) is the pooling of 2 (facts: methods 8).
// [B, C, H, W] -> [B, width].
struct ConvPool : torch::nn::Module {
  ConvPool(std::int64_t in, std::int64_t width);
  Tensor forward(Tensor const& x_bchw);
  std::shared_ptr<ConvNorm> conv1, conv2;
};

}  // namespace eexit
