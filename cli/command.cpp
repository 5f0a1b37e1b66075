#include "cli/command.h"

// --set takes JSON, whose commas must not part it.
#define CXXOPTS_VECTOR_DELIMITER '\0'

#include <cstdio>
#include <cxxopts.hpp>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"

namespace eexit::cli {

namespace {

void declare(cxxopts::Options& options, std::string const& group, Flag const& flag) {
  auto add = options.add_options(group);
  if (flag.repeats)
    add(flag.name, flag.help, cxxopts::value<std::vector<std::string>>(), flag.value);
  else if (flag.value.empty())
    add(flag.name, flag.help);
  else if (flag.fallback.empty())
    add(flag.name, flag.help, cxxopts::value<std::string>(), flag.value);
  else
    add(flag.name, flag.help, cxxopts::value<std::string>()->default_value(flag.fallback), flag.value);
}

// The flag's values go into `args.values` or `args.lists`.
void take(cxxopts::ParseResult const& parsed, Flag const& flag, Args& args) {
  bool const given = parsed.count(flag.name) > 0;
  if (flag.repeats)
    args.lists[flag.name] = given ? parsed[flag.name].as<std::vector<std::string>>() : std::vector<std::string>{};
  else if (flag.value.empty())
    args.values[flag.name] = given ? "true" : "false";
  else
    args.values[flag.name] = given || !flag.fallback.empty() ? parsed[flag.name].as<std::string>() : "";
}

int threads_from(std::string const& text) {
  long long threads = -1;
  try {
    threads = parse_integer(text, "--threads");
  } catch (SpecError const&) {
    // The same answer as for a number out of bounds.
  }
  if (threads < 0 || threads > 1024) throw SpecError("--threads: expected 0 to 1024, found " + text, Exit::usage);
  return static_cast<int>(threads);
}

void take_common(cxxopts::ParseResult const& parsed, Args& args) {
  Args common;
  for (auto const& flag : common_flags()) take(parsed, flag, common);
  auto const on = [&](char const* name) { return common.values.at(name) == "true"; };
  args.sets = common.lists.at("set");
  args.only = common.values.at("only");
  args.out = common.values.at("out");
  args.dry_run = on("dry-run");
  args.json = on("json");
  args.fresh = on("fresh");
  args.threads = threads_from(common.values.at("threads"));
  args.device = common.values.at("device");
  if (on("quiet")) set_log_level(Level::quiet);
  if (on("verbose")) set_log_level(Level::verbose);
}

}  // namespace

std::vector<Flag> const& common_flags() {
  static std::vector<Flag> const all = {
      {"out", "DIR", "out", "folder for everything that is written"},
      {"set", "/POINTER=JSON", "", "edit the spec before it is read: /defaults/data/limit=5000; may be repeated", true},
      {"only", "ID", "", "this run alone, by its id or a part of it that no other has"},
      {"dry-run", "", "", "print the resolved plan, what is done and to do; touch nothing"},
      {"fresh", "", "", "forget what these runs left behind and train again"},
      {"json", "", "", "results as JSON on stdout"},
      {"threads", "N", "0", "threads of one process; 0: all cores"},
      {"device", "DEVICE", "cpu", "cpu, cuda or cuda:N", false, {"cpu", "cuda"}},
      {"quiet", "", "", "no messages but warnings and errors"},
      {"verbose", "", "", "more messages"},
      {"version", "", "", "print the version"},
      {"help", "", "", "print this help"}};
  return all;
}

bool parse(Command const& command, std::vector<std::string> const& words, Args& args) {
  auto const& declared = command.declaration;
  cxxopts::Options options("eexit " + command.name, "\n" + declared.about + "\n");
  options.custom_help("[flags]");
  options.positional_help(declared.usage);
  options.set_width(100);
  for (auto const& flag : declared.flags) declare(options, command.name, flag);
  for (auto const& flag : common_flags())
    if (flag.name != "help") declare(options, "Common", flag);
  options.add_options("Common")("h,help", "print this help");
  options.add_options("hidden")("words", "", cxxopts::value<std::vector<std::string>>());
  options.parse_positional({"words"});

  std::vector<char const*> argv = {"eexit"};
  for (auto const& word : words) argv.push_back(word.c_str());
  cxxopts::ParseResult parsed;
  try {
    parsed = options.parse(static_cast<int>(argv.size()), argv.data());
  } catch (cxxopts::exceptions::exception const& error) {
    throw SpecError(
        std::string("eexit ") + command.name + ": " + error.what() + "; see eexit " + command.name + " --help",
        Exit::usage);
  }
  if (parsed.count("help")) {
    std::vector<std::string> groups;
    if (!declared.flags.empty()) groups.push_back(command.name);
    groups.emplace_back("Common");
    std::fputs(options.help(groups).c_str(), stdout);
    return true;
  }
  if (parsed.count("words")) args.positional = parsed["words"].as<std::vector<std::string>>();
  std::size_t needed = 0;
  for (auto const& name : declared.positional) needed += !name.starts_with("[");
  bool const any_more = !declared.positional.empty() && declared.positional.back().ends_with("...]");
  if (args.positional.size() < needed || (!any_more && args.positional.size() > declared.positional.size()))
    throw SpecError("eexit " + command.name + ": expected " + declared.usage + ", found " +
                        std::to_string(args.positional.size()) + " words; see eexit " + command.name + " --help",
                    Exit::usage);
  for (auto const& flag : declared.flags) take(parsed, flag, args);
  take_common(parsed, args);
  return false;
}

}  // namespace eexit::cli
