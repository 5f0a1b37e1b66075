// The cells of a grid as raw objects, before they are typed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace eexit {

inline constexpr std::size_t most_runs = 100000;

// One partial run laid over the defaults, every key of a run filled in. `source` tells where each value was written.
struct Cell {
  std::shared_ptr<std::string const> text;  // JSON object
  std::shared_ptr<Source const> source;
};

struct Cells {
  std::vector<Cell> runs;             // grid, then include; excluded ones dropped
  std::vector<Cell> rivals;           // {"arch": ...} alone: what a rival gave, laid over the defaults
  std::vector<std::string> warnings;  // entries without effect
};

// Grid axes in the order written, the last varies fastest. Objects merge key by key, but one with another "name", a
// placement, arrays and scalars replace. SpecError on a grid that expands to nothing or to over 100,000 runs.
Cells expand_cells(std::string const& spec_text, std::string const& file);

// `run` with the architecture of `other`.
Cell with_arch_of(Cell const& run, Cell const& other);

}  // namespace eexit
