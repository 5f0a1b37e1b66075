// Where and with what a result was made.
#pragma once

#include <string>

#include <torch/torch.h>

#include "core/base/host.h"

namespace eexit {

// JSON: CPU, cores, threads, memory, device, compiler, flags, library versions, revision, load, date (UTC).
// `jobs`: worker processes of a sweep; `threads`: of each, 0: this process's.
std::string environment_json(torch::Device, int jobs = 1, int threads = 0);
std::string revision();  // "1.0-3-gabc1234", "-dirty" behind it when the tree was
double load_average();   // of the last minute

}  // namespace eexit
