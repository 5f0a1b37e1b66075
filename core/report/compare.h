// Which cells differ between two studies.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/report/results.h"
#include "core/report/table.h"

namespace eexit {

// A run's answers on a split, at the knobs of one row of results.csv.
struct SampleMarks {
  std::vector<int> sample, label;
  std::vector<bool> right;
};

// None where the run's answers are not at hand, as beside a published copy.
using AnswersOf = std::function<std::optional<SampleMarks>(Result const&)>;

struct Comparison {
  std::string first{}, second{};  // names of the studies, as in Result::study
  std::string split = "test";
  int decimals = 2;
  std::vector<std::string> settings{};  // what else the studies differ in: "train.batch: 64, 128"
  std::vector<std::string> footer{};
};

// Accuracy of the second study less that of the first in points, for each cell of the grid that both have: a cell is
// told by data set and budget, by what else varies within a study (arch, method, regime, protocol, placement, policy,
// confidence, convention) and, where these do not tell runs of one seed apart, by axes. What is one in each study and
// another between them is what is compared: a footnote names it, `settings` besides. Paired over seeds, with 95 %
// bootstrap intervals over seeds and test samples; footnotes say where only one of the two could be drawn. A second
// table lists the cells of one study alone. Byte-equal on repetition. SpecError when the studies have no cell in common
// or cells cannot be told apart; RunError where answers contradict results.csv.
std::vector<Table> compare(std::vector<Result> const&, Comparison const&, AnswersOf const&);

}  // namespace eexit
