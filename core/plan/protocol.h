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

// MACs of the whole phase. A fit passes forward, to the last head; a pruning by gradients makes as many steps as it
// sums over.
double macs_of(Phase const&, Workload const&, BackboneFacts const&, HeadFacts const&);

// Sets length, stop and keep of every training phase. Phases that the regime gives passes or seconds have these beside
// what the protocol gives the others (seconds: one epoch, until they are measured); equal_macs takes them off the rest.
// Phases that fine-tune share the steps alike that the protocol leaves. SpecError with `place` when the epochs do not
// fit the protocol.
void set_lengths(std::vector<Phase>&, TrainSpec const&, Workload const&, BackboneFacts const&, HeadFacts const&,
                 std::string const& place);

long steps_an_epoch(Workload const&);  // the last batch of an epoch may be smaller
long steps_of(Length const&, Workload const&);
Length length_of(long steps, Workload const&);
double samples_of(Length const&, Workload const&);

}  // namespace eexit
