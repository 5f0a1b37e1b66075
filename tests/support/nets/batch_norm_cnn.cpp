// A plain convolutional network with BatchNorm. x_bchw: batch, channels, height, width.
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int classes = 5;

struct Block : torch::nn::Module {
  Block(int in, int out, int stride)
      : conv(register_module(
            "conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)))),
        norm(register_module("norm", torch::nn::BatchNorm2d(out))) {}
  Tensor forward(Tensor const& x_bchw) { return norm(conv(x_bchw)).relu_(); }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d norm;
};

// A BatchNorm of its own: a frozen net's heads may still move theirs, and only theirs.
struct PoolHead : torch::nn::Module {
  explicit PoolHead(int channels)
      : norm(register_module("norm", torch::nn::BatchNorm1d(channels))),
        linear(register_module("linear", std::make_shared<Linear>(channels, classes))) {}
  Tensor forward(Tensor const& x_bchw) {
    return linear->forward(norm(at::adaptive_avg_pool2d(x_bchw, {1, 1}).flatten(1)));
  }
  torch::nn::BatchNorm1d norm;
  std::shared_ptr<Linear> linear;
};

}  // namespace

SmallNet batch_norm_cnn() {
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                auto const add = [&](std::string const& name, int in, int out, int stride) {
                  net.stages.push_back(plain_stage(
                      name, builder.add("stage." + name, [&] { return std::make_shared<Block>(in, out, stride); })));
                };
                add("stem", 3, 8, 1);
                add("0", 8, 8, 1);
                add("1", 8, 16, 2);
                add("2", 16, 16, 1);
                net.last = plain_head(builder.add("last", [] { return std::make_shared<PoolHead>(16); }));
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                made.heads["0"] = plain_head(builder.add("head.0", [] { return std::make_shared<PoolHead>(8); }));
                made.heads["1"] = plain_head(builder.add("head.1", [] { return std::make_shared<PoolHead>(16); }));
                return made;
              },
          .input =
              [](int batch, std::uint64_t seed) {
                return State{.x = normals(batch, {3, 8, 8}, seed).contiguous(torch::MemoryFormat::ChannelsLast),
                             .side = {},
                             .active = {}};
              },
          .target = [](int batch, std::uint64_t seed) { return integers(batch, {}, classes, seed); },
          .task = classify(),
          .classes = classes,
          .answer_shape = {classes}};
}

}  // namespace eexit::nets
