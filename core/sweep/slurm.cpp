#include "core/sweep/slurm.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/process.h"
#include "core/base/text.h"

namespace eexit {
namespace {

using Json = nlohmann::ordered_json;

// Slurm's default MaxArraySize less one, where Slurm does not say; larger arrays are split anyway.
constexpr int most_elements = 1000;

std::string replaced(std::string const& text, char from, std::string const& to) {
  std::string out;
  for (char const c : text)
    if (c == from)
      out += to;
    else
      out += c;
  return out;
}

// For bash and, but for backslashes, for #SBATCH lines too: both join quoted pieces.
std::string quoted(std::string const& text) {
  auto const plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:,=+@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  return "'" + replaced(text, '\'', R"('"'"')") + "'";
}

// sbatch takes backslashes for escapes even in single quotes.
std::string directive(std::string const& name, std::string const& value) {
  return "#SBATCH --" + name + (value.empty() ? "" : "=" + quoted(replaced(value, '\\', R"(\\)"))) + "\n";
}

// %% is one % in the name of an output file. A backslash would end all replacement there, in a way of its own.
std::string output_pattern(SlurmJob const& job, fs::path const& folder) {
  auto const name = folder.string();
  auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (name.find('\\') != std::string::npos || std::any_of(name.begin(), name.end(), control))
    throw SpecError(name + ": Slurm takes no backslash and no control character in a folder's name");
  return replaced(name, '%', "%%") + (job.array ? "/%x-%A_%a.log" : "/%x-%j.log");
}

// "sbatch: error: invalid partition" -> "invalid partition".
std::string reason(Output const& output) {
  auto line = split(output.err, '\n').front();
  for (std::string_view const prefix : {"sbatch: ", "scancel: ", "scontrol: ", "error: "})
    if (line.starts_with(prefix)) line.erase(0, prefix.size());
  return line.empty() ? "exit code " + std::to_string(output.status) : line;
}

fs::path jobs_file(fs::path const& folder) { return folder / "jobs.json"; }

// The jobs as they were submitted, without what became of them.
std::vector<SlurmCount> submitted(fs::path const& folder) {
  auto const path = jobs_file(folder);
  std::vector<SlurmCount> jobs;
  if (!fs::exists(path)) return jobs;
  try {
    auto const file = Json::parse(read_file(path));
    for (auto const& job : file.at("jobs"))
      jobs.push_back({.id = job.at("id"), .name = job.at("name"), .elements = job.at("elements")});
  } catch (Json::exception const&) {
    throw RunError(path.string() + ": damaged; `squeue --me` and `scancel` show and end the jobs");
  }
  return jobs;
}

void write_jobs(fs::path const& folder, std::vector<SlurmCount> const& jobs) {
  auto list = Json::array();
  for (auto const& job : jobs) list.push_back({{"id", job.id}, {"name", job.name}, {"elements", job.elements}});
  write_file(jobs_file(folder), Json{{"jobs", list}}.dump(1) + "\n");
}

std::vector<std::string> ids_of(std::vector<SlurmCount> const& jobs) {
  std::vector<std::string> ids;
  for (auto const& job : jobs) ids.push_back(job.id);
  return ids;
}

// Jobs that Slurm has forgotten have ended. It knows a finished one for some minutes (MinJobAge) and calls the number
// invalid afterwards, though only where all the numbers it is asked for are.
std::optional<std::vector<SlurmCount>> counted(std::vector<SlurmCount> jobs) {
  if (jobs.empty()) return jobs;
  auto const output = run_command({"squeue", "--noheader", "--array", "--format=%F %T",
                                   "--jobs=" + join(std::span<std::string const>(ids_of(jobs)), ",")});
  if (!output) return std::nullopt;
  if (output->status != 0) {
    if (output->err.find("Invalid job id") == std::string::npos) return std::nullopt;
    return jobs;
  }
  for (auto const& line : split(output->out, '\n')) {
    auto const space = line.find(' ');
    if (space == std::string::npos) continue;
    for (auto& job : jobs)
      if (job.id == line.substr(0, space)) ++(line.substr(space + 1) == "PENDING" ? job.pending : job.running);
  }
  return jobs;
}

void scancel(std::vector<std::string> const& options, std::vector<SlurmCount> const& jobs) {
  std::vector<std::string> command = {"scancel"};
  command.insert(command.end(), options.begin(), options.end());
  for (auto const& job : jobs) command.push_back(job.id);
  auto const output = run_command(command);
  if (!output) throw RunError("scancel is not installed here", Exit::setup);
  if (output->status != 0) throw RunError("scancel: " + reason(*output));
}

// What waits first: the end of a level must not start the next one.
void cancel_all(std::vector<SlurmCount> const& jobs) {
  if (jobs.empty()) return;
  scancel({"--state=PENDING"}, jobs);
  scancel({}, jobs);
}

int largest_array() {
  auto const output = run_command({"scontrol", "show", "config"});
  if (!output || output->status != 0) return most_elements;
  for (auto const& line : split(output->out, '\n')) {
    if (!line.starts_with("MaxArraySize")) continue;
    auto const digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) break;
    return std::clamp(std::atoi(line.c_str() + digits), 1, most_elements);
  }
  return most_elements;
}

std::vector<SlurmJob> pieces(SlurmJob const& level, int largest) {
  if (!level.array || level.elements <= largest) return {level};
  std::vector<SlurmJob> all;
  for (int first = 0; first < level.elements; first += largest) {
    auto piece = level;
    piece.name += "-from-" + std::to_string(first);
    piece.first = first;
    piece.elements = std::min(largest, level.elements - first);
    all.push_back(piece);
  }
  return all;
}

std::string sbatch(SlurmJob const& job, SlurmOptions const& options, std::vector<std::string> const& after) {
  auto const script = options.folder / (job.name + ".sbatch");
  write_file(script, slurm_script(job, options));
  std::vector<std::string> command = {"sbatch", "--parsable"};
  // afterany: what a failed element left undone, the next level's elements find out and do, or report.
  if (!after.empty()) command.push_back("--dependency=afterany:" + join(std::span<std::string const>(after), ":"));
  command.push_back(script.string());
  auto const output = run_command(command);
  if (!output) throw RunError("sbatch is not installed here: --slurm needs a machine that submits jobs", Exit::setup);
  if (output->status != 0) throw RunError("sbatch refused " + job.name + ": " + reason(*output));
  auto const id = output->out.substr(0, output->out.find_first_of(";\n"));  // "12" or "12;cluster"
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos)
    throw RunError("sbatch told no job number for " + job.name + ": \"" + shortened(output->out, 80) + "\"");
  return id;
}

