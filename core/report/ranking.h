// A part of the pivot: which cells are the best and the second of what may be compared.
#pragma once

#include <vector>

#include "core/report/pivot_grid.h"

namespace eexit::pivots {

struct Ranking {
  std::vector<std::vector<Emphasis>> marks{};  // by row and column of the grid
  bool some = false;                           // a mark is set
  bool across = false;                         // rows were ranked, their columns hold nothing to compare
  bool too_few = false;                        // something was left unranked for want of seeds
};

inline constexpr int fewest_seeds = 3;

// Measured cells of the grid's runs compete within a column when they agree in network, data set, protocol, split,
// metric, budget and convention; where no column holds two such cells, within a row. A cell with failed seeds, or over
// its budget, is out; one with fewer than three seeds leaves its whole group unranked. What prints alike is a tie and
// shares its mark.
Ranking rank(Grid const&, Pivot const&);

}  // namespace eexit::pivots
