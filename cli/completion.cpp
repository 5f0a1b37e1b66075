// Completion scripts, made from the table of commands.
#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "cli/command.h"
#include "cli/completion_scripts.h"
#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit::cli {

namespace {

// What a word can be completed to: one of a list, or of a kind that each script has a function for.
struct Fill {
  std::string kind;                // words, spec, study, spec_or_study, file, folder, run; "": nothing
  std::vector<std::string> words;  // of kind words
};

Fill fill_of(Flag const& flag) {
  if (!flag.words.empty()) return {"words", flag.words};
  if (flag.value == "DIR") return {"folder", {}};
  if (flag.value == "FILE") return {"file", {}};
  if (flag.value == "ID") return {"run", {}};
  return {};
}

Fill fill_of(Declaration const& declared, std::size_t position) {
  if (position < declared.words.size() && !declared.words[position].empty()) return {"words", declared.words[position]};
  auto const& name = declared.positional[position];
  if (name == "SPEC") return {"spec", {}};
  if (name == "STUDY" || name == "[STUDY...]") return {"study", {}};
  if (name == "SPEC or STUDY") return {"spec_or_study", {}};
  if (name == "[FILE]") return {"file", {}};
  return {};
}

// The last positional word may come again and again.
bool repeats(std::string const& positional) { return positional.ends_with("...]"); }

std::vector<Command> shown() {
  std::vector<Command> all;
  for (auto const& command : commands())
    if (!command.help.empty()) all.push_back(command);
  return all;
}

std::vector<Flag> flags_of(Command const& command) {
  auto all = command.declaration.flags;
  all.insert(all.end(), common_flags().begin(), common_flags().end());
  return all;
}

// Flags of any command that take a value, each with its dashes.
std::vector<std::string> flags_with_value() {
  std::set<std::string> all;
  for (auto const& command : shown())
    for (auto const& flag : flags_of(command))
      if (!flag.value.empty()) all.insert("--" + flag.name);
  return {all.begin(), all.end()};
}

// The script with @name@ replaced.
std::string filled_in(std::string script, std::map<std::string, std::string> const& parts) {
  for (auto const& [name, text] : parts) {
    auto const mark = "@" + name + "@";
    auto const at = script.find(mark);
    require(at != std::string::npos, "a completion script has a place for each part");
    script.replace(at, mark.size(), text);
  }
  return script;
}

std::string bash_fill(Fill const& fill) {
  return fill.kind == "words" ? "fill='words " + join(fill.words, " ") + "'" : "fill=" + fill.kind;
}

std::string bash() {
  std::vector<std::string> names;
  std::string flags, values, positions;
  for (auto const& command : shown()) {
    names.push_back(command.name);
    std::vector<std::string> own;
    for (auto const& flag : flags_of(command)) {
      own.push_back("--" + flag.name);
      if (auto const fill = fill_of(flag); !fill.kind.empty())
        values += fmt::format("      '{} --{}') {} ;;\n", command.name, flag.name, bash_fill(fill));
    }
    flags += fmt::format("      {}) fill='words {}' ;;\n", command.name, join(own, " "));
    auto const& positional = command.declaration.positional;
    for (std::size_t i = 0; i < positional.size(); ++i)
      if (auto const fill = fill_of(command.declaration, i); !fill.kind.empty())
        positions +=
            fmt::format("      '{} '{}) {} ;;\n", command.name,
                        repeats(positional[i]) ? fmt::format("[{}-9]", i) : std::to_string(i), bash_fill(fill));
  }
  return filled_in(bash_script, {{"flags_with_value", join(flags_with_value(), " | ")},
                                 {"values", values},
                                 {"flags", flags},
                                 {"commands", join(names, " ")},
                                 {"positions", positions}});
}

// Inside single quotes of a specification.
std::string zsh_text(std::string const& text) {
  std::string escaped;
  for (char const c : text) {
    if (c == '\'') {
      escaped += "'\\''";
      continue;
    }
    if (c == '\\' || c == '[' || c == ']' || c == ':') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string zsh_action(Fill const& fill) {
  if (fill.kind.empty()) return " ";
  return fill.kind == "words" ? "(" + join(fill.words, " ") + ")" : "_eexit_" + fill.kind;
}

std::string zsh_arguments(Command const& command) {
  std::string text = "      _arguments";
  for (auto const& flag : flags_of(command)) {
    text += fmt::format(" \\\n        '{}--{}", flag.repeats ? "*" : "", flag.name);
    if (!flag.value.empty()) text += "=";
    text += "[" + zsh_text(flag.help) + "]";
    if (!flag.value.empty()) text += ":" + zsh_text(flag.value) + ":" + zsh_action(fill_of(flag));
    text += "'";
  }
  auto const& positional = command.declaration.positional;
  for (std::size_t i = 0; i < positional.size(); ++i) {
    auto const number = repeats(positional[i]) ? "*" : std::to_string(i + 1);
    auto const optional = positional[i].starts_with("[") && number != "*" ? ":" : "";
    text += fmt::format(" \\\n        '{}{}:{}:{}'", number, optional, zsh_text(positional[i]),
                        zsh_action(fill_of(command.declaration, i)));
  }
  return text + "\n";
}

std::string zsh() {
  std::string names, arguments;
  for (auto const& command : shown()) {
    names += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.help));
    arguments += fmt::format("    {})\n{}      ;;\n", command.name, zsh_arguments(command));
  }
  return filled_in(zsh_script, {{"commands", names}, {"arguments", arguments}});
}

std::string fish_text(std::string const& text) {
  std::string escaped;
  for (char const c : text) {
    if (c == '\'' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return "'" + escaped + "'";
}

std::string fish_candidates(Fill const& fill) {
  if (fill.kind.empty()) return "";
  return fill.kind == "words" ? " -a " + fish_text(join(fill.words, " ")) : " -a '(__eexit_" + fill.kind + ")'";
}

std::string fish() {
  std::string lines;
  for (auto const& command : shown()) {
    lines +=
        fmt::format("complete -c eexit -n '__eexit_at - -eq 0' -a {} -d {}\n", command.name, fish_text(command.help));
    for (auto const& flag : flags_of(command))
      lines += fmt::format("complete -c eexit -n '__eexit_at {}' -l {}{}{} -d {}\n", command.name, flag.name,
                           flag.value.empty() ? "" : " -x", fish_candidates(fill_of(flag)), fish_text(flag.help));
    auto const& positional = command.declaration.positional;
    for (std::size_t i = 0; i < positional.size(); ++i)
      if (auto const fill = fill_of(command.declaration, i); !fill.kind.empty())
        lines += fmt::format("complete -c eexit -n '__eexit_at {} {} {}'{}\n", command.name,
                             repeats(positional[i]) ? "-ge" : "-eq", i, fish_candidates(fill));
  }
  return filled_in(fish_script, {{"flags_with_value", join(flags_with_value(), " ")}, {"completions", lines}});
}

}  // namespace

int completion(Args const& args) {
  auto const& shell = args.positional.at(0);
  std::vector<std::string> const known = {"bash", "zsh", "fish"};
  if (shell != "bash" && shell != "zsh" && shell != "fish")
    throw SpecError("eexit completion: " + unknown_name("shell", shell, known), Exit::usage);
  std::fputs((shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish()).c_str(), stdout);
  return 0;
}

}  // namespace eexit::cli
