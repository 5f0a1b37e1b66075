// What every subcommand shares: its arguments, parsed from the same declarations that make --help.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace eexit::cli {

// One flag of a subcommand. `value`: what its argument is called in --help; "" for a switch. Completion knows DIR, FILE
// and ID (of a run), and the values in `words`.
struct Flag {
  std::string name, value, fallback, help;
  bool repeats = false;
  std::vector<std::string> words = {};
};

// What a subcommand takes. The common flags (--out, --threads, ...) need not be repeated.
struct Declaration {
  std::string usage;                    // "SPEC", "STUDY [--samples FILE]"
  std::string about;                    // a paragraph
  std::vector<std::string> positional;  // names, all needed unless in brackets: "[WHAT]", "[STUDY...]"
  std::vector<Flag> flags;
  // What positional words may be, for completion; empty: their names tell (SPEC, STUDY, FILE).
  std::vector<std::vector<std::string>> words = {};
};

// Parsed arguments.
struct Args {
  std::vector<std::string> positional;
  std::map<std::string, std::string> values;              // of flags, defaults included; switches "true" or "false"
  std::map<std::string, std::vector<std::string>> lists;  // of flags that repeat, in order
  std::vector<std::string> sets;                          // --set, in order
  std::filesystem::path out;
  std::string only;
  bool dry_run = false, json = false, fresh = false;
  int threads = 0;  // 0: as LibTorch chooses
  std::string device = "cpu";
};

struct Command {
  std::string name, help;
  Declaration declaration;
  int (*run)(Args const&);
};

std::vector<Command> const& commands();  // the table; one without help is called by the program itself
std::vector<Flag> const& common_flags();

// SpecError with Exit::usage on anything not declared. Prints help and returns true when it was asked for.
bool parse(Command const&, std::vector<std::string> const& words, Args& args);

int train(Args const&);
int sweep(Args const&);
int eval(Args const&);
int analyze(Args const&);
int bench(Args const&);
int list(Args const&);
int work(Args const&);
int schema(Args const&);
int completion(Args const&);
int init(Args const&);
int verify(Args const&);

// What `eexit list` takes as WHAT.
std::vector<std::string> const& lists();

}  // namespace eexit::cli
