// Phases of any small network and method, trained by the real trainer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/execute/train.h"
#include "tests/support/nets/nets.h"

namespace eexit {

using Values = std::map<std::string, Tensor>;  // parameters and buffers by name

// A small network with the heads of a method after its stages "0" and "1", on 80 random images of its own.
class PhaseBench {
 public:
  PhaseBench(SmallNet small, std::string const& method, std::string const& params);

  // A regime's phases by name (backbone, joint, heads), then those that the method appends; where it fits, the fit
  // before the first that trains heads, told as a phase that learns head.
  struct Trained {
    Train phase;
    Values before, after;
  };
  std::vector<Trained> train(std::vector<std::string> const& regime);

  bool fits() const { return method_.fitting.has_value(); }
  void batch(int samples) { run_.train.batch = samples; }  // 16 at first
  void bf16() { run_.train.bf16 = true; }

  TrainSpec spec;   // recipes of the phases
  long steps = 0;   // of each; 0: two epochs
  int stop_at = 0;  // the loss on val, counted in each phase, at which it is stopped and gone on with; 0: none
  Measured val;     // of the last phase's weights

  // The network of the last phase trained, in eval mode.
  ExitNet& net() { return *net_; }
  Images const& images() const { return images_; }

 private:
  std::shared_ptr<ExitNet> build(bool heads, bool appended) const;
  Trained fit(Fit const&, Values const& before);

  SmallNet small_;
  Method method_;
  Sites sites_;
  Images images_;
  Run run_;
  std::shared_ptr<ExitNet> net_;
};

Values values_of(ExitNet const&);

}  // namespace eexit
