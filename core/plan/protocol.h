// What makes regimes comparable: how long each phase is.
#pragma once

#include <vector>

#include "core/plan/facts.h"
#include "core/plan/phase.h"
#include "core/plan/spec.h"

namespace eexit {

// Training MACs of one sample in one step of a phase: forward of all that runs, twice that again for what learns (a
// frozen part costs its forward only). A backbone phase has no heads.
double macs_a_sample(Train const&, BackboneFacts const&, HeadFacts const&);

struct Workload {
  int rows = 0;  // training samples
  int batch = 0;
  double reference = 0;  // equal_macs: MACs of the joint reference
};

// Sets length, stop and keep of every phase. SpecError with `place` when the epochs do not fit the protocol.
void set_lengths(std::vector<Phase>&, TrainSpec const&, Workload const&, BackboneFacts const&, HeadFacts const&,
                 std::string const& place);

long steps_an_epoch(Workload const&);  // the last batch of an epoch may be smaller
long steps_of(Length const&, Workload const&);
double samples_of(Length const&, Workload const&);

}  // namespace eexit
