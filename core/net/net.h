// A network with exits and the one loop that runs it. Training all exits, heads on a frozen trunk, collecting and early
// inference differ only in what they do after a stage.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace eexit {

using torch::Tensor;
using ModulePtr = std::shared_ptr<torch::nn::Module>;

// What flows from stage to stage. Dimension 0 of every tensor is the sample.
struct State {
  Tensor x;
  std::vector<Tensor> side;  // further streams; each architecture names its slots by an enum
  Tensor active;             // bool, positions still computed; undefined: all
};

// The samples `rows` (int64 indices) of a state, memory format kept.
State take_rows(State const&, Tensor const& rows);

struct Answer {
  Tensor logits;  // a row (or a map of rows) a sample, classes in dimension 1 of [rows, classes] for plain heads
  Tensor memo;    // what later heads may reuse; may be undefined
};
using Earlier = std::vector<Answer>;

struct Stage {
  std::string name;  // "stem", then blocks "0", "1", ...
  ModulePtr module;
  std::function<State(State)> run;
  // Share of the stage's full cost when a share in (0, 1] of the positions is still active; empty: all of it.
  std::function<double(double active)> cost_at = {};
};

struct Head {
  ModulePtr module;  // may hold nothing that learns
  std::function<Answer(State const&, Earlier const&)> run;
  // Leaves these channels of State.x alone to read (i64, rising), out of `count`; empty: it cannot.
  std::function<void(Tensor const& kept, std::int64_t count)> narrow = {};
};

// A table of learned positions [1, 1 + places, D], which can be made to fit another grid of places.
struct PositionTable {
  std::string name{};  // of the parameter; "": there is none
  int height = 0, width = 0;
};

// Channels that can be removed only together: every layer that writes or reads them would be narrower.
struct Channels {
  std::string name;  // for messages: "stage.0 inner"
  std::int64_t count = 0;
  std::vector<std::string> written;    // modules whose outputs they are: convolutions, linear maps
  std::vector<std::string> scaled;     // BatchNorms over them
  std::vector<std::string> read;       // modules whose inputs they are
  std::vector<std::string> seen = {};  // stages whose State.x has them in dimension 1: heads there read them
};

// What a network learns without labels, in the place of the task's loss, from what goes in and its last answer.
struct Unlabelled {
  std::function<Tensor(State const& input, Answer const& last)> loss;   // [rows]
  std::function<Tensor(State const& input, Answer const& last)> right;  // sum over rows of a score up to 1
};

struct Backbone {
  std::vector<Stage> stages;
  Head last;
  // Placements that have a name: the stages after which exits stand.
  std::map<std::string, std::vector<std::string>> presets = {};
  // Beginnings of names in published weights files (torchvision's, timm's) and what they are here; the longest that
  // fits counts: "layer1.0." -> "stage.0."; "" has no place here.
  std::map<std::string, std::string> published = {};
  PositionTable positions = {};
  std::vector<Channels> channels = {};  // none: none can be removed
  Unlabelled unlabelled = {};           // empty functions: it learns from labels
};

// Parameters are named stage.<name>.*, head.<stage name>.*, last.*, extra.*: the same with and without heads. A module
// must not be given twice (its parameters would be stepped twice): std::logic_error.
struct ExitNet : torch::nn::Module {
  // heads: by the name of the stage they stand after. extra: what heads share.
  explicit ExitNet(Backbone backbone, std::map<std::string, Head> heads = {}, ModulePtr extra = nullptr);
  ExitNet(ExitNet const&) = delete;
  ExitNet& operator=(ExitNet const&) = delete;

  std::vector<Stage> stages;
  std::map<std::string, Head> heads;
  Head last;
  ModulePtr extra;
  std::vector<Channels> channels;
  Unlabelled unlabelled;
  // Of pruned parameters by name, bool in the parameter's shape: where false the number is 0 and stays it.
  std::map<std::string, Tensor> masks;

  std::vector<std::string> exit_names() const;  // heads in walking order, then "last"
};

// The only loop. After each stage the tap sees the state, which it may shrink; false stops. `before`, when given, sees
// each stage first. Returns the state reached.
State walk(std::span<Stage const> stages, State state, std::function<bool(Stage const&, State&)> const& tap,
           std::function<void(Stage const&)> const& before = {});

// How gradients and random numbers are handled on the way through all exits.
struct Taps {
  bool record_trunk = true;  // false: stages and the last classifier run without recording gradients, heads still do
  // At exit number `exit` (from 0): the state its head sees; may also change what goes on to the next stage. Scales or
  // detaches gradients, values stay. Empty: both are the state as it is.
  std::function<State(std::size_t exit, State& onward)> branch = {};
  // Called before each part that runs, with its name: "stage.stem", "head.0", "last". Seeds dropout, so that what a
  // part draws does not depend on which others exist.
  std::function<void(std::string const& part)> before = {};
};

// Every exit's answer, the last one at the end.
Earlier answer_all(ExitNet const&, State input, Taps const& = {});
// The same along other stages of the same names: features that are already known, replayed to the net's heads.
Earlier answer_all(ExitNet const&, std::span<Stage const> stages, State input, Taps const& = {});

// Train mode for the parts whose names start with one of the prefixes, eval mode for the rest (BatchNorm buffers of
// frozen parts must not move); requires_grad likewise.
void set_learning(ExitNet&, std::vector<std::string> const& prefixes);

// Parameters whose names start with one of the prefixes, in name order of the net.
std::vector<std::pair<std::string, Tensor>> parameters_of(ExitNet const&, std::vector<std::string> const& prefixes);

// Moves the net to a device; four-dimensional parameters and their masks get channels-last strides.
void place(ExitNet&, torch::Device);

}  // namespace eexit
