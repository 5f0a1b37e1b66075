// x_bchw: batch, channels, height, width.
#include "core/arch/mb_net.h"

#include <cmath>
#include <numeric>

#include "core/arch/convnet.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

using Published = std::map<std::string, std::string>;

struct Norm {
  double eps, momentum;
};

struct BlockShape {
  bool fused;
  std::int64_t in, out;
  int expand, kernel, stride;
  double drop;  // chance of the branch, in training
};

// Squeeze-and-excite with SiLU inside.
struct SqueezeExcite : torch::nn::Module {
  SqueezeExcite(std::int64_t channels, std::int64_t squeezed)
      : fc1(register_module("fc1", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, squeezed, 1)))),
        fc2(register_module("fc2", torch::nn::Conv2d(torch::nn::Conv2dOptions(squeezed, channels, 1)))) {
    init_by_outputs(fc1);
    init_by_outputs(fc2);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const squeezed_bc11 = torch::silu(fc1(at::adaptive_avg_pool2d(x_bchw, {1, 1})));
    return x_bchw * torch::sigmoid(fc2(squeezed_bc11));
  }
  torch::nn::Conv2d fc1, fc2;
};

// Plain: 1x1 to `expand` times the channels, depthwise, squeeze-and-excite, 1x1. Fused: a full convolution, 1x1.
// Without widening the plain one begins depthwise and the fused one is its convolution alone.
struct Block : torch::nn::Module {
  Block(BlockShape const& shape, Norm const& norm)
      : skip(shape.stride == 1 && shape.in == shape.out), drop(shape.drop) {
    auto const inner = shape.in * shape.expand;
    auto const add = [&](std::string const& name, ConvNormShape conv) {
      conv.eps = norm.eps;
      conv.momentum = norm.momentum;
      return register_module(name, std::make_shared<ConvNorm>(conv));
    };
    bool const one = shape.fused && shape.expand == 1;
    if (shape.fused)
      expand = add("expand",
                   {.in = shape.in, .out = one ? shape.out : inner, .kernel = shape.kernel, .stride = shape.stride});
    else if (shape.expand > 1)
      expand = add("expand", {.in = shape.in, .out = inner, .kernel = 1});
    if (!shape.fused) {
      depthwise = add("depthwise",
                      {.in = inner, .out = inner, .kernel = shape.kernel, .stride = shape.stride, .groups = inner});
      // A quarter of what enters the block, not of what enters here.
      auto const squeezed = std::max<std::int64_t>(1, shape.in / 4);
      excite = register_module("excite", std::make_shared<SqueezeExcite>(inner, squeezed));
    }
    if (!one) project = add("project", {.in = inner, .out = shape.out, .kernel = 1});
  }

  Tensor forward(Tensor const& x_bchw) {
    auto y = x_bchw;
    if (expand) y = torch::silu(expand->forward(y));
    if (depthwise) y = excite->forward(torch::silu(depthwise->forward(y)));
    if (project) y = project->forward(y);
    return skip ? drop_branches(y, drop, is_training()).add_(x_bchw) : y;
  }

  // torchvision counts the parts that a block has.
  void publish(std::string const& theirs, std::string const& ours, Published& published) const {
    int part = 0;
    auto const conv_norm = [&](std::string const& name) {
      auto const at = theirs + std::to_string(part++) + ".";
      published[at + "0."] = ours + name + ".conv.";
      published[at + "1."] = ours + name + ".bn.";
    };
    if (expand) conv_norm("expand");
    if (depthwise) {
      conv_norm("depthwise");
      published[theirs + std::to_string(part++) + "."] = ours + "excite.";
    }
    if (project) conv_norm("project");
  }

  bool skip;
  double drop;
  std::shared_ptr<ConvNorm> expand, depthwise, project;
  std::shared_ptr<SqueezeExcite> excite;
};

