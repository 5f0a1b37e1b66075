// A task as a struct of functions: what a row is, its loss, its answer, its confidence. core/tasks holds those that
// ship.
#pragma once

#include <functional>
#include <vector>

#include "core/exits/exit_table.h"
#include "core/exits/scores.h"
#include "core/net/net.h"

namespace eexit {

struct Task {
  // One loss a row [rows], from a head's logits and the samples' targets. `smoothing`: label smoothing in [0, 1).
  std::function<Tensor(Tensor const& logits, Tensor const& target, double smoothing)> loss;
  // The rows still computed as [rows, classes], in the order of their numbers; one row a sample: the logits themselves.
  std::function<Tensor(Tensor const& logits, State const& state)> rows;
  // The true answers of those rows when nothing has left, flat.
  std::function<std::vector<int>(Tensor const& target)> labels;
  // [rows, classes] on any device -> [rows]. `earlier`: the answers at this exit and before, the current one last; how
  // many they are says which exit's temperature counts.
  std::function<std::vector<int>(Tensor const& logits_rk)> predict;
  std::function<std::vector<double>(Measure const&, Tensor const& logits_rk, Earlier const& earlier)> confidence;
  // Drops the rows that left: `stay` holds the positions, among the rows still computed, of those that go on (int64).
  // `earlier` is compacted with the state. std::logic_error where rows cannot leave one by one.
  std::function<void(State&, Earlier& earlier, Tensor const& stay)> keep;
  // Score of an outcome on a table: share of right answers for classification.
  std::function<double(ExitTable const&, Outcome const&)> score = {};
  // How many rows are right, a scalar on the logits' device: for journals, without waiting for the device.
  std::function<Tensor(Tensor const& logits, Tensor const& target)> right = {};
  // Rows change what others see when they leave: each operating point needs its own pass, and no table claims that
  // simulation equals live inference.
  bool interacts = false;
};

}  // namespace eexit
