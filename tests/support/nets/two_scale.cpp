// A net of two scales in the manner of multi-scale dense networks: State.x is the coarse scale that heads read, the
// fine scale travels beside it and is dropped where nothing needs it any more. x_bchw: batch, channels, height, width.
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int classes = 4, fine_channels = 6, coarse_channels = 8;
enum Side { fine };

// Convolution, BatchNorm, ReLU.
struct ConvUnit : torch::nn::Module {
  ConvUnit(int in, int out, int stride)
      : conv(register_module(
            "conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)))),
        norm(register_module("norm", torch::nn::BatchNorm2d(out))) {}
  Tensor forward(Tensor const& x_bchw) { return norm(conv(x_bchw)).relu_(); }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d norm;
};
using UnitPtr = std::shared_ptr<ConvUnit>;

struct Stem : torch::nn::Module {
  Stem()
      : to_fine(register_module("to_fine", std::make_shared<ConvUnit>(1, fine_channels, 1))),
        to_coarse(register_module("to_coarse", std::make_shared<ConvUnit>(fine_channels, coarse_channels, 2))) {}
  State run(State state) {
    state.side = {to_fine->forward(state.x)};
    state.x = to_coarse->forward(state.side[fine]);
    return state;
  }
  UnitPtr to_fine, to_coarse;
};

// Each scale is continued densely; the coarse one also takes from the fine one. The last layer has no fine scale.
struct Layer : torch::nn::Module {
  Layer(int depth, bool last)
      : down(register_module("down", std::make_shared<ConvUnit>(fine_channels * depth, coarse_channels / 2, 2))),
        coarse(register_module("coarse", std::make_shared<ConvUnit>(coarse_channels * depth, coarse_channels / 2, 1))) {
    if (!last) along = register_module("along", std::make_shared<ConvUnit>(fine_channels * depth, fine_channels, 1));
  }
  State run(State state) {
    state.x = torch::cat({state.x, coarse->forward(state.x), down->forward(state.side[fine])}, 1);
    if (along)
      state.side[fine] = torch::cat({state.side[fine], along->forward(state.side[fine])}, 1);
    else
      state.side.clear();
    return state;
  }
  UnitPtr down, coarse, along;
};

struct ConvHead : torch::nn::Module {
  explicit ConvHead(int in)
      : squeeze(register_module("squeeze", std::make_shared<ConvUnit>(in, 8, 2))),
        linear(register_module("linear", std::make_shared<Linear>(8, classes))) {}
  Tensor forward(Tensor const& x_bchw) {
    return linear->forward(torch::avg_pool2d(squeeze->forward(x_bchw), 2).flatten(1));
  }
  UnitPtr squeeze;
  std::shared_ptr<Linear> linear;
};

template <class Module>
Stage stage(std::string const& name, std::shared_ptr<Module> const& module) {
  return {.name = name, .module = module, .run = [module](State state) { return module->run(std::move(state)); }};
}

// Mean of the classes' shares of right answers: a class counts as much as another, however rare.
double balanced_accuracy(ExitTable const& table, Outcome const& outcome) {
  std::vector<int> right(classes), all(classes);
  for (int row = 0; row < table.rows; ++row) {
    auto const label = static_cast<std::size_t>(table.label[static_cast<std::size_t>(row)]);
    ++all[label];
    right[label] += table.right(row, outcome.exit[static_cast<std::size_t>(row)]);
  }
  double sum = 0;
  int seen = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    if (all[k] == 0) continue;
    sum += static_cast<double>(right[k]) / all[k];
    ++seen;
  }
  return sum / seen;
}

}  // namespace

SmallNet two_scale() {
  auto task = classify();
  task.score = balanced_accuracy;
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                net.stages.push_back(stage("stem", builder.add("stage.stem", [] { return std::make_shared<Stem>(); })));
                for (int i = 0; i < 3; ++i) {
                  auto const name = std::to_string(i);
                  net.stages.push_back(stage(
                      name, builder.add("stage." + name, [&] { return std::make_shared<Layer>(i + 1, i == 2); })));
                }
                net.last =
                    plain_head(builder.add("last", [] { return std::make_shared<ConvHead>(4 * coarse_channels); }));
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                for (int i = 0; i < 2; ++i) {
                  auto const name = std::to_string(i);
                  made.heads[name] = plain_head(builder.add(
                      "head." + name, [&] { return std::make_shared<ConvHead>((i + 2) * coarse_channels); }));
                }
                return made;
              },
          .input =
              [](int batch, std::uint64_t seed) {
                return State{.x = normals(batch, {1, 8, 8}, seed), .side = {}, .active = {}};
              },
          .target = [](int batch, std::uint64_t seed) { return integers(batch, {}, classes, seed); },
          .task = std::move(task),
          .classes = classes,
          .answer_shape = {classes}};
}

}  // namespace eexit::nets
