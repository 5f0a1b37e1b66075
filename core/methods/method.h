// Early-exit methods: how heads are built and what they learn with. One file a method, one line in list.inc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/net/builder.h"
#include "core/net/net.h"
#include "core/plan/spec.h"

namespace eexit {

struct Heads {
  std::map<std::string, Head> heads;  // by stage name
  ModulePtr extra;                    // what heads share
};

// The stages that carry exits, in walking order, with the shape of State.x there.
using Sites = std::vector<std::pair<std::string, Shape>>;

// A training step about to be taken, for a method that learns something of its own from it.
struct NextStep {
  long number = 0;        // of the phase, from 0
  std::int64_t rows = 0;  // samples in the batch
  // Samples first to last - 1 of the batch through all exits, in train mode; dropout is the same for the same samples.
  std::function<Earlier(std::int64_t first, std::int64_t last)> answer;
  // [rows, exits] losses of those answers.
  std::function<Tensor(Earlier const&, std::int64_t first, std::int64_t last)> losses;
  Tensor weights_k;  // of the exits' losses
  std::function<Tensor(Earlier const&)>
      further;                  // what the phase's loss has besides, scalar: distillation; may be empty
  std::vector<Tensor> learned;  // the parameters that the phase's optimiser steps
  // Moves the learned parameters as the optimiser's step along these gradients would, and gives the derivative of each
  // moved number by its gradient; back() undoes it. Neither touches the optimiser.
  std::function<std::vector<Tensor>(std::vector<Tensor> const& gradients)> look_ahead;
  std::function<void()> back;
};

// What a method learns by a rule of its own: the parameters below extra., with an optimiser of their own.
struct OwnLearning {
  Optim optim;  // at its rate throughout
  // Called before each step; BatchNorm's buffers are put back after it. True: it has set gradients of extra.
  std::function<bool(ExitNet&, NextStep const&)> before_step;
  double passes = 0;  // what it costs: forward passes a sample through what learns, on average over steps
};

// The training rows that a fit looks at: in eval mode, without gradients or augmentation.
struct FitRows {
  Tensor label_r;  // i64 [rows], on the network's device
  int classes = 0;
  std::uint64_t seed = 0;  // for what is drawn
  // Walks all rows once, always in the same portions. `look` sees the state after each stage that carries a head and,
  // under the name "last", what the last exit sees; it belongs to row `first` of label_r and those after it.
  // Interrupted when a stop was asked for.
  using Look = std::function<void(std::string const& exit, State const&, std::int64_t first)>;
  std::function<void(Look const&)> walk;
};

// What heads hold besides weights. The phase stands before the first that trains heads, or after all.
struct Fitting {
  Fit phase;
  // Fills buffers of the net. RunError (Exit::data) naming exit and class where the rows do not allow it.
  std::function<void(ExitNet&, FitRows const&)> fit;
};

// What a method adds after the regime's phases, on heads that are frozen from then on.
struct Appended {
  std::vector<std::string> parameters;  // of the method that matter only from then on: phases before are shared
  std::function<std::vector<Phase>(TrainSpec const&)> phases;
  // Puts what these phases train around the heads, and below Heads::extra.
  std::function<void(Heads&, Sites const&, int classes, Builder&)> attach;
};

// Empty functions mean the default.
struct Method {
  // Throws SpecError naming stage and shape where a head does not fit.
  std::function<Heads(Sites const&, int classes, Builder&)> make_heads;
  // Losses [rows, exits] and the phase's exit weights [exits], whose sum is 1, or where losses are to be summed the
  // number of exits -> scalar; default: means over rows times weights.
  std::function<Tensor(ExitNet const&, Tensor const& losses_bk, Tensor const& weights_k)> weigh = {};
  // A further loss from the answers, scalar: imitation.
  std::function<Tensor(Earlier const&)> extra_loss = {};
  bool own_weights = false;  // weigh reads no more of the exit weights than their sum
  std::optional<OwnLearning> own = {};
  std::optional<Fitting> fitting = {};
  std::vector<std::string> idle_parameters = {};  // that matter to no phase: to answers, or to what is allowed
  std::optional<Appended> appended = {};
};

using MethodMaker = Method (*)(JsonReader&);
Registry<MethodMaker> methods();

}  // namespace eexit
