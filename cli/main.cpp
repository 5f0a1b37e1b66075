// eexit: a table of subcommands and a catch.
#include <sys/prctl.h>
#include <torch/torch.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/environment.h"

namespace eexit::cli {

namespace {

Flag const feature_memory = {"feature-memory", "MIB", "2048",
                             "features of frozen networks a worker keeps in memory, in MiB; the rest on disk"};

}  // namespace

std::vector<Command> const& commands() {
  static std::vector<Command> const all = {
      {"train",
       "train and judge one run of a spec, beside its plain network and rivals",
       {.usage = "SPEC",
        .about =
            "Trains the one run that SPEC expands to, beside plain network and rivals. A spec with more runs needs\n"
            "--only ID (ids: eexit sweep SPEC --dry-run). Goes on where it was interrupted.",
        .positional = {"SPEC"},
        .flags = {feature_memory}},
       train},
      {"sweep",
       "do the whole grid of a spec and print its table",
       {.usage = "SPEC or STUDY",
        .about =
            "Trains every run of the grid in SPEC, phases that runs share once, then judges them and writes table,\n"
            "CSVs and chart to OUT/studies/NAME. What is done already is not done again; after an interruption the\n"
            "same command goes on. STUDY: one that was swept before, by its name, with the spec it was swept with.",
        .positional = {"SPEC"},
        .flags = {{"jobs", "N", "1", "worker processes; the threads are divided among them"},
                  {"fail-fast", "", "", "stop at the first node that fails"},
                  {"status", "", "", "print what is done, running, failed and to do; from any machine"},
                  {"tables", "", "", "train nothing: write the tables of what is done"},
                  {"slurm", "", "",
                   "submit the work to Slurm as job arrays and return; options: the spec's slurm object"},
                  {"cancel", "", "", "cancel the jobs that --slurm submitted"},
                  {"tensorboard", "DIR", "", "write TensorBoard event files to DIR"},
                  feature_memory}},
       sweep},
      {"eval",
       "judge a finished study by other policies, confidences or budgets",
       {.usage = "STUDY",
        .about = "Judges the finished runs of STUDY (a name under OUT, or its folder) again and writes\n"
                 "eval-<hash>/ beside its files. Never trains. Other rules by --set, as in\n"
                 "--set '/eval/policies=[{\"name\": \"patience\"}]' --set '/eval/budgets=[0.5, 1]'.",
        .positional = {"STUDY"},
        .flags = {{"samples", "FILE", "", "write index, label, exit, prediction, confidence of every test sample"},
                  {"budget", "FRACTION", "0.5", "the budget whose knobs --samples uses, or max"}}},
       eval},
      {"analyze",
       "tables and charts of a finished study",
       {.usage = "NAME STUDY [STUDY...]",
        .about = "Runs the analysis NAME (eexit list analyses) on one study or several. Its parameters are set by\n"
                 "--set, as in eexit analyze table quickstart --set '/rows=[\"regime\", \"seed\"]' --set /metric=auc,\n"
                 "or --set /format=latex. eexit analyze compare A B tells which cells differ. Charts are written to\n"
                 "the first study's folder.",
        .positional = {"NAME", "STUDY", "[STUDY...]"},
        .flags = {},
        .words = {names(analyses()), {}}},
       analyze},
      {"bench",
       "time training, or early exit against plain and rival",
       {.usage = "train SPEC | methods SPEC | steps SPEC | images SPEC | means SPEC | exits STUDY",
        .about =
            "bench train SPEC: img/s of the trainer against a bare loop over the same modules, interleaved.\n"
            "bench methods SPEC: joint training of each method of SPEC against the first, interleaved.\n"
            "bench steps SPEC: seconds of the steps of its first run's first phase, once for each line on stdin,\n"
            "so that another program can take turns with it.\n"
            "bench images SPEC: img/s of reading and augmenting, and of steps whose images are read meanwhile.\n"
            "bench means SPEC: fitting class means against forward passes, an exit's confidence against the network.\n"
            "bench exits STUDY: latency and speed-up of early exit at batch 1, 16 and 64, measured and promised.",
        .positional = {"WHAT", "SPEC or STUDY"},
        .flags = {{"rounds", "N", "7", "rounds of interleaved arms; medians are reported"},
                  {"steps", "N", "30", "train, methods, steps, images, means: steps an arm and round"},
                  {"samples", "N", "512", "exits: test samples an arm and round"},
                  {"budget", "FRACTION", "0.5", "exits: the budget whose knobs are used"}},
        .words = {{"train", "methods", "steps", "images", "means", "exits"}, {}}},
       bench},
      {"list",
       "plug-ins with their parameters, keys of a spec, runs of a store",
       {.usage = "[WHAT]",
        .about =
            "WHAT: arch, datasets, methods, regimes, policies, analyses, run (keys of a run), eval. Without it: all\n"
            "these, with types, defaults and bounds. Or runs: those below OUT, with the last exit's accuracy on test.",
        .positional = {"[WHAT]"},
        .flags = {{"where", "KEY=VALUE", "",
                   "runs: only those with this value of a column or of a dotted key of the spec, as in regime=mixed or "
                   "train.batch=64; may be repeated",
                   true}},
        .words = {lists()}},
       list},
      {"init",
       "write a starter spec",
       {.usage = "[FILE]",
        .about =
            "Writes a small spec that trains within minutes to FILE (default spec.json), and eexit.schema.json beside\n"
            "it, so that an editor knows the keys. A FILE that is there already is left alone; another "
            "eexit.schema.json,\n"
            "as of an older version, is replaced.",
        .positional = {"[FILE]"},
        .flags = {{"data", "DIR", "", "train on the data set in this folder, recognised by its files"}}},
       init},
      {"schema",
       "print the JSON Schema of a spec, for editors",
       {.usage = "",
        .about =
            "JSON Schema (draft-07) of a spec with every plug-in and its parameters. A spec names it by \"$schema\":\n"
            "eexit schema > eexit.schema.json, then {\"$schema\": \"eexit.schema.json\", \"study\": ...}.",
        .positional = {},
        .flags = {}},
       schema},
      {"completion",
       "print a completion script for bash, zsh or fish",
       {.usage = "bash|zsh|fish",
        .about = "bash: eval \"$(eexit completion bash)\" in ~/.bashrc\n"
                 "zsh:  source <(eexit completion zsh) in ~/.zshrc, after compinit\n"
                 "fish: eexit completion fish > ~/.config/fish/completions/eexit.fish",
        .positional = {"SHELL"},
        .flags = {},
        .words = {{"bash", "zsh", "fish"}}},
       completion},
      {"verify",
       "check every file of a store for damage",
       {.usage = "",
        .about =
            "Checks what lies under OUT: checksums of weights, exits and checkpoints, keys of phases, parents; of all\n"
            "other JSON and CSV files only that they can be read. Prints a line a problem and changes nothing. Exit\n"
            "code 74 when something is damaged; eexit sweep makes damaged weights and exits again that it still\n"
            "needs, eexit sweep --fresh all.",
        .positional = {},
        .flags = {}},
       verify},
      {"work",
       "",
       {.usage = "[FILE NUMBER]",
        .about = "Does one job of a sweep, from standard input or by number from a file; called by eexit sweep.",
        .positional = {"[FILE]", "[NUMBER]"},
        .flags = {feature_memory}},
       work}};
  return all;
}

namespace {

void print_help() {
  std::puts(
      "eexit: trains and evaluates early-exit neural networks\n\nusage: eexit COMMAND ... (eexit COMMAND --help)\n");
  for (auto const& command : commands())
    if (!command.help.empty()) std::printf("  %-10s %s\n", command.name.c_str(), command.help.c_str());
  std::puts(
      "\nExit codes: 0 ok; 1 some runs failed; 64 usage; 65 spec or data; 66 file missing; 69 set-up; 70 internal;\n"
      "74 I/O; 75 interrupted, run again to go on.");
}

int dispatch(std::vector<std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help();
    return words.empty() ? static_cast<int>(Exit::usage) : 0;
  }
  for (auto const& word : words)
    if (word == "--version") {
      std::printf("eexit %s\n", revision().c_str());
      return 0;
    }
  std::vector<std::string> known;
  for (auto const& command : commands())
    if (!command.help.empty()) known.push_back(command.name);
  for (auto const& command : commands()) {
    if (command.name != words[0]) continue;
    words.erase(words.begin());
    Args args;
    if (parse(command, words, args)) return 0;
    if (args.threads > 0) torch::set_num_threads(args.threads);
    return command.run(args);
  }
  throw SpecError("eexit: " + unknown_name("command", words[0], known), Exit::usage);
}

}  // namespace

}  // namespace eexit::cli

int main(int argc, char** argv) {
  using eexit::Exit;
  ::prctl(PR_SET_NAME, "eexit");  // workers are started as /proc/self/exe
  eexit::install_signal_handlers();
  auto const failed = [](char const* what, Exit code) {
    eexit::report_error(what);
    return static_cast<int>(code);
  };
  try {
    return eexit::cli::dispatch({argv + 1, argv + argc});
  } catch (eexit::SpecError const& error) {
    return failed(error.what(), error.code);
  } catch (eexit::RunError const& error) {
    return failed(error.what(), error.code);
  } catch (eexit::Interrupted const& stop) {
    return failed(stop.what(), Exit::interrupted);
  } catch (std::filesystem::filesystem_error const& error) {
    return failed(error.what(), Exit::io);
  } catch (c10::Error const& error) {
    return failed(error.what_without_backtrace(), Exit::internal);
  } catch (std::exception const& error) {
    return failed(error.what(), Exit::internal);
  }
}
