// A spec as typed, resolved data, and what it expands to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan/facts.h"
#include "core/plan/phase.h"
#include "core/plan/slurm_spec.h"
#include "core/plan/splits.h"

namespace eexit {

struct Cell;
struct Part;

struct Augment {
  std::string name = "none";  // none, crop_flip, steps
  int pad = 2;
  double flip = 0.5;
  std::vector<Choice> steps;  // plug-ins of core/pixels, in order
};

struct DataSpec {
  Choice source;  // a plug-in of datasets/
  std::optional<int> limit;
  double held_out = 0.1;
  std::uint64_t split_seed = 42;
  Augment augment;
};

// Where exits go, before and after it is resolved to stage names.
struct Placement {
  std::vector<std::string> after;  // block indices or "stem"
  int count = 0;
  std::vector<double> cost;  // fractions of the plain cost
  std::string preset;        // of the architecture
};

struct Protocol {
  enum class Kind { equal_epochs, equal_macs, converged };
  Kind kind = Kind::equal_epochs;
  int total = 10, backbone = 5;
  Stop stop;             // converged
  int max_epochs = 200;  // converged
};
std::string name_of(Protocol::Kind);

struct TrainSpec {
  Protocol protocol;
  int batch = 128;
  bool bf16 = false;
  Recipe recipe;
  Keep keep = Keep::last;
  double checkpoint_seconds = 120;
  std::string regime;                      // the regime this is read for
  std::map<std::string, Recipe> by_phase;  // recipes of this regime's kinds of phase that differ

  Recipe recipe_for(std::string const& phase) const;
};

// Before the confidence's name in tables, where each exit has a temperature of its own.
inline constexpr std::string_view calibrated = "calibrated ";

struct EvalSpec {
  struct Rule {
    Choice policy;
    std::string confidence = "max_probability";
    bool temperature = false;  // one an exit, fitted on cal
    std::string label = {};    // the policy's name and its parameters that are not the default; empty: the name

    // What tables call the rule: it tells two of one policy apart.
    std::string const& name() const { return label.empty() ? policy.name : label; }
    // What tables call the confidence: it tells rules of one policy apart.
    std::string measure() const { return (temperature ? std::string(calibrated) : "") + confidence; }
  };
  // Further sets to test on, beside the test rows of the data trained on.
  struct Extra {
    Choice source;     // a data set, for its test rows, or a family of test sets
    std::string data;  // the data set whose networks are tested on it; "": each of the study's
    std::string place;
  };
  std::vector<Rule> policies;
  std::vector<Extra> extra;
  std::vector<double> budgets = {0.25, 0.5, 0.75, 1};
  bool reference_rule = false;
  Convention convention = Convention::mac;
  bool plain = true;
  std::vector<std::string> warnings;  // valid keys without effect
};

// One phase trained at one rate on a tuning seed.
struct Trial {
  std::uint64_t seed = 0;
  double rate = 0;
  std::string key;  // of the phase
  double macs = 0;  // of its training
};

// How a phase's rate is chosen (tuning.h). The same for all seeds of a cell.
struct Tuning {
  std::string key;                       // digest of the trials' keys
  std::vector<Trial> trials;             // by seed, then by rate
  std::map<std::string, double> before;  // phases that the trials start from: training MACs by key
};

// What stands for the parent of a first phase: weights as the seed gives them, or a file's, before its digest.
inline constexpr char const* from_seed = "init";
inline constexpr char const* given_weights = "weights ";

// One phase of a run with all it needs to be done: what it reads is in its key.
struct PlannedPhase {
  Phase phase;
  std::string key;                       // digest of key_text (run_text.h)
  std::string parent;                    // key of the phase before, or what stands for it
  double macs = 0;                       // of training, forward and backward
  long steps = 0;                        // at most
  std::shared_ptr<Tuning const> tuning;  // where the recipe has rates to choose from; the key is that of the rule
};

// What a spec expands to.
enum class Role { run, plain, rival, trial };
std::string name_of(Role);

// Canonical JSON of a run object, every default filled in: "key":value in pieces that runs share.
struct SpecText {
  std::vector<std::shared_ptr<std::string const>> pieces;
  std::string text() const;
};

// One of the sets that an entry of eval.extra stands for.
struct TestSet {
  Choice source;         // the entry
  std::string name;      // column split of results.csv: "kmnist", "fog/3"
  std::string identity;  // SHA-256 of its content
  int rows = 0;
};

// Weights that a network starts from, in place of those its seed gives.
struct StartWeights {
  std::string file;    // safetensors; "": none
  std::string digest;  // SHA-256 of the file
};

// One cell of the grid with one seed.
struct Run {
  std::string id;
  Role role = Role::run;
  Choice arch, method, regime;
  StartWeights weights;
  Choice heads_method;                                 // the method without what matters only to answers, or to what
                                                       // it appends
  std::string arch_label, method_label, regime_label;  // short forms for ids and tables: "resnet-14", "sdn", "mixed"
  DataSpec data;
  std::vector<std::string> after;  // stage names that carry exits
  std::string placement;           // as the spec wrote it, for results.csv: "0;2;3"
  TrainSpec train;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> head_seed;  // of the heads' weights and dropout, where it is another
  std::vector<PlannedPhase> phases;
  std::shared_ptr<std::vector<std::string> const> stages;
  std::vector<Cost> exit_cost;        // [exits], cumulative with heads
  std::vector<Cost> whole_cost = {};  // the same before channels are removed, where some are: what training goes by
  Cost plain;                         // the plain network's of this architecture
  Cost base;                          // what cost fractions refer to: `plain`; for a rival the defaults' plain network
  long long params = 0;
  double buffer_bytes = 0;  // of what heads hold besides parameters
  std::shared_ptr<DataFacts const> facts;
  std::shared_ptr<Splits const> splits;
  std::shared_ptr<std::vector<TestSet> const> test_sets = std::make_shared<std::vector<TestSet>>();  // of eval.extra
  SpecText spec;
  std::string cell;       // the same for runs that differ in their seeds alone
  std::string plain_run;  // id of the plain run held beside it; empty: none
  // What spec_for() plans the run again from: the cell of the grid that it comes from, and for a rival the object laid
  // over that cell.
  std::shared_ptr<Cell const> written;
  std::shared_ptr<Part const> rival;
};

std::string resolved(Run const&);                      // JSON, what run.json stores
std::vector<std::string> exit_names(Run const&);       // "0", "2", ..., "last"
std::vector<double> costs_of(Run const&, Convention);  // cumulative, by exit

struct Plan {
  std::string study;
  std::string spec;  // the frozen text: the file with --set applied
  EvalSpec eval;
  SlurmSpec slurm;
  std::vector<Run> runs;              // grid, include, plain, rivals
  std::vector<Run> trials;            // whose last phase is one rate tried on one tuning seed; each once, never judged
  std::vector<std::string> warnings;  // valid keys without effect
};

}  // namespace eexit
