// The runs of a store, for `eexit list runs`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/files.h"

namespace eexit {

struct StoredRun {
  std::string id, arch, data, method, regime, seed;
  std::string status;              // done, unfinished, damaged (run.json cannot be read; the id alone is known)
  std::optional<double> accuracy;  // of the last exit on test
};

// The runs below OUT/runs, by id. `where`: "KEY=VALUE" conditions that must all hold; KEY is a member above or a dotted
// path into the resolved spec ("train.batch"; "train.optimizer" stands for its name). SpecError: Exit::usage on another
// condition or a key that no run has, Exit::missing when there is no folder of runs.
std::vector<StoredRun> stored_runs(fs::path const& out, std::vector<std::string> const& where);

}  // namespace eexit
