#include "core/plan/schema.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/support/json_schema.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

using Json = nlohmann::json;

SchemaCheck const& schema() {
  static SchemaCheck const check(spec_schema(fake_catalog()));
  return check;
}

bool planned(std::string const& text) {
  try {
    plan_of(text);
    return true;
  } catch (SpecError const&) {
    return false;
  }
}

std::string with(std::string const& pointer, std::string const& value) {
  return edit_spec(spec_of(), "spec.json", {"/defaults" + pointer + "=" + value});
}

std::string rest(std::string const& keys) { return spec_of("", ", " + keys); }

}  // namespace

TEST_CASE("spec schema: it says what it is") {
  auto const text = spec_schema(fake_catalog());
  CHECK(Json::parse(text).at("$schema") == "http://json-schema.org/draft-07/schema#");
  CHECK(text.ends_with("}\n"));
  CHECK(spec_schema(fake_catalog()) == text);
}

TEST_CASE("spec schema: good specs") {
  for (
      auto const& good :
      {spec_of(), rest(R"("$schema": "../eexit.schema.json")"),
       rest(R"("grid": {"regime": [{"name": "joint"}, {"name": "phases", "phases": ["joint"], "epochs": [10]}],
             "seed": [0, 1], "/train/batch": [64, 128], "arch": [{"depth": 3}], "placement": [{"count": 1}]})"),
       rest(R"("grid": {"seed": [0, 1]}, "include": [{"seed": 4}], "exclude": [{"seed": 1}],
             "rivals": [{"arch": {"depth": 2}}])"),
       rest(R"("slurm": {"time": "02:00:00", "cpus-per-task": 4, "exclusive": true, "max_running": 3})"),
       rest(
           R"("eval": {"policies": [{"name": "patience"}, {"confidence": "margin"}], "budgets": [0.5], "rule": "reference",
             "cost": "fv", "plain": false})"),
       rest(
           R"("eval": {"policies": [{"name": "exit_thresholds", "fit": "ascent"}, {"name": "class_thresholds", "temperature": true}]})"),
       rest(R"("eval": {"policies": [{"name": "exit_thresholds", "fit": "random", "draws": 100, "drawn": "value"}]})"),
       with("/train/protocol", R"({"name": "converged", "patience": 3, "metric": "accuracy"})"),
       with("/train/optimizer", R"({"name": "adamw", "betas": [0.9, 0.99]})"),
       with("/train/optimizer", R"({"momentum": 0.8})"), with("/train/schedule", R"({"name": "step", "at": [0.5]})"),
       with("/train/clip", "null"), with("/train/clip", "2.5"),
       with("/train/phases", R"({"joint": {"optimizer": {"lr": 0.01}}})"),
       with("/train/regimes", R"({"mixed": {"joint": {"schedule": {"name": "constant"}}}, "plain": {}})"),
       with("/data", R"({"augment": {"name": "crop_flip", "pad": 3}, "limit": 200})"),
       with("/placement", R"({"after": ["stem", 1]})"), with("/placement", R"({"cost": [0.3]})")}) {
    INFO(good);
    CHECK(planned(good));
    CHECK(schema().accepts(good));
  }
}

TEST_CASE("spec schema: a run as it is resolved is a spec's defaults") {
  for (auto const& run : plan_of(rest(R"("grid": {"regime": [{"name": "joint"}, {"name": "mixed"}]})")).runs) {
    Json const spec = {{"study", "s"}, {"defaults", Json::parse(run.spec.text())}};
    CHECK(planned(spec.dump()));
    CHECK(schema().accepts(spec.dump()));
  }
}

