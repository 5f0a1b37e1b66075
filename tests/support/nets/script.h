// A policy that sends each row to an exit chosen beforehand, whatever the net says.
#pragma once

#include <memory>
#include <vector>

#include "core/exits/exit_table.h"
#include "tests/support/nets/nets.h"

namespace eexit {

// exits[row]: where the row is to leave. Rows are asked in the order of their numbers at each exit, those that are
// still there; for one pass only.
inline Policy scripted(std::vector<int> const& exits) {
  struct Script {
    std::vector<int> exits;
    std::vector<std::size_t> next;  // by exit: the next row to be asked
  };
  auto const script = std::make_shared<Script>(Script{exits, {}});
  return [script](std::span<double const>, std::span<int const> predicted) {
    auto const exit = predicted.size() - 1;
    script->next.resize(std::max(script->next.size(), exit + 1));
    auto& row = script->next[exit];
    while (script->exits.at(row) < static_cast<int>(exit)) ++row;
    return script->exits[row++] == static_cast<int>(exit);
  };
}

}  // namespace eexit