std::string environment(char const* name) {
  char const* const value = std::getenv(name);
  return value ? value : "";
}

// Adds to `jobs` as it goes.
void submit_levels(std::vector<SlurmJob> const& levels, SlurmOptions const& options, std::vector<SlurmCount>& jobs) {
  bool const arrays = std::any_of(levels.begin(), levels.end(), [](SlurmJob const& l) { return l.elements > 1; });
  int const largest = arrays ? largest_array() : most_elements;
  std::vector<std::string> level_before;
  for (auto const& level : levels) {
    if (level.elements == 0) continue;
    std::vector<std::string> level_ids;
    for (auto const& piece : pieces(level, largest)) {
      // With a limit on what runs at once the pieces of a level take turns: each array counts for itself.
      bool const turns = options.spec.max_running > 0 && !level_ids.empty();
      auto const id = sbatch(piece, options, turns ? std::vector{level_ids.back()} : level_before);
      jobs.push_back({.id = id, .name = piece.name, .elements = piece.elements});
      level_ids.push_back(id);
      write_jobs(options.folder, jobs);  // each time: whatever happens next, --cancel finds them
    }
    level_before = level_ids;
  }
}

}  // namespace

void slurm_refuse_while_queued(fs::path const& folder) {
  auto const before = counted(submitted(folder));
  if (!before) return;  // sbatch will say why
  for (auto const& job : *before)
    if (job.pending + job.running > 0)
      throw SpecError(job.name + " is still queued as job " + job.id + ": wait for its end, or --cancel first",
                      Exit::usage);
}

