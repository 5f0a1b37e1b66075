// Exit tables drawn at random, coarse enough that confidences tie often.
#pragma once

#include <string>

#include "core/base/registry.h"
#include "core/base/stream.h"
#include "core/exits/policy.h"

namespace eexit {

// `levels` distinct confidences, `classes` classes; 0 levels: no two alike.
inline ExitTable random_table(std::uint64_t seed, int rows, int exits, int levels, int classes = 3) {
  Random random(seed);
  ExitTable table;
  table.rows = rows;
  table.exits = exits;
  double cost = 0;
  for (int exit = 0; exit < exits; ++exit) table.cost.push_back(cost += 1 + random.below(1000));
  table.plain_cost = cost;
  for (int row = 0; row < rows; ++row) {
    table.sample.push_back(row);
    table.label.push_back(random.below(classes));
    for (int exit = 0; exit < exits; ++exit) {
      table.predicted.push_back(random.below(classes));
      table.confidence.push_back(levels ? random.below(levels) / (levels - 0.999) : random.uniform());
    }
  }
  check(table);
  return table;
}

inline PolicyFamily make_policy(std::string const& name) {
  auto reader = empty_reader();
  return find(policies(), "policy", name, "test").make(reader);
}

}  // namespace eexit
