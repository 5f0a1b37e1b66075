// How many rows leave at each exit, and what that costs: the arithmetic that simulation and frontiers share, so that
// the same division of rows gives the same bits on every path.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "core/exits/exit_table.h"

namespace eexit {

// Mean cost a row when leaving[k] rows leave at exit k; at least one row.
double mean_cost(std::span<int const> leaving, std::span<double const> cost);

// Rows moved about between exits.
struct Tally {
  std::vector<int> leaving;  // [exits]
  int right = 0;

  // All rows at exit `start`.
  Tally(ExitTable const& table, int start) : leaving(static_cast<std::size_t>(table.exits), 0) {
    leaving[static_cast<std::size_t>(start)] = table.rows;
    for (int row = 0; row < table.rows; ++row) right += table.right(row, start);
  }
  void move(ExitTable const& table, int row, int from, int to) {
    --leaving[static_cast<std::size_t>(from)];
    ++leaving[static_cast<std::size_t>(to)];
    right += static_cast<int>(table.right(row, to)) - static_cast<int>(table.right(row, from));
  }
  Point point(ExitTable const& table, Knobs knobs) const {
    return {std::move(knobs), mean_cost(leaving, table.cost), static_cast<double>(right) / table.rows};
  }
};

}  // namespace eexit
