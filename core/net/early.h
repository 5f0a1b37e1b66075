// Live early exit: the walk with rows leaving on the way.
#pragma once

#include <vector>

#include "core/exits/exit_table.h"
#include "core/net/net.h"
#include "core/net/task.h"

namespace eexit {

// Rows in the order of the input.
struct Answers {
  Tensor logits;                   // [rows, classes], of the exit taken
  std::vector<int> exit;           // [rows]
  std::vector<int> predicted;      // [rows], at the exit taken
  std::vector<double> confidence;  // [rows], at the exit taken
  // Share of the rows that reached each stage and each exit's head (of positions where `active` shrinks); with the
  // costs of cost.h the mean cost a row.
  std::vector<double> stage_share, exit_share;
};

// Runs the net in its present mode without gradients. State, earlier answers and row counters are compacted together;
// the last exit accepts all. The policy is asked with confidences of the given measure.
Answers answer_early(ExitNet const&, State input, Task const&, Measure const&, Policy const&);

}  // namespace eexit
