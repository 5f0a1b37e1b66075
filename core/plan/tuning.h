// Learning rates that are chosen by trying them: trials on seeds that no run has, and what is made of their results.
// Every regime and phase may be given the same rates and number of trials, so that none wins by a better-tuned rate.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plan/spec.h"

namespace eexit {

// Tuning seeds are counted from here on; a run's own seeds are lower.
inline constexpr std::uint64_t first_tuning_seed = 1000000000;
inline constexpr int highest_seed = 999999999;

// The rule a phase's rate is chosen by; none where the rate is given.
std::optional<TuneRule> const& tune_of(Train const&);

// The phase with its rate given.
Train with_rate(Train const&, double rate);

// What a trial came to: mean accuracy on val over exits, none when it diverged.
using TrialValue = std::function<std::optional<double>(std::string const& key)>;

// The rate of the best mean value over its seeds; ties go to the lower one. A rate with a diverged trial is worse than
// any with fewer of them. RunError when every trial diverged.
double best_rate(TuneRule const&, std::vector<Trial> const&, TrialValue const&);

// Training MACs spent on choosing the run's rates: trials and the phases they start from, each once. `spent`: what a
// phase really took, of what was planned; empty: as planned.
using SpentMacs = std::function<double(std::string const& key, double planned)>;
double tuning_macs(Run const&, SpentMacs const& spent = {});

// Sets the tunings of the run's phases that have rates to choose from, and returns the trials as runs of their own.
std::vector<Run> add_tuning(Run&);

}  // namespace eexit
