// From exit tables to results: what each run is worth at each budget. Plain arithmetic; knobs are fitted on cal alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/exits/policy.h"
#include "core/exits/scores.h"
#include "core/plan/spec.h"
#include "core/report/results.h"

namespace eexit {

// A finished run's answers on "cal", "test" or one of its further test sets with confidences of one measure.
using TableOf = std::function<ExitTable(std::string const& split, Measure const&)>;
using Temperatures = std::function<std::vector<double>()>;  // by exit, fitted on cal

// What a phase really took, which early stopping makes less than planned.
struct Spent {
  long steps = 0;
  double epochs = 0, macs = 0;
};

struct FinishedRun {
  Run const* run = nullptr;
  TableOf table = {};                      // empty: the run failed
  std::vector<std::string> further = {};   // test sets that it has answers on
  std::vector<Spent> spent = {};           // by phase; as planned where it is not known
  std::optional<double> tuning_macs = {};  // spent on choosing its rates; as planned where it is not known
  Temperatures temperatures = {};          // asked for by rules with a temperature alone
};

struct Verdict {
  std::vector<Result> results;
  Csv curves;
};

// All rows of results.csv and curves.csv, in the order of `runs`.
Verdict judge(std::string const& study, std::vector<FinishedRun> const& runs, EvalSpec const&);

// The family behind a rule, its parameters read.
PolicyFamily family_of(EvalSpec::Rule const&);

// What a rule looks at on one run.
Measure measure_of(EvalSpec::Rule const&, Temperatures const&);

// The knobs for a budget, fitted on cal (none: the dearest point, all rows at the last exit); none when no point meets
// it.
std::optional<Knobs> fitted_knobs(EvalSpec::Rule const&, ExitTable const& cal, std::optional<double> budget);

}  // namespace eexit
