#include "datasets/recognise.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "datasets/dataset.h"

namespace eexit {

namespace {

struct Candidate {
  std::string name;
  DataSource source;
};

// The sets that are read from a folder, asked to read this one.
std::vector<Candidate> all_at(std::filesystem::path const& folder) {
  std::vector<Candidate> all;
  for (auto const& entry : datasets()) {
    JsonReader reader(nlohmann::json({{"dir", folder.string()}}).dump(), std::make_shared<Source>());
    try {
      all.push_back({std::string(entry.name), entry.make(reader)});
    } catch (SpecError const&) {
      // It has no folder, or needs more than one.
    }
  }
  return all;
}

bool all_files_there(DataSource const& source) {
  try {
    source.files();
    return true;
  } catch (SpecError const&) {
    return false;
  }
}

// "Fashion-MNIST" is the plug-in fashion_mnist.
std::string as_plugin(std::string known) {
  for (auto& c : known) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return known;
}

}  // namespace

Recognised recognise(std::filesystem::path const& folder) {
  if (!std::filesystem::is_directory(folder)) throw SpecError(folder.string() + ": no such folder", Exit::missing);
  std::vector<Candidate> fitting;
  std::map<std::string, std::vector<std::string>> looked_for;
  for (auto& candidate : all_at(folder)) {
    looked_for[candidate.source.known_by].push_back(candidate.name);
    if (all_files_there(candidate.source)) fitting.push_back(std::move(candidate));
  }
  if (fitting.empty()) {
    std::vector<std::string> parts;
    for (auto const& [files, names] : looked_for) parts.push_back(files + " (" + join(names, ", ") + ")");
    throw SpecError(folder.string() + ": no data set that is known; looked for " + join(parts, "; or "), Exit::missing);
  }
  Recognised found{.name = fitting.front().name, .as_well = {}, .facts = fitting.front().source.facts()};
  bool const by_content = std::any_of(fitting.begin(), fitting.end(),
                                      [&](auto const& each) { return each.name == as_plugin(found.facts.known); });
  if (by_content) {
    found.name = as_plugin(found.facts.known);
    return found;
  }
  for (std::size_t i = 1; i < fitting.size(); ++i) found.as_well.push_back(fitting[i].name);
  return found;
}

}  // namespace eexit
