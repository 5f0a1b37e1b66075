// Cells to runs: everything of a run but its place in the plan.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/plan/catalog.h"
#include "core/plan/cells.h"
#include "core/plan/protocol.h"
#include "core/plan/read_run.h"
#include "core/plan/spec.h"

namespace eexit {

// Runs of one spec share what is asked about data sets and networks.
class Planner {
 public:
  // `extra`: of the spec's eval; they must outlive the planner.
  Planner(Catalog const& catalog, std::vector<EvalSpec::Extra> const& extra)
      : catalog_(catalog), extra_(extra), reader_(catalog) {}

  Run run(Cell const&);

  // Each adds a plain network that is trained as the cell says, unless `all` has it from an earlier cell, and returns
  // its id ("": it has none, being learned without labels). A rival has another architecture than the cell, whose
  // network cost fractions refer to.
  std::string add_plain(Cell const&, std::vector<Run>& all);
  std::string add_rival(Cell const&, std::shared_ptr<Part const> const& arch, std::vector<Run>& all);

  std::vector<Run> take_trials() { return std::move(trials_); }  // of all runs planned, each once
  std::set<std::string> take_warnings();

 private:
  struct Rows {
    std::shared_ptr<DataFacts const> facts;
    std::shared_ptr<Splits const> splits;
    std::shared_ptr<std::vector<TestSet> const> test_sets;
  };

  // A run to be planned: the cell it is typed from, and the one that it is held against.
  struct Task {
    Role role;
    Cell const &cell, &owner_cell;
    TypedRun typed, owner;
    Rows const& rows;
    double reference;  // MACs, under equal_macs
  };
  // What decides a plain network or a rival; it has one of each.
  using Identity = std::tuple<Named const*, Named const*, DataSpec const*, TrainSpec const*, std::uint64_t, double>;

  Task task(Cell const&, Role, Cell const& owner);
  std::string add_once(Task const&, std::vector<Run>& all);
  Run plan(Task const&);
  Rows const& rows_of(DataSpec const&, Cell const&);
  std::vector<TestSet> test_sets_for(std::string const& data, DataFacts const&) const;
  std::shared_ptr<BackboneFacts const> backbone(Named const& arch, DataFacts const&, Cell const&);
  StartWeights weights_of(Named const& arch, DataFacts const&, Cell const&);
  HeadFacts const& heads(TypedRun const&, std::vector<std::string> const& after, DataFacts const&, Cell const&);
  std::vector<std::string> exits_of(TypedRun const&, DataFacts const&, Cell const&);
  // Its phases, its say in the others.
  void apply_method(Run&, MethodFacts const&, std::vector<Phase>&, Cell const&);
  std::pair<BackboneFacts, HeadFacts> const* pruned(Run const&, std::vector<Phase> const&, Cell const&);
  bool measure_lengths(Run&, Workload const&, BackboneFacts const&, HeadFacts const&);
  double reference_macs(TypedRun const&, Rows const&, Cell const&);
  void warn_of_epochs(std::vector<Phase> const&, Protocol const&, Cell const&);
  void note_rates(Run const&, Cell const&);
  void add_trials(Run&, Task const&, BackboneFacts const&);

  // Rates tried and seeds of a phase; the place that says so, of the first phase that has as many.
  using Trials = std::pair<std::size_t, int>;

  Catalog const& catalog_;
  std::vector<EvalSpec::Extra> const& extra_;
  RunReader reader_;
  std::map<std::string, std::shared_ptr<DataFacts const>> facts_;
  std::map<std::string, std::shared_ptr<Splits const>> splits_;
  std::map<std::string, std::shared_ptr<std::vector<TestSet> const>> test_sets_;  // by data set and its parameters
  std::map<DataSpec const*, Rows> rows_;
  std::map<std::string, std::shared_ptr<BackboneFacts const>> backbones_;
  std::map<std::string, HeadFacts> heads_;
  std::map<std::string, std::pair<BackboneFacts, HeadFacts>> pruned_;
  std::map<std::string, std::string> weights_;  // digests, by file and network
  std::map<Identity, std::string> planned_;
  std::map<std::pair<std::string, double>, std::vector<std::shared_ptr<Tuning const>>> tunings_;  // of each phase
  std::set<std::string> trial_keys_;
  std::map<Trials, std::string> tried_;
  std::vector<Run> trials_;
  std::set<std::string> warnings_;
};

}  // namespace eexit
