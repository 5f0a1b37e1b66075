// exits.safetensors: what every exit of a finished run answered on cal and test; files alike for further test sets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/base/safetensors.h"
#include "core/exits/exit_table.h"
#include "core/exits/scores.h"
#include "core/plan/spec.h"
#include "core/store/store.h"

namespace eexit {

// Answers of one split as they come from a network: logits f32 [rows][exits][classes], flat.
struct SplitAnswers {
  std::vector<int> index, label;  // [rows]
  std::vector<float> logits;
};

struct ExitFile {
  int exits = 0, classes = 0;
  std::map<std::string, SplitAnswers> splits;  // "cal" and "test"; of a further test set "test" alone
};

// Where a run's answers lie, on cal and test or on a further test set: exits-<16 digits of the set's identity>.
fs::path exits_of(Store const&, Run const&);
fs::path exits_of(Store const&, Run const&, TestSet const&);

// The files that a finished run lacks: further test sets may be asked for later.
std::vector<TestSet> not_collected(Store const&, Run const&);

// Logits up to this size are stored; above it confidences and predictions (formats.md 2).
inline constexpr std::size_t largest_logits = 64u << 20;

void write_exits(fs::path const&, ExitFile const&, Run const&, Convention, std::size_t most_bytes = largest_logits);

// One run's stored answers, opened and checked.
class StoredExits {
 public:
  explicit StoredExits(fs::path const& file);
  // split: one that the file has. Costs come from the run, in the convention asked for. SpecError where a temperature
  // needs logits and confidences alone are stored.
  ExitTable table(std::string const& split, Measure const&, Run const&, Convention) const;
  // One an exit, fitted on cal; SpecError likewise.
  std::vector<double> temperatures() const;
  std::string convention() const;  // that the file's costs are in
  // Mean cross-entropy of each exit; empty where logits were too large to store.
  std::vector<double> losses(std::string const& split) const;

 private:
  [[noreturn]] void refuse_temperature(std::string const& split) const;
  std::vector<float> logits(std::string const& split, int& rows, int& exits, int& classes) const;
  std::string where_;
  TensorFile file_;
};

}  // namespace eexit
