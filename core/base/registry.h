// A list of plug-ins: name, one-line help and the function that reads its parameters. Each plug-in folder keeps its
// names in one file of ENTRY(name, "help") lines, included twice: to declare the functions and to fill the table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

template <class Make>
struct Entry {
  std::string_view name, help;
  Make make;
};

template <class Make>
using Registry = std::span<Entry<Make> const>;

template <class Make>
std::vector<std::string> names(Registry<Make> registry) {
  std::vector<std::string> all;
  for (auto const& entry : registry) all.emplace_back(entry.name);
  return all;
}

// The entry called `name`; SpecError "<place>: no <what> ..." with the nearest name otherwise.
template <class Make>
Entry<Make> const& find(Registry<Make> registry, std::string_view what, std::string_view name, std::string_view place) {
  for (auto const& entry : registry)
    if (entry.name == name) return entry;
  throw SpecError(std::string(place) + ": " + unknown_name(what, name, names(registry)));
}

}  // namespace eexit
