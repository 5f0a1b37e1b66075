// ConvNeXt (Liu et al. 2022; facts: architectures 7). A stage is a ConvNeXt block; the norm and convolution that halve
// the map before a group belong to the group's first block (the regimes benchmark counts them, and the stem, as blocks
// of their own). x_bchw: batch, channels, height, width.
#include "core/arch/arch.h"
#include "core/base/error.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

struct Net {
  std::vector<int> blocks;  // of each group; each has twice the channels of the one before
  int width = 96, patch = 4;
  double layer_scale = 1e-6, stochastic_depth = 0.1;
};

// N(0, 0.02), biases 0. The paper cuts the normal off at 2, a hundred deviations away: nothing would ever be cut.
template <class Layer>
void init_narrow(Layer& layer) {
  torch::NoGradGuard no_grad;
  torch::nn::init::normal_(layer.weight, 0, 0.02);
  torch::nn::init::zeros_(layer.bias);
}

torch::nn::LayerNorm layer_norm(int channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(1e-6));
}

// Channels-last maps are [B, H, W, C] in memory, so that turning them costs nothing.
Tensor channels_last(Tensor const& x_bchw) { return x_bchw.permute({0, 2, 3, 1}); }
Tensor channels_first(Tensor const& x_bhwc) { return x_bhwc.permute({0, 3, 1, 2}); }

// Non-overlapping patches of side x side pixels.
torch::nn::Conv2d patches(int in, int out, int side) {
  auto conv = torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, side).stride(side));
  init_narrow(*conv);
  return conv;
}

struct Stem : torch::nn::Module {
  Stem(int in, int out, int patch)
      : conv(register_module("conv", patches(in, out, patch))), norm(register_module("norm", layer_norm(out))) {}
  Tensor forward(Tensor const& x_bchw) { return channels_first(norm(channels_last(conv(x_bchw)))); }
  torch::nn::Conv2d conv;
  torch::nn::LayerNorm norm;
};

struct Block : torch::nn::Module {
  // in differs from out at the first block of a group.
  Block(int in, int out, double layer_scale, double dropped)
      : drop(dropped),
        depthwise(register_module("depthwise",
                                  torch::nn::Conv2d(torch::nn::Conv2dOptions(out, out, 7).padding(3).groups(out)))),
        norm(register_module("norm", layer_norm(out))),
        expand(register_module("expand", std::make_shared<Linear>(out, 4 * out))),
        project(register_module("project", std::make_shared<Linear>(4 * out, out))),
        scale(register_parameter("scale", torch::full({out, 1, 1}, layer_scale))) {
    init_narrow(*depthwise);
    init_narrow(*expand);
    init_narrow(*project);
    if (in == out) return;
    down_norm = register_module("down_norm", layer_norm(in));
    down = register_module("down", patches(in, out, 2));
  }
  Tensor forward(Tensor const& given_bchw) {
    auto const x_bchw = down ? down(channels_first(down_norm(channels_last(given_bchw)))) : given_bchw;
    auto y_bhwc = norm(channels_last(depthwise(x_bchw)));
    y_bhwc = project->forward(torch::gelu(expand->forward(y_bhwc)));
    return drop_branches(channels_first(y_bhwc) * scale, drop, is_training()).add_(x_bchw);
  }
  double drop;
  torch::nn::LayerNorm down_norm{nullptr};
  torch::nn::Conv2d down{nullptr};
  torch::nn::Conv2d depthwise;
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> expand, project;
  Tensor scale;
};

struct Classifier : torch::nn::Module {
  Classifier(int in, int classes)
      : norm(register_module("norm", layer_norm(in))),
        linear(register_module("linear", std::make_shared<Linear>(in, classes))) {
    init_narrow(*linear);
  }
  Tensor forward(Tensor const& x_bchw) {
    return linear->forward(norm(at::adaptive_avg_pool2d(x_bchw, {1, 1}).flatten(1)));
  }
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> linear;
};

