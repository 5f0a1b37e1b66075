// Fused SGD and AdamW over the learned parameters of a phase.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/net/net.h"
#include "core/plan/phase.h"

namespace eexit {

// Equal to torch::optim's SGD and AdamW within rounding; one fused kernel call a group and step. The kernels ignore
// strides, so gradients are brought to their parameter's strides and state is made like the parameter.
class Optimizer {
 public:
  // masks: of pruned parameters by name, false where the number is 0: its gradient counts as 0, so that it stays there.
  Optimizer(Optim const&, std::vector<std::pair<std::string, Tensor>> parameters,
            std::map<std::string, Tensor> const& masks = {});

  void step(double rate);
  void zero_grad();  // gradients are dropped, not zeroed
  // Sets the parameters to what clip(largest_norm) and step(rate) with these gradients would make of them, and gives
  // the derivative of each new number by its gradient; the factor that clipping scales by counts as constant. One
  // gradient a parameter, in the order of parameters(). The state stays as it is.
  std::vector<Tensor> look_ahead(std::vector<Tensor> const& gradients, double rate,
                                 std::optional<double> largest_norm = {});
  std::vector<Tensor> parameters() const;
  void clip(
      double largest_norm);  // scales all gradients so that their joint L2 norm is at most this; no host round trip

  // State by name: "momentum.<parameter>", "first.<parameter>", "second.<parameter>", "steps".
  std::map<std::string, Tensor> state() const;
  void load_state(std::map<std::string, Tensor> const&);  // RunError naming what is missing

 private:
  struct Group {
    std::vector<std::string> names;
    std::vector<Tensor> parameters, first, second, steps;  // sgd: first holds momentum
    std::vector<Tensor> masks;                             // undefined: none
    double weight_decay = 0;
  };
  void match_strides();
  void mask_gradients();
  Optim rule_;
  std::vector<Group> groups_;
  long steps_ = 0;
};

}  // namespace eexit
