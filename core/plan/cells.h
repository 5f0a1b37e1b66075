// The cells of a grid as raw objects, before they are typed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace eexit {

// One partial run laid over the defaults, every key of a run filled in. `source` tells where each value was written.
struct Cell {
  std::string text;  // JSON object
  std::shared_ptr<Source const> source;
};

struct Cells {
  std::vector<Cell> runs;  // grid, then include; excluded ones dropped
  // What rivals lay over the defaults; only `arch` may be given.
  std::vector<Cell> rivals;
  std::vector<std::string> warnings;  // entries without effect
};

// Grid axes in the order written, the last varies fastest. Objects merge key by key, but one with another "name", a
// placement, arrays and scalars replace. SpecError on a grid that expands to nothing or to over 100,000 runs.
Cells expand_cells(std::string const& spec_text, std::string const& file);

// `run` with data, train and seed of `like`.
Cell with_data_of(Cell const& run, Cell const& like);

}  // namespace eexit