Net read_net(JsonReader& reader) {
  reader.one_of("size", "tiny", {"tiny"}, "what blocks and width are where they are not written");
  Net net;
  net.blocks = reader.integers("blocks", {3, 3, 9, 3}, {1, 1000}, "of each group; each has half the map of the last");
  net.width = reader.integer("width", net.width, {1, 4096}, "channels of the first group, doubled in each further one");
  net.patch = reader.integer("patch", net.patch, {1, 64}, "side of the stem's patches in pixels");
  net.layer_scale = reader.number("layer_scale", net.layer_scale, {1e-12, 10}, "what scales of branches start from");
  net.stochastic_depth = reader.number("stochastic_depth", net.stochastic_depth, {0, 0.99},
                                       "chance that a sample leaves out a block, growing with depth up to this");
  if (net.blocks.empty() || net.blocks.size() > 8)
    reader.fail("blocks", "expected 1 to 8 groups, found " + std::to_string(net.blocks.size()));
  return net;
}

void require_fit(Net const& net, ImageShape const& shape) {
  int const least = net.patch << (net.blocks.size() - 1);
  if (shape.height >= least && shape.width >= least) return;
  auto const pixels = [](int height, int width) { return std::to_string(height) + " x " + std::to_string(width); };
  throw SpecError("arch convnext: patches of " + std::to_string(net.patch) + " and " +
                  std::to_string(net.blocks.size()) + " groups need images of at least " + pixels(least, least) +
                  ", found " + pixels(shape.height, shape.width));
}

// Names of torchvision, where groups and the halving between them are numbered in turn, and of timm.
using Published = std::map<std::string, std::string>;

void name_block(Published& published, std::size_t group, int block, std::string const& ours) {
  auto const vision = "features." + std::to_string(2 * group + 1) + "." + std::to_string(block) + ".",
             timm = "stages." + std::to_string(group) + ".blocks." + std::to_string(block) + ".";
  published[vision + "block.0."] = published[timm + "conv_dw."] = ours + "depthwise.";
  published[vision + "block.2."] = published[timm + "norm."] = ours + "norm.";
  published[vision + "block.3."] = published[timm + "mlp.fc1."] = ours + "expand.";
  published[vision + "block.5."] = published[timm + "mlp.fc2."] = ours + "project.";
  published[vision + "layer_scale"] = published[timm + "gamma"] = ours + "scale";
}

void name_halving(Published& published, std::size_t group, std::string const& ours) {
  auto const vision = "features." + std::to_string(2 * group) + ".",
             timm = "stages." + std::to_string(group) + ".downsample.";
  published[vision + "0."] = published[timm + "0."] = ours + "down_norm.";
  published[vision + "1."] = published[timm + "1."] = ours + "down.";
}

}  // namespace

MakeBackbone convnext(JsonReader& reader) {
  auto const net = read_net(reader);
  reader.done();
  return [net](ImageShape const& shape, int classes, Builder& builder) {
    require_fit(net, shape);
    Backbone made;
    auto stem = builder.add("stage.stem", [&] { return std::make_shared<Stem>(shape.channels, net.width, net.patch); });
    made.stages.push_back(stage("stem", stem));
    made.published = {{"features.0.0.", "stage.stem.conv."},
                      {"stem.0.", "stage.stem.conv."},
                      {"features.0.1.", "stage.stem.norm."},
                      {"stem.1.", "stage.stem.norm."}};
    int count = 0, number = 0, in = net.width;
    for (auto const blocks : net.blocks) count += blocks;
    for (std::size_t group = 0; group < net.blocks.size(); ++group) {
      int const out = net.width << group;
      for (int i = 0; i < net.blocks[group]; ++i, ++number, in = out) {
        auto const name = std::to_string(number), ours = "stage." + name + ".";
        double const drop = net.stochastic_depth * number / std::max(1, count - 1);
        auto block =
            builder.add("stage." + name, [&] { return std::make_shared<Block>(in, out, net.layer_scale, drop); });
        made.stages.push_back(stage(name, block));
        name_block(made.published, group, i, ours);
        if (in != out) name_halving(made.published, group, ours);
      }
    }
    auto last = builder.add("last", [&] { return std::make_shared<Classifier>(in, classes); });
    made.last = classifier(last);
    made.published["classifier.0."] = made.published["head.norm."] = "last.norm.";
    made.published["classifier.2."] = made.published["head.fc."] = "last.linear.";
    return made;
  };
}

}  // namespace eexit::arch
