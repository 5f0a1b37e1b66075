// Residual networks (He et al. 2016): of CIFAR type (their section 4.2) with projection shortcuts (facts: architectures
// 2.2), and of ImageNet type with basic or bottleneck blocks (2.1, 2.4). x_bchw: batch, channels, height, width.
#include "core/arch/arch.h"
#include "core/arch/convnet.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

struct Layout {
  bool imagenet = false;
  int depth = 0;
  int width = 0;  // channels of the first group
  StemSize stem = {};
  int inner = 1;                 // bottlenecks: factor of their inner widths
  std::vector<int> groups = {};  // blocks of each
  bool bottleneck() const { return imagenet && depth >= 50; }
};

struct Stem : torch::nn::Module {
  Stem(int in, Layout const& net)
      : conv1(register_module("conv1", conv(in, net.width, net.stem.kernel, net.stem.stride))),
        bn1(register_module("bn1", torch::nn::BatchNorm2d(net.width))),
        pool(net.stem.pool) {
    if (net.imagenet) kaiming_normal(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const y_bchw = bn1(conv1(x_bchw)).relu_();
    return pool ? stem_pool(y_bchw) : y_bchw;
  }
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  bool pool;
};

struct Convolution {
  int in, out, kernel, stride = 1;
};

struct Block : torch::nn::Module {
  // The convolutions of the residual branch; the initialisation of He et al. 2015, or torch's.
  Block(std::vector<Convolution> const& branch, bool kaiming) {
    int stride = 1;
    for (auto const& [in, out, kernel, step] : branch) {
      auto const number = std::to_string(convs.size() + 1);
      convs.push_back(register_module("conv" + number, conv(in, out, kernel, step)));
      norms.push_back(register_module("bn" + number, torch::nn::BatchNorm2d(out)));
      stride *= step;
    }
    int const in = branch.front().in, out = branch.back().out;
    if (stride != 1 || in != out) {
      shortcut = register_module("shortcut", conv(in, out, 1, stride));
      shortcut_bn = register_module("shortcut_bn", torch::nn::BatchNorm2d(out));
    }
    if (kaiming) kaiming_normal(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto y_bchw = norms[0](convs[0](x_bchw));
    for (std::size_t i = 1; i < convs.size(); ++i) y_bchw = norms[i](convs[i](y_bchw.relu_()));
    return y_bchw.add_(shortcut ? shortcut_bn(shortcut(x_bchw)) : x_bchw).relu_();
  }
  std::vector<torch::nn::Conv2d> convs;
  std::vector<torch::nn::BatchNorm2d> norms;
  torch::nn::Conv2d shortcut{nullptr};
  torch::nn::BatchNorm2d shortcut_bn{nullptr};
};

// 4 is the expansion of a bottleneck.
int width_out(Layout const& net, int group) { return (net.width << group) * (net.bottleneck() ? 4 : 1); }

std::vector<Convolution> branch(Layout const& net, int group, int in, int stride) {
  int const width = net.width << group, out = width_out(net, group);
  if (!net.bottleneck()) return {{in, out, 3, stride}, {out, out, 3}};
  int const inner = width * net.inner;
  return {{in, inner, 1}, {inner, inner, 3, stride}, {inner, out, 1}};
}

// Presets of placement: the benchmark's for ResNet-34 and 50, and one with an earlier exit, as its tables must have
// had; for ResNet-56 that of shallow-deep networks.
void add_presets(Backbone& net, Layout const& layout) {
  if (layout.imagenet && (layout.depth == 34 || layout.depth == 50)) {
    net.presets["reference"] = {"4", "6", "8", "10", "12", "14"};
    net.presets["default"] = {"2", "4", "6", "8", "10", "12", "14"};
  }
  if (!layout.imagenet && layout.depth == 56) net.presets["reference"] = {"3", "7", "11", "15", "19", "23"};
}

void publish(Backbone& net, std::string const& theirs, std::string const& ours, Block const& block) {
  net.published[theirs] = ours;
  if (!block.shortcut) return;
  net.published[theirs + "downsample.0."] = ours + "shortcut.";
  net.published[theirs + "downsample.1."] = ours + "shortcut_bn.";
}

// What flows from block to block, from one shortcut that has weights to the next, and what is inside each block.
void add_channels(Backbone& net, std::vector<std::pair<std::string, std::shared_ptr<Block>>> const& blocks,
                  std::int64_t width) {
  Channels flow{.name = "after stage.stem",
                .count = width,
                .written = {"stage.stem.conv1"},
                .scaled = {"stage.stem.bn1"},
                .seen = {"stem"}};
  for (auto const& [name, block] : blocks) {
    auto const at = "stage." + name + ".";
    auto const last = std::to_string(block->convs.size());
    flow.read.push_back(at + "conv1");
    if (block->shortcut) {
      flow.read.push_back(at + "shortcut");
      net.channels.push_back(flow);
      flow = {.name = "after " + at.substr(0, at.size() - 1),
              .count = block->convs.back()->options.out_channels(),
              .written = {at + "shortcut"},
              .scaled = {at + "shortcut_bn"}};
    }
    flow.written.push_back(at + "conv" + last);
    flow.scaled.push_back(at + "bn" + last);
    flow.seen.push_back(name);
    for (std::size_t i = 0; i + 1 < block->convs.size(); ++i) {
      auto const number = std::to_string(i + 1);
      net.channels.push_back({.name = "inside " + at + "conv" + number,
                              .count = block->convs[i]->options.out_channels(),
                              .written = {at + "conv" + number},
                              .scaled = {at + "bn" + number},
                              .read = {at + "conv" + std::to_string(i + 2)}});
    }
  }
  flow.read.emplace_back("last");
  net.channels.push_back(flow);
}

Layout read_layout(JsonReader& reader) {
  static std::map<int, std::vector<int>> const imagenet = {
      {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
  Layout net;
  net.imagenet = reader.later_one_of("type", "cifar", {"cifar", "imagenet"},
                                     "cifar: 3 groups of basic blocks; imagenet: 4 groups, wider, bottlenecks from "
                                     "depth 50 on") == "imagenet";
  net.depth =
      reader.integer("depth", net.imagenet ? 50 : 20, {8, 1202},
                     "layers; cifar, 6n+2: 8, 14, 20, 32, 44, 56, 110; imagenet (default 50): 18, 34, 50, 101, 152");
  net.width = reader.integer("width", net.imagenet ? 64 : 16, {1, 4096},
                             "channels of the first group, doubled in each of the others; default 64 for imagenet");
  net.stem = stem_size(reader.later_one_of("stem", "3x3", stem_names(), stem_help));
  net.inner = reader.integer_where(net.bottleneck(), "inner", 1, {1, 16},
                                   "bottlenecks: factor of their inner widths; 2 at depth 101: Wide ResNet-101-2");
  auto const found = ", found " + std::to_string(net.depth);
  if (net.imagenet) {
    auto const groups = imagenet.find(net.depth);
    if (groups == imagenet.end()) reader.fail("depth", "expected 18, 34, 50, 101 or 152 for type imagenet" + found);
    net.groups = groups->second;
    return net;
  }
  if ((net.depth - 2) % 6 != 0)
    reader.fail("depth", "expected 6n+2 (8, 14, 20, 26, 32, ...)" + found +
                             (imagenet.contains(net.depth) ? ", which is a depth of type imagenet" : ""));
  net.groups.assign(3, (net.depth - 2) / 6);
  return net;
}

}  // namespace

MakeBackbone resnet(JsonReader& reader) {
  auto const layout = read_layout(reader);
  reader.done();
  return [layout](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    net.stages.push_back(
        stage("stem", builder.add("stage.stem", [&] { return std::make_shared<Stem>(shape.channels, layout); })));
    int in = layout.width;
    std::vector<std::pair<std::string, std::shared_ptr<Block>>> blocks;
    for (int group = 0; group < static_cast<int>(layout.groups.size()); ++group) {
      for (int at = 0; at < layout.groups[static_cast<std::size_t>(group)]; ++at) {
        auto const convolutions = branch(layout, group, in, group > 0 && at == 0 ? 2 : 1);
        auto const name = std::to_string(net.stages.size() - 1);
        auto block =
            builder.add("stage." + name, [&] { return std::make_shared<Block>(convolutions, layout.imagenet); });
        net.stages.push_back(stage(name, block));
        blocks.emplace_back(name, block);
        if (layout.imagenet)
          publish(net, "layer" + std::to_string(group + 1) + "." + std::to_string(at) + ".", "stage." + name + ".",
                  *block);
        in = width_out(layout, group);
      }
    }
    auto linear = builder.add("last", [&] { return std::make_shared<Linear>(in, classes); });
    net.last = {linear, [linear](State const& state, Earlier const&) {
                  return Answer{linear->forward(at::adaptive_avg_pool2d(state.x, {1, 1}).flatten(1)), {}};
                }};
    add_presets(net, layout);
    add_channels(net, blocks, layout.width);
    if (!layout.imagenet) return net;
    net.published["conv1."] = "stage.stem.conv1.";
    net.published["bn1."] = "stage.stem.bn1.";
    net.published["fc."] = "last.";
    return net;
  };
}

}  // namespace eexit::arch
