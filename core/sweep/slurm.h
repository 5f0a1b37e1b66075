// Job arrays of a sweep for Slurm: the scripts, their submission, what became of them, their cancellation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/plan/slurm_spec.h"

namespace eexit {

// One level of the sweep: `elements` processes that may run side by side, each as a job of its own.
struct SlurmJob {
  std::string name;                  // "<study>-level-0"
  int elements = 1;                  // numbered from 0
  bool array = true;                 // false: one plain job, for the tables at the end
  std::vector<std::string> command;  // program and arguments; of an array, its element's number is appended
  int first = 0;                     // number of the first element; above 0 where a level was split
};

struct SlurmOptions {
  SlurmSpec spec;
  fs::path folder;  // of scripts, outputs and jobs.json: OUT/studies/<study>/slurm
};

// The script for sbatch. SpecError when the folder's name cannot be written in one.
std::string slurm_script(SlurmJob const&, SlurmOptions const&);

// Submits the levels, each to start when the one before it has ended, well or not, and returns the ids of the jobs,
// more than one for a level larger than an array may be. Writes scripts and jobs.json. SpecError (usage) when jobs of
// the folder are still queued; RunError when sbatch is missing (setup) or refuses: what was submitted is cancelled
// then.
std::vector<std::string> slurm_submit(std::vector<SlurmJob> const& levels, SlurmOptions const&);

// SpecError (usage) when jobs of the folder are still queued: what they read must stay as it is.
void slurm_refuse_while_queued(fs::path const& folder);

// What Slurm still holds of one submitted job; the rest of its elements have ended.
struct SlurmCount {
  std::string id, name;
  int elements = 1, pending = 0, running = 0;
};

// Of the jobs in the folder's jobs.json; none when there is no such file. Nothing when Slurm cannot be asked from here.
std::optional<std::vector<SlurmCount>> slurm_states(fs::path const& folder);

// Cancels what is queued or running of the folder's jobs and returns how many elements that were. RunError when Slurm
// cannot be asked, or refuses.
int slurm_cancel(fs::path const& folder);

// Inside a job: its name, the log file that its script names (of a job of this folder), and how often Slurm has started
// it again. Outside: "", "" and 0.
std::string slurm_job_name();
fs::path slurm_log(fs::path const& folder);
int slurm_restarts();

// Inside a job: asks Slurm to start this job or array element again later; Slurm then ends it by SIGTERM, so save
// first. False outside a job, and with a warning when Slurm refuses.
bool slurm_requeue();

}  // namespace eexit
