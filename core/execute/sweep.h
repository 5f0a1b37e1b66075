// Does a plan: its phases one after another, shared ones once, what is done already not at all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/execute/images.h"
#include "core/plan/spec.h"
#include "core/store/store.h"

namespace eexit {

struct SweepOptions {
  torch::Device device = torch::kCPU;
  bool fresh = false;  // forget what this plan's runs left behind and train again
};

struct SweepReport {
  int trained = 0;                            // phases
  std::map<std::string, std::string> failed;  // run id -> reason
};

// A run that fails is reported and the rest goes on. Throws Interrupted when a stop was asked for.
SweepReport run_plan(Plan const&, Store const&, SweepOptions const&);

// Opened data sets, each once.
class OpenData {
 public:
  explicit OpenData(torch::Device device) : device_(device) {}
  Images const& images(Choice const& source, Split);

 private:
  torch::Device device_;
  std::map<std::string, Images> open_;
};

// Where a finished run's weights lie.
fs::path weights_of(Store const&, Run const&);

}  // namespace eexit
