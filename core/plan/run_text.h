// Canonical texts of a run's parts: what its keys are digests of, and what is told of it.
#pragma once

#include <string>

#include "core/plan/spec.h"

namespace eexit {

// Heads exist in a run's phase `number`: it or one before it trains them.
bool heads_by(Run const&, std::size_t number);

// A run's phase `number` is one that its method appends: what it adds to the heads exists.
bool appended_by(Run const&, std::size_t number);

// All that the result of a run's phase depends on, and nothing else: canonical JSON.
std::string key_text(Run const&, std::size_t number);

// Keys and parents of the phases from number `first` on.
void set_keys(Run&, std::size_t first);

// Digest of what tells a finished run from others of the same last phase; its first eight digits end the run's id.
std::string run_key(Run const&);

}  // namespace eexit
