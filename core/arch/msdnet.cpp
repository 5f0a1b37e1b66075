// Multi-scale dense networks (Huang et al. 2018) as their public port has them (facts: architectures 8, methods 8).
// A stage is a block, the layers between two of the published classifiers. State.x is the coarsest scale, which exits
// see; State.side holds the other scales that are still computed, the finest first.
// x_bchw: batch, channels, height, width.
#include <cmath>
#include <numeric>
#include <optional>

#include "core/arch/arch.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

// Channels of scale s: so many times what is named `width`; bottlenecks: so many times what a convolution adds.
struct Factors {
  std::vector<int> growth, bottleneck;
};

struct LayerShape {
  int in = 0, out = 0;  // scales before and after; the coarsest ones stay
  int width = 0, added = 0;
  std::optional<int> reduced;  // width after a further 1x1 convolution of each scale; none: no such
  int last_width() const { return reduced.value_or(width + added); }
};

struct Net {
  std::string stem;
  int channels = 0, classifier = 0;  // classifier: 0 for as many channels as the features
  Factors factors;
  std::vector<std::vector<LayerShape>> blocks;
};

// The finest of those computed comes first.
using Scales = std::vector<Tensor>;

State state_of(Scales scales) {
  auto coarsest = std::move(scales.back());
  scales.pop_back();
  return {.x = std::move(coarsest), .side = std::move(scales), .active = {}};
}

Scales scales_of(State state) {
  auto scales = std::move(state.side);
  scales.push_back(std::move(state.x));
  return scales;
}

struct Stem : torch::nn::Module {
  Stem(int in, Net const& net) : pooled(net.stem == "7x7-pool") {
    int before = in;
    for (auto const factor : net.factors.growth) {
      bool const finest = scales.empty();
      ConvNormShape const shape{.in = before,
                                .out = net.channels * factor,
                                .kernel = finest && pooled ? 7 : 3,
                                .stride = finest && !pooled ? 1 : 2};
      scales.push_back(register_module("scale" + std::to_string(scales.size()), std::make_shared<ConvNorm>(shape)));
      before = net.channels * factor;
    }
  }
  Scales forward(Tensor const& x_bchw) {
    Scales made;
    for (auto const& scale : scales) {
      made.push_back(scale->forward(made.empty() ? x_bchw : made.back()).relu_());
      if (pooled && made.size() == 1) made[0] = at::max_pool2d(made[0], {3, 3}, {2, 2}, {1, 1});
    }
    return made;
  }
  bool pooled;
  std::vector<std::shared_ptr<ConvNorm>> scales;
};

// 1x1 to a few times the channels wanted, 3x3.
struct Bottleneck : torch::nn::Module {
  Bottleneck(int in, int out, int factor, int stride)
      : reduce(register_module("reduce", std::make_shared<ConvNorm>(
                                             ConvNormShape{.in = in, .out = std::min(in, factor * out), .kernel = 1}))),
        conv(register_module("conv", std::make_shared<ConvNorm>(ConvNormShape{
                                         .in = std::min(in, factor * out), .out = out, .stride = stride}))) {}
  Tensor forward(Tensor const& x_bchw) { return conv->forward(reduce->forward(x_bchw).relu_()).relu_(); }
  std::shared_ptr<ConvNorm> reduce, conv;
};

// What a layer does at one scale: keeps what there is and adds channels from it and, `down`, from the next finer one.
struct Grow : torch::nn::Module {
  Grow(Factors const& factors, std::size_t scale, LayerShape const& layer, bool from_finer) {
    auto const& [growth, bottleneck] = factors;
    int const added = layer.added * growth[scale];
    if (from_finer)
      down = register_module(
          "down", std::make_shared<Bottleneck>(layer.width * growth[scale - 1], added / 2, bottleneck[scale - 1], 2));
    same = register_module("same", std::make_shared<Bottleneck>(layer.width * growth[scale],
                                                                from_finer ? added / 2 : added, bottleneck[scale], 1));
    if (!layer.reduced) return;
    reduce = register_module(
        "reduce",
        std::make_shared<ConvNorm>(ConvNormShape{
            .in = (layer.width + layer.added) * growth[scale], .out = *layer.reduced * growth[scale], .kernel = 1}));
  }
  Tensor forward(Tensor const& finer_bchw, Tensor const& x_bchw) {
    auto const grown = down ? torch::cat({x_bchw, down->forward(finer_bchw), same->forward(x_bchw)}, 1)
                            : torch::cat({x_bchw, same->forward(x_bchw)}, 1);
    return reduce ? reduce->forward(grown).relu_() : grown;
  }
  std::shared_ptr<Bottleneck> down, same;
  std::shared_ptr<ConvNorm> reduce;
};

