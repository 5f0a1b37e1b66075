// Spec -> plan: pure, given a catalog.
#pragma once

#include <string>
#include <vector>

#include "core/plan/catalog.h"
#include "core/plan/spec.h"

namespace eexit {

// Raised when the layout of files or of keys changes.
inline constexpr int format_version = 1;
// Raised when a loss, an update or a random stream changes, so that old phases are not taken for new ones.
inline constexpr int numerics_version = 2;

// A spec with edits of the form "/defaults/data/limit=5000" applied (the value is JSON, else text; missing objects on
// the way are made; under /defaults objects merge as a grid's do, elsewhere values replace). Strictly checked, indented
// by two. SpecError naming the file or the edit.
std::string edit_spec(std::string const& text, std::string const& file, std::vector<std::string> const& edits);

// Expands and checks everything: a typo in cell 37 fails here. `text` as from edit_spec.
Plan make_plan(std::string const& text, std::string const& file, Catalog const&);

// A spec whose plan has each of these runs of `plan` again, by the same id and keys, and maybe more: their plain
// networks, a rival for every cell. For a process that does a few runs of a large study.
std::string spec_for(Plan const& plan, std::vector<Run const*> const& runs);

// The eval object alone, for judging finished runs by other rules.
EvalSpec read_eval(JsonReader&, Catalog const&);

// One exit rule of it. `read_own` reads the policy's own parameters and calls done().
EvalSpec::Rule read_rule(std::string const& name, JsonReader&, std::function<void(JsonReader&)> const& read_own);

}  // namespace eexit
