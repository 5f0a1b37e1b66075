// Architectures: one file a family in core/arch, one line in list.inc.
#pragma once

#include <functional>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/net/builder.h"
#include "core/net/net.h"

namespace eexit {

// Builds the plain network for images of `shape`; every part through the builder. Input of the first stage: State.x
// f32 [B, C, H, W], normalised.
using MakeBackbone = std::function<Backbone(ImageShape const& shape, int classes, Builder&)>;
using ArchMaker = MakeBackbone (*)(JsonReader&);
Registry<ArchMaker> archs();

}  // namespace eexit
