// The kinds of training phase (facts: regimes 1), each with its recipe. epochs 0: the protocol decides.
#pragma once

#include "core/plan/phase.h"
#include "core/plan/spec.h"

namespace eexit {

Phase backbone_phase(TrainSpec const&, int epochs = 0);  // the plain network; heads do not exist
Phase joint_phase(TrainSpec const&, int epochs = 0);     // everything learns
Phase heads_phase(TrainSpec const&, int epochs = 0);     // heads alone, the network frozen, its own classifier too

// After a pruning: what learns is what may learn again. steps 0: a share of what the protocol leaves.
Phase fine_tune_phase(TrainSpec const&, std::vector<std::string> const& learn, int steps = 0);

// What a method appends: only what lies below extra. learns, with the recipe of heads.
Phase appended_phase(std::string const& name, TrainSpec const&, int epochs);

}  // namespace eexit
