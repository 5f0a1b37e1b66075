// Which of the named data sets a folder holds.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/plan/facts.h"

namespace eexit {

struct Recognised {
  std::string name;                               // a plug-in of datasets/
  std::map<std::string, std::string> parameters;  // beside `dir`, where defaults do not fit the files
  std::vector<std::string> as_well;  // others whose files have the same names, where the content does not tell
  DataFacts facts;
};

// Reads the files of the first set whose files are all there; contents with a known digest choose among several.
// SpecError: Exit::missing when no set fits, naming what was looked for; what the readers say of damaged files.
Recognised recognise(std::filesystem::path const& folder);

}  // namespace eexit
