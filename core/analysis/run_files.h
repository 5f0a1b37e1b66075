// What finished runs left in the output folder, for analyses that look behind results.csv.
#pragma once

#include <string>
#include <vector>

#include "core/plan/spec.h"
#include "core/store/study.h"

namespace eexit {

struct RunFiles {
  Result row;  // the first of results.csv
  Run run;     // id, after, costs and phases' keys and names; nothing else
  fs::path folder, phases;

  fs::path phase(std::size_t number) const { return phases / run.phases[number].key; }
  std::string phase_text(std::size_t number) const;  // of phase.json
};

// The finished runs with heads, in the order of results.csv. SpecError (Exit::missing) naming the analysis where the
// output folder is not beside the study.
std::vector<RunFiles> run_files(Study const&, std::string const& analysis);

// Those that differ in their seeds alone, in order of first appearance.
std::vector<std::vector<RunFiles>> by_cell(std::vector<RunFiles> const&);

// "sdn joint, joint, resnet-20": what tells cells of the study apart.
std::string cell_label(RunFiles const&, std::vector<std::vector<RunFiles>> const& all);

// "71.2 ± 0.4"; one value has no deviation.
std::string mean_text(std::vector<double> const& values, int decimals);

}  // namespace eexit
