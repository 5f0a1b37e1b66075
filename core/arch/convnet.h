// What several convolutional families are built from. x_bchw: batch, channels, height, width.
#pragma once

#include <algorithm>
#include <string>

#include "core/arch/arch.h"

namespace eexit::arch {

// Padded by kernel / 2; without bias where a BatchNorm follows.
inline torch::nn::Conv2dOptions conv_options(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2);
}
inline torch::nn::Conv2d conv(int in, int out, int kernel, int stride, int groups = 1) {
  return torch::nn::Conv2d(conv_options(in, out, kernel, stride).groups(groups).bias(false));
}
inline torch::nn::Conv2d biased_conv(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2d(conv_options(in, out, kernel, stride));
}

// Starts the convolutions inside a part: weights as said, biases 0. May be called in the part's constructor.
template <class Start>
void start_convs(torch::nn::Module& part, Start const& start) {
  for (auto const& module : part.modules(/*include_self=*/false)) {
    auto const* const layer = module->as<torch::nn::Conv2d>();
    if (layer == nullptr) continue;
    start(layer->weight);
    if (layer->bias.defined()) torch::nn::init::zeros_(layer->bias);
  }
}

// Normal with variance 2 / (kernel^2 out), which keeps the size of gradients through ReLU (He et al. 2015).
inline void kaiming_normal(torch::nn::Module& part) {
  start_convs(part,
              [](Tensor const& weight) { torch::nn::init::kaiming_normal_(weight, 0, torch::kFanOut, torch::kReLU); });
}

// Networks of phones forget slowly, for trainings of a hundred thousand steps; in a short one, statistics lag behind.
constexpr auto norm_momentum_help = "share of a new batch in BatchNorm's running statistics; 0.1 suits short trainings";
inline void set_norm_momentum(torch::nn::Module& part, double momentum) {
  for (auto const& module : part.modules())
    if (auto* const norm = module->as<torch::nn::BatchNorm2d>()) norm->options.momentum(momentum);
}

// The first layers: 3x3 keeps the size, 7x7 halves it, 7x7-pool halves it twice.
struct StemSize {
  int kernel, stride;
  bool pool;
};
inline std::vector<std::string> stem_names() { return {"3x3", "7x7", "7x7-pool"}; }
constexpr auto stem_help = "first convolution: 3x3 of stride 1, 7x7 of stride 2, or that and a max-pool";
inline StemSize stem_size(std::string const& name) {
  if (name == "3x3") return {3, 1, false};
  return {7, 2, name == "7x7-pool"};
}
inline Tensor stem_pool(Tensor const& x_bchw) { return at::max_pool2d(x_bchw, {3, 3}, {2, 2}, {1, 1}); }

// Linear layers of convolutional nets since VGG: N(0, 0.01), bias 0.
template <class Layer>
void small_normal(Layer const& layer) {
  torch::nn::init::normal_(layer.weight, 0, 0.01);
  torch::nn::init::zeros_(layer.bias);
}

// The nearest multiple of 8, not below 90 % of what is asked.
inline int in_eights(double channels) {
  int const near = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return near < 0.9 * channels ? near + 8 : near;
}

}  // namespace eexit::arch
