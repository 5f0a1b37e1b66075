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

// Weights as the seeds give them, on the CPU. `after`: stages that carry exits; empty: the plain network. The heads'
// weights are those of `head_seed`, or of the seed where there is none.
std::shared_ptr<ExitNet> build_net(Choice const& arch, Choice const& method, ImageShape const&, int classes,
                                   std::vector<std::string> const& after, std::uint64_t seed,
                                   std::optional<std::uint64_t> head_seed = {});

std::shared_ptr<ExitNet> build_net(Run const&);        // with the run's heads
std::shared_ptr<ExitNet> build_plain_net(Run const&);  // without

// The finished network of a run with the weights of the last phase's file.
std::shared_ptr<ExitNet> finished_net(Run const&, fs::path const& weights, torch::Device);

}  // namespace eexit
