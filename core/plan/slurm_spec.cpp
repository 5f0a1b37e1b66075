#include "core/plan/slurm_spec.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "core/base/text.h"

namespace eexit {
namespace {

// Slurm looks at time limits only every half minute, and warns that much early rather than late.
constexpr int early_seconds = 30;

// What makes a sweep of the jobs, and what would break it: `chdir` its relative paths, `clusters` its job numbers.
constexpr std::array reserved = {"array",  "chdir",    "clusters", "dependency", "job-name", "no-requeue", "open-mode",
                                 "output", "parsable", "requeue",  "test-only",  "wait",     "wrap"};

bool option_name(std::string_view name) {
  auto const allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' && std::all_of(name.begin(), name.end(), allowed);
}

// "" for a switch, nothing where the option is left out.
std::optional<std::string> value_of(JsonReader& reader, std::string const& name) {
  auto const value = nlohmann::json::parse(reader.raw(name, "an option of sbatch"));
  if (value.is_boolean()) return value.get<bool>() ? std::optional<std::string>("") : std::nullopt;
  if (value.is_number_integer()) return std::to_string(value.get<long long>());
  if (!value.is_string()) reader.fail(name, "expected text, a whole number, or true for a switch");
  auto const text = value.get<std::string>();
  auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (text.empty() || std::any_of(text.begin(), text.end(), control))
    reader.fail(name, "expected text in one line, not empty");
  return text;
}

// A time limit as Slurm reads it, in seconds: MIN, MIN:SEC, H:MIN:SEC, DAYS-H, DAYS-H:MIN or DAYS-H:MIN:SEC, rounded up
// to minutes. Nothing for another form, which is sbatch's to refuse, and for no limit.
std::optional<long long> time_limit(std::string const& text) {
  auto const dash = text.find('-');
  auto parts = split(text.substr(dash == std::string::npos ? 0 : dash + 1), ':');
  if (parts.size() > 3) return std::nullopt;
  if (dash == std::string::npos && parts.size() < 3) parts.insert(parts.begin(), "0");  // minutes come first
  parts.resize(3, "0");
  parts.insert(parts.begin(), dash == std::string::npos ? "0" : text.substr(0, dash));
  std::array<long long, 4> constexpr seconds = {86400, 3600, 60, 1};
  long long total = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    bool const digits = parts[i].find_first_not_of("0123456789") == std::string::npos;
    if (parts[i].empty() || parts[i].size() > 8 || !digits) return std::nullopt;
    total += seconds[i] * parse_integer(parts[i], "time");
  }
  if (total == 0) return std::nullopt;
  return (total + 59) / 60 * 60;
}

}  // namespace

SlurmSpec read_slurm(JsonReader& reader) {
  SlurmSpec spec;
  spec.signal_seconds = reader.integer("signal", spec.signal_seconds, {1, 65535},
                                       "seconds before the time limit at which a job makes its checkpoint");
  spec.max_running =
      reader.integer("max_running", spec.max_running, {0, 100000}, "elements of a job array at once; 0: no limit");
  for (auto const& name : reader.keys()) {
    if (name == "signal" || name == "max_running") continue;
    if (!option_name(name))
      reader.fail(name, "expected the long name of an sbatch option without leading dashes, such as \"cpus-per-task\"");
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
      reader.fail(name, "the sweep chooses this option of sbatch itself");
    auto const value = value_of(reader, name);
    if (!value) continue;
    spec.options.emplace_back(name, *value);
    auto const limit = name == "time" ? time_limit(*value) : std::nullopt;
    if (limit && spec.signal_seconds + early_seconds >= *limit)
      reader.fail("signal", "expected less than " + std::to_string(*limit - early_seconds) + " (a limit of " +
                                std::to_string(*limit) + " s, and Slurm may signal " + std::to_string(early_seconds) +
                                " s early), found " + std::to_string(spec.signal_seconds));
  }
  reader.done();
  return spec;
}

}  // namespace eexit
