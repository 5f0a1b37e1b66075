// A phase: one thing done to the weights, as plain data. A regime is a list of phases.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/json.h"

namespace eexit {

// A plug-in by name with its resolved parameters as canonical JSON text.
struct Choice {
  std::string name;
  std::string params = "{}";
  bool operator==(Choice const&) const = default;
};

// Learning rates to choose from, where one is not known: each is tried on seeds that no run has (tuning.h).
struct TuneRule {
  std::vector<double> rates;  // rising
  int seeds = 1;
};

struct Sgd {
  double lr = 0.05, momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 5e-4;
  bool decay_norms = true;       // weight decay on norms and biases (every parameter of at most one dimension)
  std::optional<TuneRule> tune;  // lr means nothing until it is chosen
};
struct AdamW {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0.05;
  bool decay_norms = true;
  std::optional<TuneRule> tune;
};
using Optim = std::variant<Sgd, AdamW>;

struct Schedule {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::cosine;
  double warmup = 0;       // epochs of linear rise from 0
  double final_share = 0;  // cosine: last rate as a share of lr
  std::vector<double> at;  // step: fractions of the phase
  double factor = 0.1;     // step
};

struct ExitWeights {
  enum class Kind { uniform, linear, cost, custom, ramp };
  Kind kind = Kind::uniform;
  std::vector<double> weights;  // custom
  double over = 0.5;            // ramp: share of the phase in which the weights rise
};

// Distillation: what exits learn from the answers of later ones, beside the labels.
struct Distill {
  enum class Kind { none, last, next, later };
  Kind kind = Kind::none;
  double weight = 1;
};

// How gradients flow back where an exit stands: as they are; scaled so that each part of the trunk gets the mean of its
// exits' gradients (gradient equilibrium); or not at all from heads into the trunk.
enum class TapRule { plain, equilibrium, detached };

// How long a phase is: whole epochs, then further steps of one more.
struct Length {
  int epochs = 0;
  long steps = 0;
  bool operator==(Length const&) const = default;
};

// Early stopping (facts: regimes 5). None: the phase runs its length.
struct Stop {
  int patience = 10;
  double delta = 0;
  bool on_accuracy = false;  // else on loss
};

enum class Keep { last, any_exit, mean };  // which weights a phase ends with

// What may differ from phase to phase within a study.
struct Recipe {
  Optim optim = Sgd{};
  Schedule schedule;
  std::optional<double> clip;  // norm of the whole gradient
  double label_smoothing = 0;
  ExitWeights exit_weights;
  Distill distill;
  TapRule taps = TapRule::plain;
};

// A training phase.
struct Train {
  std::string name;                // backbone, joint, heads, fine_tune: the kind of phase
  std::vector<std::string> learn;  // prefixes of parameter names: stage. head. last. extra.; the rest is frozen
  Recipe recipe;
  int epochs = 0;           // as the regime asked; 0: the protocol decides
  double passes = 0;        // over the training rows, as the regime asked, beside what the protocol gives; 0: not asked
  double seconds = 0;       // of training, likewise
  int steps = 0;            // likewise
  bool fine_tunes = false;  // after a pruning: all that do share alike what the protocol leaves
  Length length;            // set by the protocol
  std::optional<Stop> stop;
  Keep keep = Keep::last;
  int occurrence = 0;     // how many phases of this kind came before
  bool appended = false;  // by the method, after the regime's phases; its epochs are beyond the protocol's

  bool learns(std::string const& prefix) const;
  bool with_heads() const { return learns("head.") || learns("extra."); }
};

// Finds what heads hold besides weights (means of classes), as their method does: from training rows as they are, in
// eval mode, without gradients.
struct Fit {
  std::string name = "fit";
  double share = 1;       // of the training rows of each class
  int passes = 2;         // over them, to the last head
  bool clusters = false;  // classes are found, not given: labels are not read but to name them
};

// Sets the weights of convolutions and linear maps that matter least to 0, for good: masks keep them there.
struct Prune {
  // What matters least: the smallest of all in size, or in its layer; drawn at random; the smallest |gradient x
  // weight|; whole channels, by the norm of what writes them.
  enum class By { magnitude, layer, random, gradient, channels };
  std::string name = "prune";
  By by = By::magnitude;
  double rate = 0.1;                 // share of the weights, or channels, that are left
  std::vector<std::string> within;   // prefixes of parameter names: stage. head. last.
  std::vector<std::string> without;  // prefixes that are spared
  bool allow_empty = false;          // a layer may lose its last weight
  int batches = 8;                   // gradient: that it is summed over
  int occurrence = 0;                // how many prunings came before
};

using Phase = std::variant<Train, Fit, Prune>;

std::string const& name_of(Phase const&);
// It trains, fits or prunes heads: they exist from it on.
bool with_heads(Phase const&);

// The rate at `step` of `steps` (0-based), with `epoch_steps` steps an epoch for the warm-up.
double rate_at(Schedule const&, double lr, long step, long steps, long epoch_steps);
double base_rate(Optim const&);  // one that is to be tuned has none: an invariant's error

// Weights of the exits' losses, summing to 1. `costs`: exits' costs, needed by cost and ramp. `progress`: share of the
// phase that is done, for ramp: weights of the heads rise from 0.01 to their share of the last exit's cost, which has 1
// throughout (Kaya et al. 2019, as public code has it: facts, class-means 8).
std::vector<double> exit_weights(ExitWeights const&, std::vector<double> const& costs, double progress = 0);

// One reader each; absent keys keep the values in `from`.
Optim read_optim(JsonReader&, Optim const& from);
Schedule read_schedule(JsonReader&, Schedule const& from);
ExitWeights read_exit_weights(JsonReader&, ExitWeights const& from);
Distill read_distill(JsonReader&, Distill const& from);
TapRule read_taps(JsonReader&, TapRule from);
Recipe read_recipe(JsonReader&, Recipe const& from);

// Canonical JSON of what a phase is, for its key.
std::string canonical(Phase const&);

}  // namespace eexit
