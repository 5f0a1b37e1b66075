// Architectures: one file a family in core/arch, one line in list.inc.
#pragma once

#include <functional>
#include <memory>
#include <string>

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

namespace arch {

// A stage that is one module on State.x.
template <class Module>
Stage stage(std::string const& name, std::shared_ptr<Module> const& module) {
  return {.name = name, .module = module, .run = [module](State state) {
            state.x = module->forward(state.x);
            return state;
          }};
}

// A last exit of one module.
template <class Module>
Head classifier(std::shared_ptr<Module> const& module) {
  return {module, [module](State const& state, Earlier const&) { return Answer{module->forward(state.x), {}}; }};
}

}  // namespace arch

}  // namespace eexit
