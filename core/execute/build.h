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

// A method's heads after these stages.
struct HeadsToBuild {
  Choice const& method;
  std::vector<std::string> const& after;
  std::uint64_t seed = 0;
  bool appended = true;  // with what the method appends
};

// Weights as the seeds give them, on the CPU. Without heads: the plain network.
std::shared_ptr<ExitNet> build_net(Choice const& arch, ImageShape const&, int classes, std::uint64_t seed,
                                   std::optional<HeadsToBuild> const& = {});

// The network that a run's phase `number` trains; none: the finished one.
std::shared_ptr<ExitNet> build_net(Run const&, std::optional<std::size_t> number = {});

// The finished network of a run with the weights of the last phase's file; channels that were pruned are gone.
std::shared_ptr<ExitNet> finished_net(Run const&, fs::path const& weights, torch::Device);

}  // namespace eexit
