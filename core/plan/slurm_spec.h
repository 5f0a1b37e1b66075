// The spec's `slurm` object: sbatch options by their long names, for every job of a sweep.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"

namespace eexit {

struct SlurmSpec {
  std::vector<std::pair<std::string, std::string>> options;  // {"time", "02:00:00"}; value "": a switch
  int max_running = 0;                                       // elements of an array at once; 0: no limit
  int signal_seconds = 120;  // so long before the time limit a job is told to make its checkpoint
};

// Which options there are is sbatch's to say; refused is only what the sweep sets itself, and a warning that would come
// before there was time to work.
SlurmSpec read_slurm(JsonReader& reader);

}  // namespace eexit
