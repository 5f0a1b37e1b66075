#include "core/store/study.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/report/axes.h"
#include "core/report/published.h"

namespace eexit {

namespace {

// The folder of phases/ and runs/, which lie beside studies/; a judged copy of a study lies one deeper.
std::optional<fs::path> store_above(fs::path const& folder) {
  auto at = fs::weakly_canonical(folder);
  for (int level = 0; level < 2 && at.has_relative_path(); ++level) {
    at = at.parent_path();
    if (at.filename() == "studies") return at.parent_path();
  }
  return std::nullopt;
}

void add_axes(Study& study) {
  if (study.axes.header.empty()) return;
  auto const run_at = study.axes.column("run");
  std::map<std::string, Settings> by_run;
  for (auto const& row : study.axes.rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      if (c != run_at) by_run[row[run_at]][study.axes.header[c]] = row[c];
  for (auto& result : study.results)
    if (auto const found = by_run.find(result.run); found != by_run.end()) result.axes = found->second;
}

// A setting's value in one run, for a study where it is no axis.
class Constants {
 public:
  explicit Constants(Study const& study) : study_(study) {}
  std::optional<std::string> value(std::string const& run, std::string const& name) {
    auto const [known, fresh] = runs_.try_emplace(run);
    if (fresh) known->second = read(run);
    auto const found = known->second.find(name);
    return found == known->second.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  Settings read(std::string const& run) const {
    auto const file = study_.store.value_or("") / "runs" / run / "run.json";
    bool const resolved = study_.store && fs::exists(file);
    // Without axes.csv nothing says that the grid leaves the defaults as they are.
    if (!resolved && study_.axes.header.empty()) return {};
    std::string const prefix = resolved ? "spec." : "defaults.";
    Settings settings;
    for (auto const& [name, value] : settings_of(resolved ? read_file(file) : study_.spec, file.string()))
      if (name.starts_with(prefix)) settings[name.substr(prefix.size())] = value;
    return settings;
  }
  Study const& study_;
  std::map<std::string, Settings> runs_;
};

}  // namespace

Study open_study(std::string const& where, fs::path const& out) {
  auto const named = out / "studies" / where;
  fs::path folder = where;
  if (!fs::exists(folder / "results.csv")) folder = named;
  if (!fs::exists(folder / "results.csv"))
    throw SpecError(
        where + ": no study; expected a folder with results.csv, or a name under " + (out / "studies").string(),
        Exit::missing);
  auto const csv = [&](char const* name) { return decode_csv(read_file(folder / name), (folder / name).string()); };
  Study study;
  study.folder = folder;
  study.name = fs::weakly_canonical(folder).filename().string();
  study.spec = read_file(folder / "spec.json");
  study.results = results_from(csv("results.csv"), (folder / "results.csv").string());
  study.curves = csv("curves.csv");
  study.runs = csv("runs.csv");
  if (fs::exists(folder / "axes.csv")) study.axes = csv("axes.csv");
  add_axes(study);
  study.environment = read_file(folder / "env.json");
  study.store = store_above(folder);
  if (study.store && fs::is_directory(*study.store / "phases")) study.phases = *study.store / "phases";
  return study;
}

std::vector<std::string> footer(Study const& study) {
  using Json = nlohmann::json;
  std::vector<std::string> lines;
  auto const spec = Json::parse(study.spec, nullptr, false);
  auto const eval = spec.is_object() ? spec.value("eval", Json::object()) : Json::object();
  bool const fv = !study.results.empty() && study.results.front().convention == "fv";
  lines.push_back(fv ? "cost: multiply-adds by the reference's rules (fv), heads on the way included"
                     : "cost: multiply-adds of convolutions and matrix products (mac), heads on the way included");
  lines.push_back(eval.value("rule", "default") == "reference"
                      ? "rule: reference (thresholds chosen on test, as published)"
                      : "rule: knobs fitted on cal (held-out training data), applied to test");
  std::string hardware;
  auto const env = Json::parse(study.environment, nullptr, false);
  if (env.is_object())
    hardware = env.value("cpu", "") + ", " +
               (env.value("jobs", 1) > 1 ? std::to_string(env.value("jobs", 1)) + " workers of " : "") +
               std::to_string(env.value("threads", 0)) + (env.value("threads", 0) == 1 ? " thread, " : " threads, ") +
               env.value("device", "") + ", LibTorch " + env.value("libtorch", "");
  lines.push_back("spec " + sha256(study.spec).substr(0, 8) + "; " + hardware);
  return lines;
}

std::vector<std::string> footer(std::span<Study const> studies) {
  auto const names = names_of(studies);
  std::vector<std::vector<std::string>> all;
  for (auto const& study : studies) all.push_back(footer(study));
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < all.front().size(); ++i) {
    bool const same = std::all_of(all.begin(), all.end(), [&](auto const& own) { return own[i] == all.front()[i]; });
    for (std::size_t s = 0; s < (same ? 1 : all.size()); ++s)
      lines.push_back(same ? all[s][i] : names[s] + ": " + all[s][i]);
  }
  return lines;
}

std::vector<std::string> differing_defaults(Study const& a, Study const& b) {
  auto const read = [](Study const& study) {
    auto const json = nlohmann::json::parse(study.spec, nullptr, false);
    return json.is_object() ? settings_of(json.value("defaults", nlohmann::json::object()).dump(), study.name)
                            : Settings{};
  };
  auto const first = read(a), second = read(b);
  auto both = first;
  both.insert(second.begin(), second.end());
  std::vector<std::string> lines;
  auto const text = [](Settings const& settings, std::string const& name) {
    auto const found = settings.find(name);
    return found == settings.end() ? "not set" : found->second;
  };
  for (auto const& [name, value] : both) {
    auto const axis = [&, &key = name](Study const& study) {
      return std::find(study.axes.header.begin(), study.axes.header.end(), key) != study.axes.header.end();
    };
    if (axis(a) || axis(b) || !(name.starts_with("train.") || name.starts_with("data."))) continue;
    if (text(first, name) != text(second, name))
      lines.push_back(name + ": " + text(first, name) + ", " + text(second, name));
  }
  return lines;
}

std::vector<std::string> names_of(std::span<Study const> studies) {
  std::vector<std::string> names;
  for (auto const& study : studies) {
    auto const same =
        std::count_if(studies.begin(), studies.end(), [&](Study const& other) { return other.name == study.name; });
    names.push_back(same > 1 ? study.folder.string() : study.name);
  }
  return names;
}

std::vector<Result> results_of(std::span<Study const> studies, std::vector<std::string> const& settings) {
  auto const names = names_of(studies);
  auto const columns = result_columns();
  std::vector<Result> all;
  for (std::size_t s = 0; s < studies.size(); ++s) {
    Constants constants(studies[s]);
    for (auto row : studies[s].results) {
      row.study = names[s];
      for (auto const& name : settings) {
        if (row.axes.contains(name) || std::find(columns.begin(), columns.end(), name) != columns.end()) continue;
        if (auto const value = constants.value(row.run, name)) row.axes[name] = *value;
      }
      all.push_back(std::move(row));
    }
    auto const file = studies[s].folder / "published.csv";
    if (!fs::exists(file)) continue;
    auto const published = published_from(read_file(file), names[s], file.string());
    all.insert(all.end(), published.begin(), published.end());
  }
  return all;
}

}  // namespace eexit
