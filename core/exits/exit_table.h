// The pivot of the program: what every exit answered for every row of a split. All questions about thresholds,
// budgets and policies are arithmetic on this table.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace eexit {

// A row is one answered position (a sample, a pixel, a token). Flat arrays are [row][exit], exits in walking order, the
// last one being the network's own classifier.
struct ExitTable {
  int rows = 0, exits = 0;
  std::vector<int> sample, label;  // [rows]
  std::vector<int> predicted;      // [rows * exits]
  std::vector<double> confidence;  // [rows * exits], in [0, 1], higher = surer
  std::vector<float> value;        // what a score needs besides; may be empty
  std::vector<double> cost;        // [exits]: MACs a row up to and including that exit, heads on the way included
  double plain_cost = 0;           // the plain network's

  std::size_t at(int row, int exit) const { return static_cast<std::size_t>(row) * exits + exit; }
  bool right(int row, int exit) const { return predicted[at(row, exit)] == label[row]; }
};

// Throws std::logic_error when sizes disagree, a confidence is outside [0, 1] or costs do not rise strictly.
void check(ExitTable const&);

// This row's confidences and predictions at the exits visited so far (the current one last) -> stop here?
// The last exit is never asked: it accepts.
using Policy = std::function<bool(std::span<double const> confidence, std::span<int const> predicted)>;
using Knobs = std::vector<double>;  // a policy's numbers, as results.csv prints them

// One operating point of a policy family on a table.
struct Point {
  Knobs knobs;
  double cost = 0;   // mean MACs a row
  double score = 0;  // share of right answers
};

struct Outcome {
  std::vector<int> exit;     // [rows]: where each row left
  std::vector<int> leaving;  // [exits]: how many left there
  double cost = 0, score = 0;
};

// Applies a policy to every row, exit by exit.
Outcome simulate(ExitTable const&, Policy const&);

// The bound of every exit rule: the most rows that can be right at a mean cost of at most `cost`, each row leaving at
// the first exit, or at the first exit that is right (a row that no exit gets right leaves at exit 1). None when even
// exit 1 costs more. Exact: rows are promoted in order of what their promotion costs.
std::optional<Outcome> oracle(ExitTable const&, double cost);

}  // namespace eexit
