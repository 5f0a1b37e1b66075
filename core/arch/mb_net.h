// Networks of mobile inverted bottlenecks: what EfficientNet and EfficientNetV2 share.
#pragma once

#include <string>
#include <vector>

#include "core/arch/arch.h"

namespace eexit::arch {

// A group of equal blocks; the first one has the stride.
struct MbGroup {
  bool fused = false;  // the widening and the depthwise convolution are one full convolution; no squeeze-and-excite
  int expand = 1, kernel = 3, stride = 1, out = 0, blocks = 1;
};

struct MbNet {
  int stem = 0;  // channels
  std::vector<MbGroup> groups;
  int head = 1280;                    // channels before the classifier
  double eps = 1e-5, momentum = 0.1;  // of BatchNorm
  double dropout = 0.2, stochastic_depth = 0.2;
};

// Asks what may differ from a table: dropout, stochastic_depth, norm_momentum, width, blocks.
MbNet read_mb_net(JsonReader&, MbNet table);

// One stage a block; takes images of any size and number of channels.
Backbone build_mb_net(MbNet const&, ImageShape const&, int classes, Builder&);

}  // namespace eexit::arch
