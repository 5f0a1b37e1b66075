// One cell, typed: every key read, checked and resolved.
#pragma once

#include <string>

#include "core/plan/catalog.h"
#include "core/plan/cells.h"
#include "core/plan/spec.h"

namespace eexit {

struct TypedRun {
  Choice arch, method, regime;
  std::string arch_label, method_label, regime_label;  // "resnet-14", "sdn", "phases-joint+heads"
  DataSpec data;
  Placement placement;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> head_seed;  // none where it is `seed`
  TrainSpec train;
  std::string resolved;  // canonical JSON of the whole run object
};

// `plain`: train is read for the plain network, so that recipes for the cell's regime do not reach it.
TypedRun read_run(Cell const&, Catalog const&, bool plain = false);
TypedRun read_run(JsonReader&, Catalog const&, bool plain = false);

// The declarations of the run object, for `eexit list` and the README's reference.
std::vector<Field> run_fields(Catalog const&);

// A pointer's place in the file, for errors found after reading: "spec.json /defaults/placement".
std::string place_in(Cell const&, std::string const& pointer);

// The pointer in the cell to what a phase's recipe takes its `key` from: "/train/phases/joint/clip".
std::string recipe_place(Cell const&, std::string const& regime, std::string const& phase, std::string const& key);

// The place in the file that decides a phase's rate, for messages.
std::string rate_place(Cell const&, std::string const& regime, std::string const& phase);

}  // namespace eexit
