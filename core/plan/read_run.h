// Cells, typed: every key read, checked and resolved.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/plan/catalog.h"
#include "core/plan/cells.h"
#include "core/plan/spec.h"

namespace eexit {

// A plug-in and its short form for ids and tables: "resnet-14", "sdn", "phases-joint+heads".
struct Named {
  Choice choice;
  std::string label;
  std::string weights = {};  // file that an architecture's weights come from; "": none
};

// A cell's values; they live as long as the reader that gave them.
struct TypedRun {
  Named const *arch = nullptr, *method = nullptr, *regime = nullptr;
  DataSpec const* data = nullptr;
  Placement const* placement = nullptr;
  TrainSpec const* train = nullptr;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> head_seed;  // none where it is `seed`
  SpecText spec;
};

// The same for runs that differ in their seeds alone.
SpecText without_seeds(SpecText);

// A train object: what all regimes share, and what the recipes of each are laid over it.
struct Recipes {
  TrainSpec common;
  std::map<std::string, std::map<std::string, Recipe>> by_regime;
};

// Reads cells; what they share is read once.
class RunReader {
 public:
  explicit RunReader(Catalog const& catalog) : catalog_(catalog) {}

  // `plain`: train is read for the plain network, so that recipes for the cell's regime do not reach it.
  TypedRun read(Cell const&, bool plain = false);

 private:
  using Shared = std::shared_ptr<Part const>;
  template <class Value>
  using Memo = std::map<Shared, std::pair<Value, std::shared_ptr<std::string const>>>;  // with its piece of the text

  Catalog const& catalog_;
  Memo<Named> archs_, methods_, regimes_;
  Memo<DataSpec> data_;
  Memo<Placement> placements_;
  Memo<std::optional<std::uint64_t>> seeds_;
  Memo<Recipes> recipes_;
  std::map<std::pair<Shared, std::string>, TrainSpec> trains_;  // by regime
};

// Asks a run object for every key, for the declarations that this leaves in the reader.
void declare_run(JsonReader&, Catalog const&);

// The declarations of the run object, for `eexit list` and the README's reference.
std::vector<Field> run_fields(Catalog const&);

// A pointer's place in the file, for errors found after reading: "spec.json /defaults/placement".
std::string place_in(Cell const&, std::string const& pointer);

// The pointer in the cell to what a phase's recipe takes its `key` from: "/train/phases/joint/clip".
std::string recipe_place(Cell const&, std::string const& regime, std::string const& phase, std::string const& key);

// The place in the file that decides a phase's rate, for messages.
std::string rate_place(Cell const&, std::string const& regime, std::string const& phase);

}  // namespace eexit
