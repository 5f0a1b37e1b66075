#include "core/store/answers.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/plan/plan.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

// As much of a run as its exit table needs.
Run run_from(fs::path const& file) {
  auto const json = Json::parse(read_file(file), nullptr, false);
  if (!json.is_object() || !json.contains("exits") || !json.contains("plain_cost"))
    throw RunError(file.string() + ": is damaged, not a resolved run");
  Run run;
  for (auto const& exit : json["exits"]) run.exit_cost.push_back({exit.at("mac"), exit.at("fv")});
  run.base = {json["plain_cost"].at("mac"), json["plain_cost"].at("fv")};
  return run;
}

// The rule of the study's spec that the row was judged by.
PolicyFamily family_of(Study const& study, Result const& row) {
  auto const make = [&](std::string const& name) { return find(policies(), "policy", name, study.name).make; };
  auto const json = Json::parse(study.spec, nullptr, false);
  auto const eval = json.is_object() ? json.value("eval", Json::object()) : Json::object();
  for (auto const& policy : eval.value("policies", Json::array())) {
    auto const name = policy.value("name", "");
    if (!row.policy.starts_with(name)) continue;
    auto params = policy;
    params.erase("name");
    JsonReader reader(params.dump(), std::make_shared<Source>());
    PolicyFamily family;
    auto const rule = read_rule(name, reader, [&](JsonReader& own) { family = make(name)(own); });
    if (rule.name() == row.policy && rule.measure() == row.confidence) return family;
  }
  auto defaults = empty_reader();  // a spec that names no rules
  return make(row.policy)(defaults);
}

std::vector<double> numbers_of(std::string const& text, std::string const& column) {
  std::vector<double> numbers;
  for (auto const& part : split(text, ';')) numbers.push_back(parse_double(part, "results.csv: " + column));
  return numbers;
}

// As the row was judged: at its own temperatures.
Measure measure_of(Result const& row) {
  std::string_view name = row.confidence;
  if (name.starts_with(calibrated)) name.remove_prefix(calibrated.size());
  Measure measure(confidence_from(name));
  if (!row.temperature.empty()) measure.temperature = numbers_of(row.temperature, "temperature");
  return measure;
}

}  // namespace

ExitTable const* StoredAnswers::table(Result const& row) {
  if (!study_.store) return nullptr;
  auto const folder = *study_.store / "runs" / row.run;
  if (!fs::exists(folder / "exits.safetensors") || !fs::exists(folder / "run.json")) return nullptr;
  auto const [found, fresh] = tables_.try_emplace(row.run + "/" + row.split + "/" + row.confidence);
  if (fresh) {
    auto const run = run_from(folder / "run.json");
    auto const convention = row.convention == "fv" ? Convention::fv : Convention::mac;
    found->second = StoredExits(folder / "exits.safetensors").table(row.split, measure_of(row), run, convention);
  }
  return &found->second;
}

std::optional<SampleMarks> StoredAnswers::at(Result const& row) {
  auto const* const exits = table(row);
  if (exits == nullptr) return std::nullopt;
  auto const family = family_of(study_, row);
  auto const outcome = simulate(*exits, family.at(numbers_of(row.knobs, "knobs")));
  SampleMarks answers{.sample = exits->sample, .label = exits->label};
  for (int i = 0; i < exits->rows; ++i)
    answers.right.push_back(exits->right(i, outcome.exit[static_cast<std::size_t>(i)]));
  return answers;
}

}  // namespace eexit
