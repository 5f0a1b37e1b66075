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
  std::optional<SpecError> refused = {};  // why it does not fit
};

// The set asked to read the folder; empty when it has no folder, or needs more than one. `declared`: its parameters.
std::optional<Candidate> candidate_at(Entry<DataMaker> const& entry, std::filesystem::path const& folder,
                                      std::map<std::string, std::string> const& parameters,
                                      Declarations* declared = nullptr) {
  nlohmann::json object(parameters);
  object["dir"] = folder.string();
  JsonReader reader(object.dump(), std::make_shared<Source>(Source{"", {{"/dir", "--data"}}}));
  try {
    Candidate candidate{std::string(entry.name), parameters, entry.make(reader)};
    if (declared) *declared = reader.declared();
    return candidate;
  } catch (SpecError const&) {
    return std::nullopt;
  }
}

// Whether all files are there.
bool fits(Candidate& candidate) {
  try {
    candidate.source.files();
  } catch (SpecError const& error) {
    candidate.refused = error;
  }
  return !candidate.refused;
}

// The set as it fits the folder, or as something of it is there: by its defaults, else by another value of a parameter
// that chooses between files.
std::optional<Candidate> best_at(Entry<DataMaker> const& entry, std::filesystem::path const& folder,
                                 std::map<std::string, std::vector<std::string>>& looked_for) {
  Declarations declared;
  auto best = candidate_at(entry, folder, {}, &declared);
  if (!best) return std::nullopt;
  looked_for[best->source.known_by].push_back(best->name);
  if (fits(*best)) return best;
  for (auto const& key : declared.keys)
    for (auto const& value : key.allowed) {
      auto other = candidate_at(entry, folder, {{key.name, value}});
      if (!other) continue;
      if (fits(*other)) return other;
      if (!best->source.begun()) best = std::move(other);
    }
  if (!best->source.begun()) return std::nullopt;
  return best;
}

// Of sets of pictures the most particular one alone.
void add(std::vector<Candidate>& all, Candidate candidate) {
  auto const of_pictures = [](Candidate const& each) { return each.source.of_pictures; };
  if (!of_pictures(candidate) || std::none_of(all.begin(), all.end(), of_pictures)) all.push_back(std::move(candidate));
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
  std::vector<Candidate> fitting, begun;
  std::map<std::string, std::vector<std::string>> looked_for;
  for (auto const& entry : datasets())
    if (auto candidate = best_at(entry, folder, looked_for)) {
      auto& all = candidate->refused ? begun : fitting;
      add(all, std::move(*candidate));
    }
  if (fitting.empty()) {
    // Sets of the same file names lack the same.
    auto const same = [&](Candidate const& each) {
      return std::string_view(each.refused->what()) == begun.front().refused->what();
    };
    if (!begun.empty() && std::all_of(begun.begin(), begun.end(), same)) throw SpecError(*begun.front().refused);
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