struct Layer : torch::nn::Module {
  Layer(Factors const& factors, LayerShape const& layer) {
    auto const all = factors.growth.size(), finest = all - static_cast<std::size_t>(layer.out);
    for (auto scale = finest; scale < all; ++scale)
      scales.push_back(
          register_module("scale" + std::to_string(scale),
                          std::make_shared<Grow>(factors, scale, layer, scale > finest || layer.in > layer.out)));
  }
  Scales forward(Scales const& x) {
    Scales made;
    for (auto at = x.size() - scales.size(); auto const& scale : scales) {
      made.push_back(scale->forward(at > 0 ? x[at - 1] : Tensor(), x[at]));
      ++at;
    }
    return made;
  }
  std::vector<std::shared_ptr<Grow>> scales;
};

struct Block : torch::nn::Module {
  Block(Factors const& factors, std::vector<LayerShape> const& shapes) {
    for (auto const& shape : shapes)
      layers.push_back(
          register_module("layer" + std::to_string(layers.size()), std::make_shared<Layer>(factors, shape)));
  }
  Scales forward(Scales x) {
    for (auto const& layer : layers) x = layer->forward(x);
    return x;
  }
  std::vector<std::shared_ptr<Layer>> layers;
};

// The same as the head "msdnet" of exits.
struct Classifier : torch::nn::Module {
  Classifier(int in, int width, int classes)
      : features(register_module("features", std::make_shared<ConvPool>(in, width))),
        linear(register_module("linear", std::make_shared<Linear>(width, classes))) {
    torch::NoGradGuard no_grad;
    torch::nn::init::zeros_(linear->bias);
  }
  Tensor forward(Tensor const& x_bchw) { return linear->forward(features->forward(x_bchw)); }
  std::shared_ptr<ConvPool> features;
  std::shared_ptr<Linear> linear;
};

struct Preset {
  int blocks = 7, base = 4, step = 2;
  std::string step_mode = "even", stem = "3x3";
  int channels = 16, growth = 6, classifier = 128;
  std::vector<int> factors = {1, 2, 4};
};

Preset preset_of(std::string const& name) {
  if (name == "anytime") return {};
  if (name == "budgeted") return {.blocks = 5, .base = 1, .step = 1, .step_mode = "lin_grow"};
  return {.blocks = 5,
          .base = 4,
          .step = 4,
          .stem = "7x7-pool",
          .channels = 32,
          .growth = 16,
          .classifier = 0,
          .factors = {1, 2, 4, 4}};
}

// When scales are dropped and widths reduced.
struct Pruning {
  bool evenly;  // prune max: the layers are shared out evenly among the scales; min: a scale goes when no later layer
                // needs it
  double reduction;
};

std::vector<LayerShape> layers_of(int count, int scales, int width, int growth, Pruning const& rule) {
  int const share = (count + scales - 1) / scales;
  std::vector<LayerShape> layers;
  for (int depth = 1; depth <= count; ++depth) {
    LayerShape layer{.width = width, .added = growth};
    layer.in = rule.evenly ? scales - std::max(0, depth - 2) / share : std::min(scales, count - depth + 2);
    layer.out = rule.evenly ? scales - (depth - 1) / share : std::min(scales, count - depth + 1);
    bool const due = rule.evenly ? layer.in > layer.out : depth == count / 3 || depth == 2 * count / 3;
    if (due && rule.reduction > 0) layer.reduced = static_cast<int>(std::floor(rule.reduction * (width + growth)));
    width = layer.last_width();
    layers.push_back(layer);
  }
  return layers;
}

std::vector<int> sizes_of(Preset const& asked) {
  std::vector<int> sizes = {asked.base};
  for (int i = 1; i < asked.blocks; ++i) sizes.push_back(asked.step_mode == "even" ? asked.step : asked.step * i + 1);
  return sizes;
}

