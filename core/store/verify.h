// Looks at every file of a store and says which are damaged. Changes nothing.
#pragma once

#include <string>
#include <vector>

#include "core/base/files.h"

namespace eexit {

struct Verification {
  struct Problem {
    fs::path path;
    std::string what;
  };
  long phases = 0, runs = 0, studies = 0;  // folders looked at, unfinished ones too
  std::vector<Problem> problems;           // by path
};

// Checksums of weights, exits and checkpoints; keys of phases against the text they are digests of; parents and phases
// that others name; that JSON, JSON lines and CSV files can be read. What is not finished may lack files, what is must
// have all. SpecError (Exit::missing) when `out` is no folder.
Verification verify_store(fs::path const& out);

}  // namespace eexit
