// What several convolutional families are built from. x_bchw: batch, channels, height, width.
#pragma once

#include <string>

#include "core/net/net.h"

namespace eexit::arch {

// Padded by kernel / 2, no bias: a BatchNorm follows.
inline torch::nn::Conv2d conv(int in, int out, int kernel, int stride, int groups = 1) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false));
}

// Normal with variance 2 / (kernel^2 out): keeps the size of gradients through ReLU (He et al. 2015).
inline void kaiming_normal(torch::nn::Conv2d const& layer) {
  torch::nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
}

// Linear layers of convolutional nets since VGG: N(0, 0.01), bias 0.
template <class Layer>
void small_normal(Layer const& layer) {
  torch::nn::init::normal_(layer.weight, 0, 0.01);
  torch::nn::init::zeros_(layer.bias);
}

template <class Module>
Stage stage(std::string const& name, std::shared_ptr<Module> const& module) {
  return {.name = name, .module = module, .run = [module](State state) {
            state.x = module->forward(state.x);
            return state;
          }};
}

// A last exit of one module.
template <class Module>
Head classifier(std::shared_ptr<Module> const& module) {
  return {module, [module](State const& state, Earlier const&) { return Answer{module->forward(state.x), {}}; }};
}

}  // namespace eexit::arch