TEST_CASE("spec schema: types, bounds and unknown keys are refused as the planner refuses them") {
  for (auto const& bad : {rest(R"("gird": {})"),
                          std::string("{}"),
                          std::string(R"({"study": 5})"),
                          std::string(R"({"study": "s", "defaults": []})"),
                          rest(R"("grid": [1])"),
                          rest(R"("grid": {"seed": 3})"),
                          rest(R"("grid": {"seed": []})"),
                          rest(R"("grid": {"sed": [1]})"),
                          rest(R"("grid": {"seed": ["a"]})"),
                          rest(R"("grid": {"/train/batch": 64})"),
                          rest(R"("grid": {"regime": [{"name": "joint"}, {"name": "mixd"}]})"),
                          rest(R"("include": {"seed": 1})"),
                          rest(R"("include": [{}])"),
                          rest(R"("include": [{"train": {"btach": 3}}])"),
                          rest(R"("exclude": [{"seeed": 0}])"),
                          rest(R"("rivals": [{"method": {"name": "other"}}])"),
                          rest(R"("rivals": [{"arch": {"depth": 99}}])"),
                          rest(R"("eval": {"policies": [{"name": "treshold"}]})"),
                          rest(R"("eval": {"policies": []})"),
                          rest(R"("eval": {"policies": [{"name": "fixed", "konfidence": "margin"}]})"),
                          rest(R"("eval": {"budgets": [0.5, 0]})"),
                          rest(R"("eval": {"plain": 1})"),
                          rest(R"("slurm": [])"),
                          rest(R"("slurm": {"max_running": -1})"),
                          rest(R"("slurm": {"time": [2]})"),
                          rest(R"("slurm": {"Cpus": 2})"),
                          with("/sede", "1"),
                          with("/regime", "\"mixed\""),
                          with("/data", R"({"name": "tyo"})"),
                          with("/arch/depth", "0"),
                          with("/arch/depth", "2.5"),
                          with("/arch/dept", "3"),
                          with("/seed", "-1"),
                          with("/data/held_out", "1"),
                          with("/data/augment", R"({"name": "crop"})"),
                          with("/train/batch", "\"50\""),
                          with("/train/precision", "\"f16\""),
                          with("/train/optimizer", R"({"name": "adam"})"),
                          with("/train/optimizer", R"({"name": "adamw", "momentum": 0.9})"),
                          with("/train/optimizer", R"({"lr": -1})"),
                          with("/train/schedule", R"({"name": "step", "at": [0.5, 1.5]})"),
                          with("/train/clip", "0"),
                          with("/train/protocol", R"({"name": "converged", "total": 3})"),
                          with("/train/phases", R"({"head": {}})"),
                          with("/train/phases", R"({"heads": {"protocol": {}}})"),
                          with("/train/regimes", R"({"mixt": {}})"),
                          with("/train/regimes", R"({"joint": {"joint": {"clip": "a"}}})"),
                          with("/placement", "{}"),
                          with("/placement", R"({"after": [0], "count": 1})"),
                          with("/placement", R"({"afer": [0]})"),
                          with("/placement", R"({"count": 0})"),
                          with("/placement", R"({"after": [0.5]})")}) {
    INFO(bad);
    CHECK_FALSE(planned(bad));
    CHECK_FALSE(schema().accepts(bad));
  }
}

TEST_CASE("spec schema: its top level is the planner's") {
  auto const message = message_of<SpecError>([] { plan_of(rest(R"("gird": {})")); });
  auto const known = split(message.substr(message.find("known: ") + 7), ',');
  std::set<std::string> planner, own;
  for (auto const& name : known) planner.insert(name.substr(name.find_first_not_of(' ')));
  auto const text = Json::parse(spec_schema(fake_catalog()));
  for (auto const& [key, value] : text.at("properties").items()) own.insert(key);
  CHECK(own == planner);
}

TEST_CASE("spec schema: names of studies") {
  for (std::string const name : {"a", "quick-start_2", "0", "Study", "-a", "a/b", "", "\xc3\xa9"}) {
    auto const text = edit_spec(spec_of(), "spec.json", {"/study=\"" + name + "\""});
    INFO(name);
    CHECK(schema().accepts(text) == planned(text));
  }
  for (int const length : {64, 65}) {
    auto const text = edit_spec(spec_of(), "spec.json", {"/study=\"" + std::string(length, 'a') + "\""});
    CHECK(schema().accepts(text) == (length == 64));
  }
}
