// What every subcommand shares: its arguments, parsed from the same declarations that make --help.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace eexit::cli {

// One flag of a subcommand. `value`: what its argument is called in --help; "" for a switch.
struct Flag {
  std::string name, value, fallback, help;
};

// What a subcommand takes. The common flags (--out, --threads, ...) need not be repeated.
struct Declaration {
  std::string usage;                    // "SPEC", "STUDY [--samples FILE]"
  std::string about;                    // a paragraph
  std::vector<std::string> positional;  // names, all needed unless in brackets: "[WHAT]"
  std::vector<Flag> flags;
};

// Parsed arguments.
struct Args {
  std::vector<std::string> positional;
  std::map<std::string, std::string> values;  // of flags, defaults included; switches "true" or "false"
  std::vector<std::string> sets;              // --set, in order
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

// SpecError with Exit::usage on anything not declared. Prints help and returns true when it was asked for.
bool parse(Command const&, std::vector<std::string> const& words, Args& args);

int train(Args const&);
int sweep(Args const&);
int eval(Args const&);
int analyze(Args const&);
int bench(Args const&);
int list(Args const&);
int work(Args const&);

}  // namespace eexit::cli
