// A segmentation net: one answer a pixel, and exits that let sure pixels leave. What has left is masked to zero, so it
// changes what its neighbours see. A coarse branch travels beside the full-resolution one.
// b: batch, c: channels, h, w: height and width, k: classes, r: rows (pixels still computed, sample by sample).
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int classes = 3, channels = 6, side_length = 8;
enum Side { coarse };

torch::nn::Conv2d conv(int in, int out, int kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

// Zeros where pixels have left; a coarse cell goes when all its pixels have.
void mask(State& state) {
  if (!state.active.defined()) return;
  auto const active_b1hw = state.active.unsqueeze(1);
  state.x = state.x.masked_fill(active_b1hw.logical_not(), 0);
  auto const cells = torch::max_pool2d(active_b1hw.to(torch::kFloat32), 2).to(torch::kBool);
  state.side[coarse] = state.side[coarse].masked_fill(cells.logical_not(), 0);
}

struct Stem : torch::nn::Module {
  Stem() : conv1(register_module("conv1", conv(2, channels, 3))) {}
  State run(State state) {
    state.x = conv1(state.x).relu_();
    state.side = {torch::avg_pool2d(state.x, 2)};
    return state;
  }
  torch::nn::Conv2d conv1;
};

// Both branches are continued and exchanged.
struct Block : torch::nn::Module {
  Block()
      : full(register_module("full", conv(channels, channels, 3))),
        half(register_module("half", conv(channels, channels, 3))),
        up(register_module("up", conv(channels, channels, 1))) {}
  State run(State state) {
    mask(state);
    auto const half_bchw = half(state.side[coarse]).relu_();
    state.x = (full(state.x) + up(torch::upsample_nearest2d(half_bchw, {side_length, side_length}))).relu_();
    state.side[coarse] = half_bchw + torch::avg_pool2d(state.x, 2);
    return state;
  }
  torch::nn::Conv2d full, half, up;
};

// Pixels that left keep the answer they left with: later heads take it over from the head before.
Head pixel_head(std::shared_ptr<torch::nn::Conv2dImpl> const& layer) {
  return {layer, [layer](State const& state, Earlier const& earlier) {
            auto logits_bkhw = layer->forward(state.x);
            if (state.active.defined() && !earlier.empty())
              logits_bkhw = torch::where(state.active.unsqueeze(1), logits_bkhw, earlier.back().logits);
            return Answer{logits_bkhw, {}};
          }};
}

Tensor cross_entropy_pixels(Tensor const& logits_bkhw, Tensor const& target_bhw, double smoothing) {
  return torch::nn::functional::cross_entropy(
             logits_bkhw, target_bhw,
             torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone).label_smoothing(smoothing))
      .flatten();
}

Tensor active_pixels(Tensor const& logits_bkhw, State const& state) {
  auto const logits_bhwk = logits_bkhw.permute({0, 2, 3, 1});
  return state.active.defined() ? logits_bhwk.index({state.active}) : logits_bhwk.reshape({-1, logits_bkhw.size(1)});
}

// Pixels that leave are no longer active; a sample whose pixels have all left goes altogether.
void keep_pixels(State& state, Earlier& earlier, Tensor const& stay) {
  auto const& logits_bkhw = earlier.back().logits;
  auto const active_bhw =
      state.active.defined()
          ? state.active
          : torch::ones({logits_bkhw.size(0), logits_bkhw.size(2), logits_bkhw.size(3)}, torch::kBool);
  auto const positions = active_bhw.flatten().nonzero().squeeze(1).index({stay});
  auto const next = torch::zeros({active_bhw.numel()}, torch::kBool).index_fill_(0, positions, true);
  state.active = next.view(active_bhw.sizes());
  auto const samples = state.active.flatten(1).any(1).nonzero().squeeze(1);
  if (samples.size(0) < state.active.size(0)) drop_samples(state, earlier, samples);
}

// Mean over classes of intersection over union, from confusion counts.
double mean_iou(ExitTable const& table, Outcome const& outcome) {
  std::vector<int> both(classes), either(classes);
  for (int row = 0; row < table.rows; ++row) {
    auto const label = static_cast<std::size_t>(table.label[static_cast<std::size_t>(row)]);
    auto const guess =
        static_cast<std::size_t>(table.predicted[table.at(row, outcome.exit[static_cast<std::size_t>(row)])]);
    both[label] += label == guess;
    ++either[label];
    either[guess] += label != guess;
  }
  double sum = 0;
  int seen = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    if (either[k] == 0) continue;
    sum += static_cast<double>(both[k]) / either[k];
    ++seen;
  }
  return sum / seen;
}

Stage block_stage(std::string const& name, std::shared_ptr<Block> const& block) {
  // Every operator of a block works pixel by pixel, so its cost is in proportion to the pixels computed.
  return {.name = name,
          .module = block,
          .run = [block](State state) { return block->run(std::move(state)); },
          .cost_at = [](double active) { return active; }};
}

}  // namespace

SmallNet segmenter() {
  Task task{.loss = cross_entropy_pixels,
            .rows = active_pixels,
            .labels = classify().labels,
            .predict = argmax_rows,
            .confidence = softmax_confidence,
            .keep = keep_pixels,
            .score = mean_iou,
            .interacts = true};
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                auto stem = builder.add("stage.stem", [] { return std::make_shared<Stem>(); });
                net.stages.push_back({.name = "stem", .module = stem, .run = [stem](State state) {
                                        return stem->run(std::move(state));
                                      }});
                for (std::string const name : {"0", "1", "2"})
                  net.stages.push_back(
                      block_stage(name, builder.add("stage." + name, [] { return std::make_shared<Block>(); })));
                net.last = pixel_head(builder.add("last", [] { return conv(channels, classes, 1).ptr(); }));
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                for (std::string const name : {"0", "1"})
                  made.heads[name] =
                      pixel_head(builder.add("head." + name, [] { return conv(channels, classes, 1).ptr(); }));
                return made;
              },
          .input =
              [](int batch, std::uint64_t seed) {
                return State{.x = normals(batch, {2, side_length, side_length}, seed), .side = {}, .active = {}};
              },
          .target =
              [](int batch, std::uint64_t seed) {
                return integers(batch, {side_length, side_length}, classes, seed);
              },
          .task = std::move(task),
          .classes = classes,
          .rows_per_sample = side_length * side_length,
          .answer_shape = {classes, side_length, side_length}};
}

}  // namespace eexit::nets
