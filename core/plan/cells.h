// The cells of a grid as raw objects, before they are typed. Cells share what they have in common: a grid of three
// regimes and a thousand seeds has a thousand and three values, read once each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace eexit {

inline constexpr std::size_t most_runs = 100000;

// One key of a run with its value, JSON text, and where the value's parts were written.
struct Part {
  std::string name, text;
  std::shared_ptr<Source const> source;
  std::string object() const;  // {"name": value}
};

// One partial run laid over the defaults; every key that a run must have is there.
struct Cell {
  std::vector<std::shared_ptr<Part const>> parts;
  std::shared_ptr<Part const> part(std::string_view name) const;  // null when it is not written
  std::string text() const;                                       // JSON object
};

struct Cells {
  std::vector<Cell> runs;                           // grid, then include; excluded ones dropped
  std::vector<std::shared_ptr<Part const>> rivals;  // `arch`: what a rival gave, laid over the defaults
  std::vector<std::string> warnings;                // entries without effect
};

// Grid axes in the order written, the last varies fastest. Objects merge key by key, but one with another "name", a
// placement, arrays and scalars replace. SpecError on a grid that expands to nothing or to over 100,000 runs.
Cells expand_cells(std::string const& spec_text, std::string const& file);

// `run` with another value for the part's key.
Cell with_part(Cell run, std::shared_ptr<Part const> const& part);

}  // namespace eexit
