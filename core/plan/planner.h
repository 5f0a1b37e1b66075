// Cells to runs: everything of a run but its place in the plan.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
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
  explicit Planner(Catalog const& catalog) : catalog_(catalog), reader_(catalog) {}

  Run run(Cell const&);
  Run plain(Cell const&);  // the plain network on the cell's data, trained as the cell says
  // `like`: the grid's cell that lends all but the architecture, and the network that cost fractions refer to.
  Run rival(std::shared_ptr<Part const> const& arch, Cell const& like);

  std::vector<Run> take_trials() { return std::move(trials_); }  // of all runs planned, each once
  std::set<std::string> take_warnings();

 private:
  struct Rows {
    std::shared_ptr<DataFacts const> facts;
    std::shared_ptr<Splits const> splits;
  };

  Run plan(Cell const&, Role, Cell const* like);
  Rows const& rows_of(DataSpec const&, Cell const&);
  BackboneFacts const& backbone(Choice const& arch, DataFacts const&);
  HeadFacts const& heads(TypedRun const&, std::vector<std::string> const& after, DataFacts const&);
  std::vector<std::string> exits_of(TypedRun const&, DataFacts const&, Cell const&);
  double reference_macs(TypedRun const&, Rows const&, Cell const&);
  void warn_of_epochs(std::vector<Phase> const&, Protocol const&, Cell const&);
  void note_rates(Run const&, Cell const&);
  void add_trials(Run&, Cell const&, BackboneFacts const&);

  // Rates tried and seeds of a phase; the place that says so, of the first phase that has as many.
  using Trials = std::pair<std::size_t, int>;

  Catalog const& catalog_;
  RunReader reader_;
  std::map<std::string, std::shared_ptr<DataFacts const>> facts_;
  std::map<std::string, std::shared_ptr<Splits const>> splits_;
  std::map<DataSpec const*, Rows> rows_;
  std::map<std::string, BackboneFacts> backbones_;
  std::map<std::string, HeadFacts> heads_;
  std::set<std::string> trial_keys_;
  std::map<Trials, std::string> tried_;
  std::vector<Run> trials_;
  std::set<std::string> warnings_;
};

}  // namespace eexit
