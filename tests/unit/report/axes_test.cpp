#include "core/report/axes.h"

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

TEST_CASE("axes: what differs between the grid's runs, for every run", "[report]") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"/train/batch": [64, 32], "seed": [0, 1]},
    "rivals": [{"arch": {"name": "tower", "depth": 2}}])"));
  auto const csv = axes_csv(plan);
  CHECK(csv.header == std::vector<std::string>{"run", "train.batch"});
  REQUIRE(csv.rows.size() == plan.runs.size());
  for (std::size_t i = 0; i < csv.rows.size(); ++i) {
    CHECK(csv.rows[i][0] == plan.runs[i].id);
    CHECK(csv.rows[i][1] == std::to_string(plan.runs[i].train.batch));
  }
}

TEST_CASE("axes: settings that a run does not have are empty, lists are joined", "[report]") {
  auto const csv = axes_csv(plan_of(spec_of("", R"(, "grid": {"regime": [{"name": "mixed"},
    {"name": "phases", "phases": ["joint", "heads"], "epochs": [9, 1]}]}, "eval": {"plain": false})")));
  REQUIRE(csv.rows.size() == 2);
  CHECK(csv.rows[0][csv.column("regime.phases")].empty());
  CHECK(csv.rows[1][csv.column("regime.phases")] == "joint;heads");
  CHECK(csv.rows[1][csv.column("regime.epochs")] == "9;1");
  CHECK(csv.rows[0][csv.column("regime.name")] == "mixed");
}

TEST_CASE("axes: a grid of seeds alone has none", "[report]") {
  CHECK(axes_csv(plan_of(spec_of("", R"(, "grid": {"seed": [0, 1]})"))).header == std::vector<std::string>{"run"});
}

TEST_CASE("axes: settings by name", "[report]") {
  auto const settings =
      settings_of(R"({"a": {"b": 1e-3, "c": {"d": [1, 2.50]}}, "e": null, "f": true, "g": [{"h": 1}], "i": 1.0})", "x");
  CHECK(settings ==
        Settings{{"a.b", "0.001"}, {"a.c.d", "1;2.5"}, {"e", ""}, {"f", "true"}, {"g", R"([{"h":1}])"}, {"i", "1"}});
  CHECK_THROWS_AS(settings_of("[1]", "x"), RunError);
}
