// EfficientNetV2 (Tan and Le 2021; facts: architectures 4). BatchNorm's momentum and the way weights start are the
// authors', not torchvision's.
#include "core/arch/mb_net.h"

namespace eexit::arch {

namespace {

MbNet table_of(std::string const& size) {
  MbNet net{.stem = 24, .eps = 1e-3, .momentum = 0.01};
  if (size == "s") {
    net.groups = {{.fused = true, .expand = 1, .stride = 1, .out = 24, .blocks = 2},
                  {.fused = true, .expand = 4, .stride = 2, .out = 48, .blocks = 4},
                  {.fused = true, .expand = 4, .stride = 2, .out = 64, .blocks = 4},
                  {.expand = 4, .stride = 2, .out = 128, .blocks = 6},
                  {.expand = 6, .stride = 1, .out = 160, .blocks = 9},
                  {.expand = 6, .stride = 2, .out = 256, .blocks = 15}};
  } else {
    net.groups = {{.fused = true, .expand = 1, .stride = 1, .out = 24, .blocks = 3},
                  {.fused = true, .expand = 4, .stride = 2, .out = 48, .blocks = 5},
                  {.fused = true, .expand = 4, .stride = 2, .out = 80, .blocks = 5},
                  {.expand = 4, .stride = 2, .out = 160, .blocks = 7},
                  {.expand = 6, .stride = 1, .out = 176, .blocks = 14},
                  {.expand = 6, .stride = 2, .out = 304, .blocks = 18},
                  {.expand = 6, .stride = 1, .out = 512, .blocks = 5}};
    net.dropout = 0.3;
  }
  return net;
}

// Every second block from 6 to 38, as the regimes benchmark places exits on size s.
std::vector<std::string> reference_placement() {
  std::vector<std::string> after;
  for (int block = 6; block <= 38; block += 2) after.push_back(std::to_string(block));
  return after;
}

}  // namespace

MakeBackbone efficientnet_v2(JsonReader& reader) {
  auto const size = reader.one_of("size", "s", {"s", "m"}, "s: 40 blocks, 20 M parameters; m: 57 blocks, 53 M");
  auto const net = read_mb_net(reader, table_of(size));
  reader.done();
  int blocks = 0;
  for (auto const& group : net.groups) blocks += group.blocks;
  bool const as_published = size == "s" && blocks == 40;
  return [=](ImageShape const& shape, int classes, Builder& builder) {
    auto made = build_mb_net(net, shape, classes, builder);
    if (as_published) made.presets["reference"] = reference_placement();
    return made;
  };
}

}  // namespace eexit::arch
