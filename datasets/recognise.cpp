#include "datasets/recognise.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "datasets/dataset.h"

namespace eexit {

namespace {

struct Candidate {
  std::string name;
  std::map<std::string, std::string> parameters;
  DataSource source;
};

// The set asked to read the folder; empty when it has no folder, or needs more than one. `declared`: its parameters.
std::optional<Candidate> candidate_at(Entry<DataMaker> const& entry, std::filesystem::path const& folder,
                                      std::map<std::string, std::string> const& parameters,
                                      Declarations* declared = nullptr) {
  nlohmann::json object(parameters);
  object["dir"] = folder.string();
  JsonReader reader(object.dump(), std::make_shared<Source>());
  try {
    Candidate candidate{std::string(entry.name), parameters, entry.make(reader)};
    if (declared) *declared = reader.declared();
    return candidate;
  } catch (SpecError const&) {
    return std::nullopt;
  }
}

bool all_files_there(DataSource const& source) {
  try {
    source.files();
    return true;
  } catch (SpecError const&) {
    return false;
  }
}

// The set as it fits the folder: by its defaults, else by another value of a parameter that chooses between files.
std::optional<Candidate> fitting_at(Entry<DataMaker> const& entry, std::filesystem::path const& folder,
                                    std::map<std::string, std::vector<std::string>>& looked_for) {
  Declarations declared;
  auto candidate = candidate_at(entry, folder, {}, &declared);
  if (!candidate) return std::nullopt;
  looked_for[candidate->source.known_by].push_back(candidate->name);
  if (all_files_there(candidate->source)) return candidate;
  for (auto const& key : declared.keys)
    for (auto const& value : key.allowed) {
      auto other = candidate_at(entry, folder, {{key.name, value}});
      if (other && all_files_there(other->source)) return other;
    }
  return std::nullopt;
}

// "Fashion-MNIST" is the plug-in fashion_mnist, "CIFAR-100" is cifar100.
bool is_plugin(std::string const& plugin, std::string const& known) {
  auto const letters = [](std::string text) {
    std::erase_if(text, [](char c) { return c == '-' || c == '_'; });
    for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  return letters(plugin) == letters(known);
}

}  // namespace

Recognised recognise(std::filesystem::path const& folder) {
  if (!std::filesystem::is_directory(folder)) throw SpecError(folder.string() + ": no such folder", Exit::missing);
  std::vector<Candidate> fitting;
  std::map<std::string, std::vector<std::string>> looked_for;
  for (auto const& entry : datasets())
    if (auto candidate = fitting_at(entry, folder, looked_for)) fitting.push_back(std::move(*candidate));
  if (fitting.empty()) {
    std::vector<std::string> parts;
    for (auto const& [files, names] : looked_for) parts.push_back(files + " (" + join(names, ", ") + ")");
    throw SpecError(folder.string() + ": no data set that is known; looked for " + join(parts, "; or "), Exit::missing);
  }
  auto const& first = fitting.front();
  Recognised found{.name = first.name, .parameters = first.parameters, .as_well = {}, .facts = first.source.facts()};
  for (auto const& each : fitting) {
    if (!is_plugin(each.name, found.facts.known)) continue;
    if (&each == &first) return found;
    return {.name = each.name, .parameters = each.parameters, .as_well = {}, .facts = each.source.facts()};
  }
  for (std::size_t i = 1; i < fitting.size(); ++i) found.as_well.push_back(fitting[i].name);
  return found;
}

}  // namespace eexit
