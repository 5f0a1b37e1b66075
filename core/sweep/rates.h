// Rates that were chosen by trials, read from what the trials left in the store.
#pragma once

#include "core/base/csv.h"
#include "core/plan/spec.h"
#include "core/store/store.h"

namespace eexit {

// The phase with its rate: chosen by its finished trials where the spec gave several. RunError (Exit::runs_failed) when
// all of them diverged.
PlannedPhase with_chosen_rate(PlannedPhase const&, Store const&);

// Training MACs that a trial, or a phase it starts from, really took: early stopping and divergence make them less than
// planned. As planned where it is not done.
double spent_macs(std::string const& key, double planned, Store const&);

// tuning.csv: every trial of the plan with its value (mean accuracy on val over exits; empty: diverged or not done),
// training MACs, and whether its rate was chosen. Columns: tuning, run, phase, seed, rate, value, training_macs,
// chosen.
Csv tuning_csv(Plan const&, Store const&);

}  // namespace eexit