std::string slurm_script(SlurmJob const& job, SlurmOptions const& options) {
  std::string out = "#!/bin/bash\n# Written by eexit sweep --slurm.\n";
  out += directive("job-name", job.name);
  if (job.array) {
    auto range = "0-" + std::to_string(job.elements - 1);
    if (options.spec.max_running > 0) range += "%" + std::to_string(options.spec.max_running);
    out += directive("array", range);
  }
  out += directive("output", output_pattern(job, options.folder));
  out += directive("open-mode", "append") + directive("requeue", "");  // one log over all starts of an element
  out += directive("signal", "B:USR1@" + std::to_string(options.spec.signal_seconds));
  for (auto const& [name, value] : options.spec.options) out += directive(name, value);
  // Replaces bash: Slurm signals the script's own process, and bash would run a trap only after its child has ended.
  out += "exec";
  for (auto const& word : job.command) out += " " + quoted(word);
  if (job.array && job.first > 0)
    out += " \"$((SLURM_ARRAY_TASK_ID + " + std::to_string(job.first) + "))\"";
  else if (job.array)
    out += " \"$SLURM_ARRAY_TASK_ID\"";
  return out + "\n";
}

std::vector<std::string> slurm_submit(std::vector<SlurmJob> const& levels, SlurmOptions const& given) {
  auto options = given;
  options.folder = fs::absolute(given.folder).lexically_normal();
  slurm_refuse_while_queued(options.folder);
  std::vector<SlurmCount> jobs;
  try {
    submit_levels(levels, options, jobs);
  } catch (RunError const& error) {
    try {
      cancel_all(jobs);
    } catch (RunError const& second) {
      throw RunError(std::string(error.what()) + "; jobs submitted before could not be cancelled: " + second.what(),
                     error.code);
    }
    fs::remove(jobs_file(options.folder));
    throw;
  }
  return ids_of(jobs);
}

std::optional<std::vector<SlurmCount>> slurm_states(fs::path const& folder) { return counted(submitted(folder)); }

int slurm_cancel(fs::path const& folder) {
  auto const jobs = slurm_states(folder);
  if (!jobs) throw RunError("squeue does not answer: cancel on a machine of the cluster", Exit::setup);
  std::vector<SlurmCount> queued;
  int elements = 0;
  for (auto const& job : *jobs) {
    if (job.pending + job.running == 0) continue;
    queued.push_back(job);
    elements += job.pending + job.running;
  }
  cancel_all(queued);
  return elements;
}

std::string slurm_job_name() { return environment("SLURM_JOB_NAME"); }

fs::path slurm_log(fs::path const& folder) {
  auto const job = environment("SLURM_JOB_ID"), array = environment("SLURM_ARRAY_JOB_ID");
  if (job.empty()) return "";
  auto const number = array.empty() ? job : array + "_" + environment("SLURM_ARRAY_TASK_ID");
  return fs::absolute(folder).lexically_normal() / (slurm_job_name() + "-" + number + ".log");
}

int slurm_restarts() { return std::atoi(environment("SLURM_RESTART_COUNT").c_str()); }

bool slurm_requeue() {
  auto const job = environment("SLURM_JOB_ID");
  if (job.empty()) return false;
  // An element by array and number: the last one to start has the array's own job number, and requeuing that one would
  // requeue the whole array, finished elements too.
  auto const array = environment("SLURM_ARRAY_JOB_ID"), element = environment("SLURM_ARRAY_TASK_ID");
  auto const id = array.empty() || element.empty() ? job : array + "_" + element;
  auto const output = run_command({"scontrol", "requeue", id});
  // Slurm ends all of the job at once, scontrol too if it has not finished by then.
  if (output && (output->status == 0 || output->status == 128 + SIGTERM)) return true;
  warn("Slurm did not requeue job " + id + ": " + (output ? reason(*output) : "no scontrol here") +
       "; the same sweep command goes on");
  return false;
}

}  // namespace eexit
