#include "core/net/builder.h"

#include "core/base/text.h"

namespace eexit {

std::string text_of(Shape const& shape) { return "[" + join(std::vector<int>(shape.begin(), shape.end()), ", ") + "]"; }

std::map<std::string, Shape> shapes_after(std::span<Stage const> stages, State const& one_sample) {
  torch::NoGradGuard no_grad;
  for (auto const& stage : stages)
    if (stage.module) stage.module->eval();
  std::map<std::string, Shape> shapes;
  walk(stages, one_sample, [&](Stage const& stage, State& state) {
    auto const sizes = state.x.sizes();
    shapes[stage.name] = Shape(sizes.begin() + 1, sizes.end());
    return true;
  });
  return shapes;
}

State blank_images(ImageShape const& shape, int rows) {
  return {
      .x =
          torch::zeros({rows, shape.channels, shape.height, shape.width}).contiguous(torch::MemoryFormat::ChannelsLast),
      .side = {},
      .active = {}};
}

}  // namespace eexit
