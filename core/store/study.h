// A finished study as analyses see it: the files of its folder, here or published.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/csv.h"
#include "core/base/files.h"
#include "core/report/results.h"

namespace eexit {

struct Study {
  std::string name;
  fs::path folder;
  std::string spec;                // text of spec.json
  std::vector<Result> results;     // with their axes
  Csv curves, runs, axes;          // axes: no columns where there is no axes.csv
  std::string environment;         // text of env.json
  std::optional<fs::path> phases;  // where journals lie; none for a published copy
  std::optional<fs::path> store;   // the output folder that holds phases and runs; none for a published copy
};

// `where`: a folder that holds results.csv, or a study's name under `out`. SpecError (Exit::missing) naming both
// places.
Study open_study(std::string const& where, fs::path const& out);

// The lines below every table: cost convention, rule, spec hash, hardware.
std::vector<std::string> footer(Study const&);

// Those of several studies: lines that differ say whose they are.
std::vector<std::string> footer(std::span<Study const>);

// Settings of data and training that the specs' defaults give differently and no axis sets: "train.batch: 64, 128".
std::vector<std::string> differing_defaults(Study const&, Study const&);

// One name for each study: its own, or its folder where two have the same.
std::vector<std::string> names_of(std::span<Study const>);

// The rows of all studies, each under its study's name, with what their published.csv holds. What `settings` names and
// is no axis of a study has one value there: it is looked up in the runs' run.json, else in the defaults of spec.json,
// and stands among the axes.
std::vector<Result> results_of(std::span<Study const>, std::vector<std::string> const& settings);

}  // namespace eexit
