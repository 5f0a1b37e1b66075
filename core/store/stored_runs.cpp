#include "core/store/stored_runs.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/store/store.h"

namespace eexit {
namespace {

using Json = nlohmann::json;

struct Condition {
  std::string key, value;
};

// A run beside what it may be asked for.
struct Known {
  StoredRun run;
  std::string arch_name;  // "resnet" beside the label "resnet-14"
  Json spec = Json::object();
};

std::vector<Condition> read_conditions(std::vector<std::string> const& where) {
  std::vector<Condition> all;
  for (auto const& text : where) {
    auto const equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw SpecError("--where " + text + ": expected KEY=VALUE, as in regime=mixed or train.batch=64", Exit::usage);
    all.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return all;
}

// The values of a run's own columns by name.
std::vector<std::pair<std::string, std::string>> columns_of(Known const& known) {
  auto const& run = known.run;
  return {{"run", run.id},        {"arch", run.arch},
          {"data", run.data},     {"method", run.method},
          {"regime", run.regime}, {"seed", run.seed},
          {"status", run.status}, {"accuracy", run.accuracy ? shortest(*run.accuracy) : ""}};
}

// Dotted paths of every key; lists are values.
void add_paths(Json const& object, std::string const& prefix, std::set<std::string>& all) {
  for (auto const& [key, value] : object.items()) {
    all.insert(prefix + key);
    if (value.is_object()) add_paths(value, prefix + key + ".", all);
  }
}

bool equals(Json const& value, std::string const& wanted) {
  if (value.is_object()) return value.value("name", "") == wanted;
  if (value.is_string()) return value.get<std::string>() == wanted;
  auto const parsed = Json::parse(wanted, nullptr, false);
  return !parsed.is_discarded() && value == parsed;  // 64 and 64.0 are one number
}

bool holds(Known const& known, Condition const& condition) {
  if (condition.key == "arch" && known.arch_name == condition.value) return true;
  for (auto const& [name, value] : columns_of(known))
    if (name == condition.key) return value == condition.value;
  Json const* at = &known.spec;
  for (auto const& step : split(condition.key, '.')) {
    if (!at->is_object() || !at->contains(step)) return false;
    at = &at->at(step);
  }
  return equals(*at, condition.value);
}

// The last exit's accuracy on test; none where metrics.json cannot say.
std::optional<double> accuracy_in(fs::path const& metrics) {
  auto const json = Json::parse(read_file(metrics), nullptr, false);
  if (!json.is_object() || !json.contains("test") || !json["test"].is_array() || json["test"].empty()) return {};
  auto const& last = json["test"].back();
  if (!last.is_object() || !last.contains("accuracy") || !last["accuracy"].is_number()) return {};
  return last["accuracy"].get<double>();
}

Known read_stored(Store const& store, std::string const& id) {
  Known known{.run = {.id = id, .status = "unfinished"}};
  auto& run = known.run;
  auto const path = store.run(id) / "run.json";
  if (store.run_done(id)) {
    run.status = "done";
    run.accuracy = accuracy_in(store.run(id) / "metrics.json");
  } else if (!fs::exists(path)) {
    return known;
  }
  try {
    auto const json = Json::parse(read_file(path));
    known.spec = json.at("spec");
    known.arch_name = json.at("arch").at("name");
    run.arch = json.at("arch").at("label");
    run.data = known.spec.at("data").at("name");
    run.method = json.at("method");
    run.regime = json.at("regime");
    run.seed = json.at("seed").dump();
  } catch (Json::exception const&) {
    return {.run = {.id = id, .status = "damaged"}};
  } catch (SpecError const&) {
    return {.run = {.id = id, .status = "damaged"}};
  }
  return known;
}

void check_keys(std::vector<Condition> const& conditions, std::vector<Known> const& all) {
  std::set<std::string> keys;
  for (auto const& known : all) {
    for (auto const& [name, value] : columns_of(known)) keys.insert(name);
    add_paths(known.spec, "", keys);
  }
  for (auto const& condition : conditions)
    if (!all.empty() && !keys.contains(condition.key))
      throw SpecError("--where " + condition.key + "=" + condition.value + ": " +
                          unknown_name("key", condition.key, std::vector<std::string>(keys.begin(), keys.end())),
                      Exit::usage);
}

}  // namespace

std::vector<StoredRun> stored_runs(fs::path const& out, std::vector<std::string> const& where) {
  auto const conditions = read_conditions(where);
  Store const store(out);
  auto const folder = out / "runs";
  if (!fs::is_directory(folder)) throw SpecError(folder.string() + ": no such folder", Exit::missing);
  std::vector<std::string> ids;
  for (auto const& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) ids.push_back(entry.path().filename().string());
  std::sort(ids.begin(), ids.end());
  std::vector<Known> all;
  for (auto const& id : ids) all.push_back(read_stored(store, id));
  check_keys(conditions, all);
  std::vector<StoredRun> runs;
  for (auto const& known : all)
    if (std::all_of(conditions.begin(), conditions.end(), [&](auto const& each) { return holds(known, each); }))
      runs.push_back(known.run);
  return runs;
}

}  // namespace eexit
