// The files of a study's folder, made from its finished runs.
#pragma once

#include "cli/command.h"
#include "core/execute/work.h"
#include "core/plan/spec.h"
#include "core/report/judge.h"
#include "core/store/store.h"
#include "core/store/study.h"
#include "core/sweep/supervisor.h"

namespace eexit::cli {

// The spec at `path` with --set applied, planned. Warnings are printed.
Plan read_plan(std::string const& path, Args const&, Store const&);

// The runs that --only (an id, or a part of it that no other run has) leaves to do: that one, its plain network, and
// the rivals on its data with its seed.
void keep_only(Plan&, std::string const& id);

torch::Device device_of(Args const&);
std::size_t feature_bytes(Args const&);  // --feature-memory

// Judges every run that is finished or failed.
Verdict judge_plan(Plan const&, EvalSpec const&, Store const&, std::map<std::string, std::string> const& failed);

// Freezes the spec in the study's folder before anything is trained. A study that was there with another spec is kept
// in a folder of its own beside the new files.
void freeze(Plan const&, Store const&);

// The study's files say what its finished runs say now: nothing was done, lost or edited since they were written.
bool stands_judged(Plan const&, Store const&);

// results.csv, curves.csv, runs.csv and env.json beside the frozen spec. Returns the study as analyses see it.
// `environment`: text of env.json, written when something was trained.
Study write_study(Plan const&, Store const&, SweepReport const&, std::string const& environment);

void print_table(Study const&, bool json);
void write_table_and_chart(Study const&, bool chart);

}  // namespace eexit::cli