struct Classifier : torch::nn::Module {
  Classifier(ConvNormShape const& shape, double dropped, int classes)
      : dropout(dropped),
        conv(register_module("conv", std::make_shared<ConvNorm>(shape))),
        linear(register_module("linear", std::make_shared<Linear>(shape.out, classes))) {
    torch::NoGradGuard no_grad;
    double const bound = 1 / std::sqrt(static_cast<double>(classes));
    torch::nn::init::uniform_(linear->weight, -bound, bound);
    torch::nn::init::zeros_(linear->bias);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const features_bc = at::adaptive_avg_pool2d(torch::silu(conv->forward(x_bchw)), {1, 1}).flatten(1);
    return linear->forward(at::dropout(features_bc, dropout, is_training()));
  }
  double dropout;
  std::shared_ptr<ConvNorm> conv;
  std::shared_ptr<Linear> linear;
};

}  // namespace

MbNet read_mb_net(JsonReader& reader, MbNet table) {
  table.dropout = reader.number("dropout", table.dropout, {0, 0.99}, "before the classifier");
  table.stochastic_depth = reader.number("stochastic_depth", table.stochastic_depth, {0, 0.99},
                                         "chance that a sample leaves out a block, growing with depth up to this");
  table.momentum = reader.number("norm_momentum", table.momentum, {1e-6, 1}, norm_momentum_help);
  double const width =
      reader.number("width", 1, {0.01, 16}, "multiplies all channels, which are then rounded to a multiple of 8");
  table.stem = in_eights(table.stem * width);
  table.head = in_eights(table.head * width);
  std::vector<int> blocks;
  for (auto& group : table.groups) {
    group.out = in_eights(group.out * width);
    blocks.push_back(group.blocks);
  }
  auto const asked = reader.integers("blocks", blocks, {0, 1000}, "of each group; 0 leaves it out");
  if (asked.size() != blocks.size())
    reader.fail("blocks", "expected " + std::to_string(blocks.size()) + " numbers, one for each group, found " +
                              std::to_string(asked.size()));
  for (std::size_t i = 0; i < asked.size(); ++i) table.groups[i].blocks = asked[i];
  if (std::accumulate(asked.begin(), asked.end(), 0) == 0) reader.fail("blocks", "at least one block is needed");
  return table;
}

Backbone build_mb_net(MbNet const& table, ImageShape const& shape, int classes, Builder& builder) {
  Backbone net;
  auto const conv_norm = [&](std::int64_t in, std::int64_t out, int kernel, int stride) {
    return ConvNormShape{
        .in = in, .out = out, .kernel = kernel, .stride = stride, .eps = table.eps, .momentum = table.momentum};
  };
  auto stem = builder.add("stage.stem",
                          [&] { return std::make_shared<ConvNorm>(conv_norm(shape.channels, table.stem, 3, 2)); });
  net.stages.push_back({.name = "stem", .module = stem, .run = [stem](State state) {
                          state.x = torch::silu(stem->forward(state.x));
                          return state;
                        }});
  net.published = {{"features.0.0.", "stage.stem.conv."}, {"features.0.1.", "stage.stem.bn."}};
  int count = 0, number = 0;
  for (auto const& group : table.groups) count += group.blocks;
  int in = table.stem;
  for (std::size_t g = 0; g < table.groups.size(); ++g) {
    auto const& group = table.groups[g];
    for (int i = 0; i < group.blocks; ++i, ++number, in = group.out) {
      BlockShape const block{.fused = group.fused,
                             .in = in,
                             .out = group.out,
                             .expand = group.expand,
                             .kernel = group.kernel,
                             .stride = i == 0 ? group.stride : 1,
                             .drop = table.stochastic_depth * number / count};
      auto const name = std::to_string(number);
      auto module = builder.add("stage." + name, [&] {
        return std::make_shared<Block>(block, Norm{table.eps, table.momentum});
      });
      net.stages.push_back(stage(name, module));
      module->publish("features." + std::to_string(g + 1) + "." + std::to_string(i) + ".block.", "stage." + name + ".",
                      net.published);
    }
  }
  auto last = builder.add(
      "last", [&] { return std::make_shared<Classifier>(conv_norm(in, table.head, 1, 1), table.dropout, classes); });
  net.last = classifier(last);
  auto const head = "features." + std::to_string(table.groups.size() + 1) + ".";
  net.published[head + "0."] = "last.conv.conv.";
  net.published[head + "1."] = "last.conv.bn.";
  net.published["classifier.1."] = "last.linear.";
  return net;
}

}  // namespace eexit::arch
