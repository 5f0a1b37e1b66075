// Six small networks, one of each kind that the project is to carry, each in its own file with its own task. Property
// tests loop over them, so the engine is tested on what real architectures will ask of it: none may need a line outside
// its own file and list.inc.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/exits/exit_table.h"
#include "core/methods/method.h"
#include "core/net/builder.h"
#include "core/net/net.h"
#include "core/net/task.h"

namespace eexit {

struct SmallNet {
  std::string name = {};
  std::function<Backbone(Builder&)> backbone;
  std::function<Heads(Builder&)> heads;
  std::function<State(int batch, std::uint64_t seed)> input;    // the same samples first for every batch size
  std::function<Tensor(int batch, std::uint64_t seed)> target;  // unrelated to the input
  Task task;
  int classes = 0;
  int rows_per_sample = 1;
  std::vector<std::int64_t> answer_shape;  // of a head's logits, without the sample dimension
  bool leaves_one_by_one = true;           // false: only all rows of a batch may leave at once
};

// The networks of list.inc, named after their files.
std::vector<SmallNet> small_nets();
SmallNet small_net(std::string const& name);

// In eval mode, as built from `seed`; `with_heads` false: the plain network.
std::shared_ptr<ExitNet> make(SmallNet const&, std::uint64_t seed, bool with_heads = true);

// The same after a few joint training steps on a fixed batch and with larger weights in the heads: BatchNorm has
// statistics of its own, and rows and exits differ in how sure they are. In eval mode.
std::shared_ptr<ExitNet> make_trained(SmallNet const&, std::uint64_t seed);

// Sum of the exits' mean losses.
Tensor joint_loss(SmallNet const&, Earlier const&, Tensor const& target);

// An exit's logits as [rows, classes]; nothing has left.
Tensor rows_of(SmallNet const&, Tensor const& logits);

// What every exit answers for every row, and what it costs in multiply-accumulates.
ExitTable table_of(SmallNet const&, ExitNet&, State const& input, Tensor const& target,
                   Measure const& = Confidence::max_probability);

// Samples [first, last) of a state.
State part(State const&, std::int64_t first, std::int64_t last);

// Independent draws a sample, so that a batch's first samples do not depend on its size.
Tensor normals(int batch, std::vector<std::int64_t> const& shape, std::uint64_t seed);
Tensor integers(int batch, std::vector<std::int64_t> const& shape, std::int64_t below, std::uint64_t seed);

// A stage or head whose module's forward takes the state's x alone.
template <class Module>
Stage plain_stage(std::string const& name, std::shared_ptr<Module> const& module) {
  return {.name = name, .module = module, .run = [module](State state) {
            state.x = module->forward(state.x);
            return state;
          }};
}
template <class Module>
Head plain_head(std::shared_ptr<Module> const& module) {
  return {module, [module](State const& state, Earlier const&) { return Answer{module->forward(state.x), {}}; }};
}

}  // namespace eexit
