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
  std::vector<std::string> as_well;               // others whose files are there too, where the content does not tell
  DataFacts facts;
};

// Reads the files of the first set whose files are all there; contents with a known digest choose among several. A
// folder of pictures is the most particular set that fits it, and no other as well.
// SpecError: what the reader says where something of one set is there, but not all, or is damaged; else, naming what
// was looked for, Exit::missing.
Recognised recognise(std::filesystem::path const& folder);

}  // namespace eexit
