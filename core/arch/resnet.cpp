// Residual networks of CIFAR type (He et al. 2016, section 4.2) with projection shortcuts (facts: architectures 2.2).
// x_bchw: batch, channels, height, width.
#include "core/arch/arch.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

torch::nn::Conv2d conv(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct Stem : torch::nn::Module {
  Stem(int in, int out)
      : conv1(register_module("conv1", conv(in, out, 3, 1))),
        bn1(register_module("bn1", torch::nn::BatchNorm2d(out))) {}
  Tensor forward(Tensor const& x_bchw) { return bn1(conv1(x_bchw)).relu_(); }
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
};

struct BasicBlock : torch::nn::Module {
  BasicBlock(int in, int out, int stride)
      : conv1(register_module("conv1", conv(in, out, 3, stride))),
        bn1(register_module("bn1", torch::nn::BatchNorm2d(out))),
        conv2(register_module("conv2", conv(out, out, 3, 1))),
        bn2(register_module("bn2", torch::nn::BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    shortcut = register_module("shortcut", conv(in, out, 1, stride));
    shortcut_bn = register_module("shortcut_bn", torch::nn::BatchNorm2d(out));
  }
  Tensor forward(Tensor const& x_bchw) {
    auto y = bn1(conv1(x_bchw)).relu_();
    y = bn2(conv2(y));
    return y.add_(shortcut ? shortcut_bn(shortcut(x_bchw)) : x_bchw).relu_();
  }
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv2;
  torch::nn::BatchNorm2d bn2;
  torch::nn::Conv2d shortcut{nullptr};
  torch::nn::BatchNorm2d shortcut_bn{nullptr};
};

template <class Module>
Stage stage(std::string const& name, std::shared_ptr<Module> const& module) {
  return {.name = name, .module = module, .run = [module](State state) {
            state.x = module->forward(state.x);
            return state;
          }};
}

}  // namespace

MakeBackbone resnet(JsonReader& reader) {
  int const depth = reader.integer("depth", 20, {8, 1202}, "layers, 6n+2: 8, 14, 20, 32, 44, 56, 110");
  int const width =
      reader.integer("width", 16, {1, 4096}, "channels of the first group; doubled in each of the others");
  if ((depth - 2) % 6 != 0)
    reader.fail("depth", "expected 6n+2 (8, 14, 20, 26, 32, ...), found " + std::to_string(depth));
  reader.done();
  return [depth, width](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    net.stages.push_back(
        stage("stem", builder.add("stage.stem", [&] { return std::make_shared<Stem>(shape.channels, width); })));
    int const per_group = (depth - 2) / 6;
    int in = width;
    for (int block = 0; block < 3 * per_group; ++block) {
      int const group = block / per_group;
      int const out = width << group;
      int const stride = group > 0 && block % per_group == 0 ? 2 : 1;
      auto const name = std::to_string(block);
      net.stages.push_back(
          stage(name, builder.add("stage." + name, [&] { return std::make_shared<BasicBlock>(in, out, stride); })));
      in = out;
    }
    auto classifier = builder.add("last", [&] { return std::make_shared<Linear>(in, classes); });
    net.last = {classifier, [classifier](State const& state, Earlier const&) {
                  return Answer{classifier->forward(at::adaptive_avg_pool2d(state.x, {1, 1}).flatten(1)), {}};
                }};
    return net;
  };
}

}  // namespace eexit::arch
