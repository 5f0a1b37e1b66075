// An autoencoder of fully connected layers for deep clustering (facts: class-means 9): it learns from images alone; its
// last exit is the nearest of the centres that a fit finds in the embedding. b: batch, e: embedding, k: clusters.
#include "core/arch/arch.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

// The centres of clusters, and the mirrored layers back to the image, which training alone uses.
struct Decoder : torch::nn::Module {
  Decoder(std::vector<int> const& widths, std::int64_t pixels, int embedding, int clusters) {
    center = register_buffer("center", torch::zeros({clusters, embedding}));
    std::int64_t in = embedding;
    for (auto i = widths.size(); i-- > 0;) add(in, widths[i]);
    add(in, pixels);
  }
  void add(std::int64_t& in, std::int64_t out) {
    layers.push_back(register_module("layer" + std::to_string(layers.size()), std::make_shared<Linear>(in, out)));
    in = out;
  }
  Tensor image(Tensor const& embedding_be) const {
    auto x = embedding_be;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      x = layers[i]->forward(x);
      if (i + 1 < layers.size()) x = torch::relu(x);
    }
    return x;
  }
  Tensor center;
  std::vector<std::shared_ptr<Linear>> layers;
};

// Mean over pixels of the squared error: [b].
Tensor error_b(Decoder const& decoder, State const& input, Answer const& last) {
  return (decoder.image(at_least_f32(last.memo)) - input.x.flatten(1)).square().mean(1);
}

}  // namespace

MakeBackbone autoencoder(JsonReader& reader) {
  auto const widths =
      reader.integers("widths", {500, 500, 2000}, {1, 65536}, "units of each hidden layer; mirrored back");
  auto const embedding = reader.integer("embedding", 10, {1, 65536}, "numbers that an image becomes");
  if (widths.empty()) reader.fail("widths", "at least one hidden layer is needed");
  reader.done();
  return [=](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    net.stages.push_back({.name = "stem", .module = nullptr, .run = [](State state) {
                            state.x = state.x.flatten(1);
                            return state;
                          }});
    std::int64_t in = shape.bytes();
    for (std::size_t i = 0; i <= widths.size(); ++i) {
      auto const name = std::to_string(i);
      bool const hidden = i < widths.size();
      auto layer =
          builder.add("stage." + name, [&] { return std::make_shared<Linear>(in, hidden ? widths[i] : embedding); });
      net.stages.push_back({.name = name, .module = layer, .run = [layer, hidden](State state) {
                              state.x = layer->forward(state.x);
                              if (hidden) state.x = torch::relu(state.x);
                              return state;
                            }});
      if (hidden) in = widths[i];
    }
    auto decoder =
        builder.add("last", [&] { return std::make_shared<Decoder>(widths, shape.bytes(), embedding, classes); });
    net.last = {decoder, [decoder](State const& state, Earlier const&) {
                  return Answer{row_distances(at_least_f32(state.x), decoder->center) * -1, state.x};
                }};
    net.unlabelled = {
        .loss = [decoder](State const& input, Answer const& last) { return error_b(*decoder, input, last); },
        // Images are normalised by the training set's constants: without a model the error would be about their
        // variance.
        .right =
            [decoder](State const& input, Answer const& last) {
              auto const x_bp = input.x.flatten(1);
              auto const spread_b = (x_bp - x_bp.mean(0, true)).square().mean(1);
              return (1 - error_b(*decoder, input, last) / spread_b).clamp_min(0).sum();
            }};
    return net;
  };
}

}  // namespace eexit::arch
