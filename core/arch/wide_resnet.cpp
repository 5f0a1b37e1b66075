// Wide residual networks (Zagoruyko and Komodakis 2016) as the regimes benchmark has them: pre-activation, convolutions
// with bias, the stride in a block's second one (facts: architectures 2.3). x_bchw: batch, channels, height, width.
#include <cmath>

#include "core/arch/arch.h"
#include "core/arch/convnet.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

void xavier_uniform(torch::nn::Module& part) {
  start_convs(part, [](Tensor const& weight) { torch::nn::init::xavier_uniform_(weight, std::sqrt(2.0)); });
}

struct Stem : torch::nn::Module {
  Stem(int in, int out, StemSize const& size)
      : conv(register_module("conv", biased_conv(in, out, size.kernel, size.stride))), pool(size.pool) {
    xavier_uniform(*this);
  }
  Tensor forward(Tensor const& x_bchw) { return pool ? stem_pool(conv(x_bchw)) : conv(x_bchw); }
  torch::nn::Conv2d conv;
  bool pool;
};

struct Block : torch::nn::Module {
  Block(int in, int out, int stride, double rate)
      : bn1(register_module("bn1", torch::nn::BatchNorm2d(in))),
        conv1(register_module("conv1", biased_conv(in, out, 3, 1))),
        bn2(register_module("bn2", torch::nn::BatchNorm2d(out))),
        conv2(register_module("conv2", biased_conv(out, out, 3, stride))),
        dropout(rate) {
    if (stride != 1 || in != out) shortcut = register_module("shortcut", biased_conv(in, out, 1, stride));
    xavier_uniform(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto y_bchw = at::dropout(conv1(bn1(x_bchw).relu_()), dropout, is_training());
    y_bchw = conv2(bn2(y_bchw).relu_());
    return y_bchw.add_(shortcut ? shortcut(x_bchw) : x_bchw);
  }
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn2;
  torch::nn::Conv2d conv2;
  torch::nn::Conv2d shortcut{nullptr};
  double dropout;
};

struct Tail : torch::nn::Module {
  Tail(int in, int classes)
      : bn(register_module("bn", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(in).momentum(0.9)))),
        linear(register_module("linear", std::make_shared<Linear>(in, classes))) {
    small_normal(*linear);
  }
  Tensor forward(Tensor const& x_bchw) {
    return linear->forward(at::adaptive_avg_pool2d(bn(x_bchw).relu_(), {1, 1}).flatten(1));
  }
  torch::nn::BatchNorm2d bn;
  std::shared_ptr<Linear> linear;
};

}  // namespace

MakeBackbone wide_resnet(JsonReader& reader) {
  int const depth = reader.integer("depth", 16, {10, 1204}, "layers, 6n+4: 10, 16, 22, 28, 40");
  int const width = reader.integer("width", 4, {1, 256}, "factor of the blocks' channels");
  int const base =
      reader.integer("base", 16, {1, 1024}, "channels of the stem; groups have width, 2 and 4 width times it");
  auto const stem = stem_size(reader.one_of("stem", "3x3", stem_names(), stem_help));
  double const dropout = reader.number("dropout", 0.3, {0, 0.99}, "rate between the convolutions of a block");
  if ((depth - 4) % 6 != 0)
    reader.fail("depth", "expected 6n+4 (10, 16, 22, 28, 34, 40, ...), found " + std::to_string(depth));
  reader.done();
  return [=](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    net.stages.push_back(
        stage("stem", builder.add("stage.stem", [&] { return std::make_shared<Stem>(shape.channels, base, stem); })));
    int const per_group = (depth - 4) / 6;
    int in = base;
    for (int block = 0; block < 3 * per_group; ++block) {
      int const out = (base * width) << (block / per_group);
      int const stride = block > 0 && block % per_group == 0 ? 2 : 1;
      auto const name = std::to_string(block);
      net.stages.push_back(
          stage(name, builder.add("stage." + name, [&] { return std::make_shared<Block>(in, out, stride, dropout); })));
      in = out;
    }
    net.last = classifier(builder.add("last", [&] { return std::make_shared<Tail>(in, classes); }));
    return net;
  };
}

}  // namespace eexit::arch
