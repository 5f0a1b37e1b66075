// The files of a study's folder, made from its finished runs.
#pragma once

#include "cli/command.h"
#include "core/execute/sweep.h"
#include "core/plan/spec.h"
#include "core/report/judge.h"
#include "core/store/store.h"
#include "core/store/study.h"

namespace eexit::cli {

// The spec at `path` with --set applied, planned. Warnings are printed.
Plan read_plan(std::string const& path, Args const&, Store const&);

// Runs kept by --only (an id, or a part of it that no other run has), plain and rivals beside them kept too.
void keep_only(Plan&, std::string const& id);

torch::Device device_of(Args const&);

// Judges every run that is finished or failed.
Verdict judge_plan(Plan const&, EvalSpec const&, Store const&, std::map<std::string, std::string> const& failed);

// spec.json, results.csv, curves.csv, runs.csv, env.json, table.md and the chart, in `folder`. A study that was there
// with another spec is kept in a folder of its own beside the new files. Returns the study as analyses see it.
Study write_study(Plan const&, Store const&, SweepReport const&, torch::Device);

// Writes what was judged into `folder` (spec text, CSVs, env.json) and opens it; table.md and the chart are made by
// finish.
void print_table(Study const&, bool json);
void write_table_and_chart(Study const&, bool chart);

}  // namespace eexit::cli
