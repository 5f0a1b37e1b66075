// A finished study as analyses see it: the files of its folder, here or published.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/csv.h"
#include "core/base/files.h"
#include "core/report/results.h"

namespace eexit {

struct Study {
  std::string name;
  fs::path folder;
  std::string spec;  // text of spec.json
  std::vector<Result> results;
  Csv curves, runs;
  std::string environment;         // text of env.json
  std::optional<fs::path> phases;  // where journals lie; none for a published copy
};

// `where`: a folder that holds results.csv, or a study's name under `out`. SpecError (Exit::missing) naming both
// places.
Study open_study(std::string const& where, fs::path const& out);

// The lines below every table: cost convention, rule, spec hash, hardware.
std::vector<std::string> footer(Study const&);

}  // namespace eexit