Net read_net(JsonReader& reader) {
  auto const preset = reader.one_of("preset", "anytime", {"anytime", "budgeted", "imagenet"},
                                    "published values that the others start from: anytime and budgeted for CIFAR");
  auto asked = preset_of(preset);
  asked.blocks = reader.integer("blocks", asked.blocks, {1, 100}, "an exit is possible after each");
  asked.base = reader.integer("base", asked.base, {1, 100}, "layers of the first block");
  asked.step = reader.integer("step", asked.step, {1, 100}, "layers of each further block");
  asked.step_mode = reader.one_of("step_mode", asked.step_mode, {"even", "lin_grow"},
                                  "even: step layers each; lin_grow: step * i + 1 in block i");
  asked.stem = reader.one_of("stem", asked.stem, {"3x3", "7x7-pool"},
                             "first convolution: 3x3 of stride 1, or 7x7 of stride 2 and a max-pool");
  asked.channels = reader.integer("channels", asked.channels, {1, 4096}, "of the first layer, times growth_factors");
  asked.growth = reader.integer("growth", asked.growth, {1, 4096}, "channels added by a layer, times growth_factors");
  asked.factors = reader.integers("growth_factors", asked.factors, {1, 64}, "of each scale, the finest first");
  auto const bottlenecks = reader.integers("bottleneck_factors", asked.factors, {1, 64},
                                           "of each scale: its 1x1 convolutions have at most as many times the "
                                           "channels that are added");
  asked.classifier = reader.integer("classifier", asked.classifier, {0, 65536},
                                    "channels of the last classifier's convolutions, 0 for as many as its features");
  bool const evenly =
      reader.one_of("prune", "max", {"max", "min"},
                    "max: scales are dropped at even distances; min: when no layer needs them") == "max";
  double const reduction = reader.number("reduction", 0.5, {0, 1},
                                         "of the channels where a scale is dropped (min: after each third); 0: none");

  auto const scales = asked.factors.size();
  if (scales == 0) reader.fail("growth_factors", "at least one scale is needed");
  if (bottlenecks.size() != scales)
    reader.fail("bottleneck_factors", "expected " + std::to_string(scales) + " numbers, one for each scale, found " +
                                          std::to_string(bottlenecks.size()));
  for (std::size_t s = 1; s < scales; ++s)
    if (asked.growth * asked.factors[s] % 2 != 0)
      reader.fail("growth",
                  "times the factor of every scale but the finest it must be even: half comes from the finer "
                  "scale, found " +
                      std::to_string(asked.growth) + " * " + std::to_string(asked.factors[s]));
  auto const sizes = sizes_of(asked);
  auto const layers = layers_of(std::accumulate(sizes.begin(), sizes.end(), 0), static_cast<int>(scales),
                                asked.channels, asked.growth, {evenly, reduction});
  if (layers.back().out > 1)
    reader.fail("prune", "max leaves " + std::to_string(layers.back().out) + " scales after the last of " +
                             std::to_string(layers.size()) + " layers, where nothing reads the finer ones");
  for (auto const& layer : layers)
    if (layer.last_width() == 0) reader.fail("reduction", "leaves no channel");

  Net net{.stem = asked.stem,
          .channels = asked.channels,
          .classifier = asked.classifier,
          .factors = {asked.factors, bottlenecks}};
  auto next = layers.begin();
  for (auto const size : sizes) {
    net.blocks.emplace_back(next, next + size);
    next += size;
  }
  return net;
}

}  // namespace

MakeBackbone msdnet(JsonReader& reader) {
  auto const net = read_net(reader);
  reader.done();
  return [net](ImageShape const& shape, int classes, Builder& builder) {
    Backbone made;
    auto stem = builder.add("stage.stem", [&] { return std::make_shared<Stem>(shape.channels, net); });
    made.stages.push_back({.name = "stem", .module = stem, .run = [stem](State const& state) {
                             return state_of(stem->forward(state.x));
                           }});
    for (auto const& layers : net.blocks) {
      auto const name = std::to_string(made.stages.size() - 1);
      auto block = builder.add("stage." + name, [&] { return std::make_shared<Block>(net.factors, layers); });
      made.stages.push_back({.name = name, .module = block, .run = [block](State state) {
                               return state_of(block->forward(scales_of(std::move(state))));
                             }});
      if (made.stages.size() <= net.blocks.size()) made.presets["default"].push_back(name);
    }
    int const features = net.blocks.back().back().last_width() * net.factors.growth.back();
    auto last = builder.add("last", [&] {
      return std::make_shared<Classifier>(features, net.classifier > 0 ? net.classifier : features, classes);
    });
    made.last = {last, [last](State const& state, Earlier const&) { return Answer{last->forward(state.x), {}}; }};
    return made;
  };
}

}  // namespace eexit::arch
