// What runs of a study answered at the knobs of their results, sample by sample.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "core/report/compare.h"
#include "core/store/exit_file.h"
#include "core/store/study.h"

namespace eexit {

// Reads each run's exits.safetensors once; the study must outlive it.
class StoredAnswers {
 public:
  explicit StoredAnswers(Study const& study) : study_(study) {}
  // At the knobs, policy, confidence and split of a row; none where the run is not beside the study. RunError on a
  // damaged file.
  std::optional<SampleMarks> at(Result const&);

 private:
  ExitTable const* table(Result const&);
  Study const& study_;
  std::map<std::string, ExitTable> tables_;
};

}  // namespace eexit
