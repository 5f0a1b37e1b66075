// The settings in which the runs of a study differ: axes.csv, which is published with it.
#pragma once

#include <map>
#include <string>

#include "core/base/csv.h"
#include "core/plan/spec.h"

namespace eexit {

// Settings by dotted name: "train.batch", "regime.phases"; lists joined with ";", null is "".
using Settings = std::map<std::string, std::string>;

// The leaves of a JSON object; `json` is its text. RunError naming `where` when it is none.
Settings settings_of(std::string const& json, std::string const& where);

// Columns: run, then each setting whose value differs between the runs of the grid; a row for every run of the plan,
// plain networks and rivals too. The seed is no axis: results.csv has it.
Csv axes_csv(Plan const&);

}  // namespace eexit
