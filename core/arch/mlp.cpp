#include "core/arch/arch.h"
#include "core/net/layers.h"

namespace eexit::arch {

MakeBackbone mlp(JsonReader& reader) {
  auto const widths = reader.integers("widths", {256, 256}, {1, 65536}, "units of each hidden layer");
  if (widths.empty()) reader.fail("widths", "at least one hidden layer is needed");
  reader.done();
  return [widths](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    net.stages.push_back({.name = "stem", .module = nullptr, .run = [](State state) {
                            state.x = state.x.flatten(1);
                            return state;
                          }});
    std::int64_t in = shape.bytes();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      auto const name = std::to_string(i);
      auto layer = builder.add("stage." + name, [&] { return std::make_shared<Linear>(in, widths[i]); });
      net.stages.push_back({.name = name, .module = layer, .run = [layer](State state) {
                              state.x = torch::relu(layer->forward(state.x));
                              return state;
                            }});
      // A classifier reads the last ones, the next layer the others.
      bool const ends = i + 1 == widths.size();
      net.channels.push_back({.name = "units of stage." + name,
                              .count = widths[i],
                              .written = {"stage." + name},
                              .scaled = {},
                              .read = {ends ? "last" : "stage." + std::to_string(i + 1)},
                              .seen = {name}});
      in = widths[i];
    }
    auto classifier = builder.add("last", [&] { return std::make_shared<Linear>(in, classes); });
    net.last = {classifier, [classifier](State const& state, Earlier const&) {
                  return Answer{classifier->forward(state.x), {}};
                }};
    return net;
  };
}

}  // namespace eexit::arch
