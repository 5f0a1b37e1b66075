// EfficientNet (Tan and Le 2019). BatchNorm has torch's eps and momentum, with which torchvision's weights were
// trained; the paper's are 1e-3 and 0.01.
#include "core/arch/mb_net.h"

namespace eexit::arch {

MakeBackbone efficientnet(JsonReader& reader) {
  reader.one_of("size", "b0", {"b0"}, "b0: 16 blocks, 5 M parameters at 1000 classes");
  auto const net = read_mb_net(reader, {.stem = 32,
                                        .groups = {{.expand = 1, .kernel = 3, .stride = 1, .out = 16, .blocks = 1},
                                                   {.expand = 6, .kernel = 3, .stride = 2, .out = 24, .blocks = 2},
                                                   {.expand = 6, .kernel = 5, .stride = 2, .out = 40, .blocks = 2},
                                                   {.expand = 6, .kernel = 3, .stride = 2, .out = 80, .blocks = 3},
                                                   {.expand = 6, .kernel = 5, .stride = 1, .out = 112, .blocks = 3},
                                                   {.expand = 6, .kernel = 5, .stride = 2, .out = 192, .blocks = 4},
                                                   {.expand = 6, .kernel = 3, .stride = 1, .out = 320, .blocks = 1}}});
  reader.done();
  return [net](ImageShape const& shape, int classes, Builder& builder) {
    return build_mb_net(net, shape, classes, builder);
  };
}

}  // namespace eexit::arch
