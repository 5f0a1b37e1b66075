// Canonical texts of a run's parts: what its keys are digests of, and what is told of it.
#pragma once

#include <string>

#include "core/plan/spec.h"

namespace eexit {

// All that a phase's result depends on, and nothing else. `heads`: they exist in this phase or did in one before.
std::string key_text(Run const&, Phase const&, bool heads, std::string const& parent);

// Digest of what tells a finished run from others of the same last phase; its first eight digits end the run's id.
std::string run_key(Run const&);

}  // namespace eexit
