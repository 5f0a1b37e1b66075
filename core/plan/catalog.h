// What the planner asks about plug-ins, as plain functions: the planner knows no torch. cli fills it from the
// registries, tests with a fake of three words.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/plan/facts.h"
#include "core/plan/phase.h"
#include "core/plan/spec.h"

namespace eexit {

struct MethodFacts {
  std::optional<Fit> fit = {};          // before the first phase that trains heads
  std::vector<Phase> appended;          // to the regime's phases
  std::vector<std::string> parameters;  // that matter from there on alone
  bool own_weights = false;             // the exit weights of a spec mean nothing to it
};

struct Catalog {
  // Finds `name` in a plug-in folder ("arch", "augmentations", "datasets", "methods", "policies", "regimes",
  // "test_sets") and lets it read and check its parameters; SpecError with the nearest name.
  std::function<void(std::string const& folder, std::string const& name, JsonReader& params)> read;
  std::function<std::vector<std::string>(std::string const& folder)> names;  // of the plug-ins in it
  std::function<DataFacts(Choice const& data)> data;
  // The test sets that an entry of eval.extra stands for, opened and looked at; SpecError where networks of these facts
  // cannot be tested on them.
  std::function<std::vector<TestSet>(Choice const& extra, DataFacts const&)> test_sets;
  std::function<BackboneFacts(Choice const& arch, ImageShape const&, int classes)> backbone;
  // SHA-256 of a weights file, after a look at whether it fits the architecture; SpecError lists what does not.
  std::function<std::string(std::string const& file, Choice const& arch, ImageShape const&, int classes)> weights;
  // Of the heads after the given stages, all attached at once.
  std::function<HeadFacts(Choice const& arch, Choice const& method, ImageShape const&, int classes,
                          std::vector<std::string> const& after)>
      heads;
  // Facts of the network with heads after these prunings: smaller where they remove channels. SpecError where one of
  // them finds nothing to prune, or spares what is not there.
  std::function<std::pair<BackboneFacts, HeadFacts>(Choice const& arch, Choice const& method, ImageShape const&,
                                                    int classes, std::vector<std::string> const& after,
                                                    std::vector<Prune> const&)>
      pruned = {};
  std::function<std::vector<Phase>(Choice const& regime, TrainSpec const&)> regime_phases;
  std::function<MethodFacts(Choice const& method, TrainSpec const&)> method;
  std::function<PolicyFacts(std::string const& policy)> policy;
  std::function<bool(Choice const& augmentation)> mixes;  // images and labels of a batch
  // What `seconds` of the run's phase are on this machine, by steps that were timed once and are remembered.
  std::function<long(Run const&, std::size_t phase, double seconds)> steps_in = {};
};

}  // namespace eexit
