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

void declare_common(cxxopts::Options& options) {
  options.add_options("Common")("out", "folder for everything that is written",
                                cxxopts::value<std::string>()->default_value("out"), "DIR")(
      "set", "edit the spec before it is read: /defaults/data/limit=5000; may be repeated",
      cxxopts::value<std::vector<std::string>>(), "/POINTER=JSON")(
      "only", "this run alone, by its id or a part of it that no other has", cxxopts::value<std::string>(), "ID")(
      "dry-run", "print the resolved plan, what is done and to do; touch nothing")(
      "fresh", "forget what these runs left behind and train again")("json", "results as JSON on stdout")(
      "threads", "threads of one process; 0: all cores", cxxopts::value<int>()->default_value("0"), "N")(
      "device", "cpu, cuda or cuda:N", cxxopts::value<std::string>()->default_value("cpu"), "DEVICE")(
      "quiet", "no messages but warnings and errors")("verbose", "more messages")("version", "print the version")(
      "h,help", "print this help");
}

}  // namespace

bool parse(Command const& command, std::vector<std::string> const& words, Args& args) {
  auto const& declared = command.declaration;
  cxxopts::Options options("eexit " + command.name, "\n" + declared.about + "\n");
  options.custom_help("[flags]");
  options.positional_help(declared.usage);
  options.set_width(100);
  for (auto const& flag : declared.flags) {
    if (flag.value.empty())
      options.add_options(command.name)(flag.name, flag.help);
    else
      options.add_options(command.name)(flag.name, flag.help,
                                        cxxopts::value<std::string>()->default_value(flag.fallback), flag.value);
  }
  declare_common(options);
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
  if (args.positional.size() < needed || args.positional.size() > declared.positional.size())
    throw SpecError("eexit " + command.name + ": expected " + declared.usage + ", found " +
                        std::to_string(args.positional.size()) + " words; see eexit " + command.name + " --help",
                    Exit::usage);
  for (auto const& flag : declared.flags)
    args.values[flag.name] =
        flag.value.empty() ? (parsed.count(flag.name) ? "true" : "false") : parsed[flag.name].as<std::string>();
  if (parsed.count("set")) args.sets = parsed["set"].as<std::vector<std::string>>();
  if (parsed.count("only")) args.only = parsed["only"].as<std::string>();
  args.out = parsed["out"].as<std::string>();
  args.dry_run = parsed.count("dry-run") > 0;
  args.json = parsed.count("json") > 0;
  args.fresh = parsed.count("fresh") > 0;
  args.threads = parsed["threads"].as<int>();
  args.device = parsed["device"].as<std::string>();
  if (args.threads < 0 || args.threads > 1024)
    throw SpecError("--threads: expected 0 to 1024, found " + std::to_string(args.threads), Exit::usage);
  if (parsed.count("quiet")) set_log_level(Level::quiet);
  if (parsed.count("verbose")) set_log_level(Level::verbose);
  return false;
}

}  // namespace eexit::cli
