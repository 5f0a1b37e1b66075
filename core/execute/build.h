// Networks of a run: the plain one, or with the method's heads.
#pragma once

#include <memory>

#include "core/base/files.h"
#include "core/methods/method.h"
#include "core/net/net.h"
#include "core/plan/spec.h"

namespace eexit {

Method read_method(Choice const&);
Backbone build_backbone(Choice const& arch, ImageShape const&, int classes, std::uint64_t seed);

// Weights as the seed gives them, on the CPU. `after`: stages that carry exits; empty: the plain network.
std::shared_ptr<ExitNet> build_net(Choice const& arch, Choice const& method, ImageShape const&, int classes,
                                   std::vector<std::string> const& after, std::uint64_t seed);

// The finished network of a run with the weights of the last phase's file.
std::shared_ptr<ExitNet> finished_net(Run const&, fs::path const& weights, torch::Device);

}  // namespace eexit
