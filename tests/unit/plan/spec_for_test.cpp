// A few runs of a study, planned again from a spec of their own.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

// The defaults matter to none of the small specs: each axis and rival overrides them in another way.
Plan study() {
  return plan_of(R"({"study": "s",
    "defaults": {"data": {"name": "toy", "limit": 300}, "arch": {"name": "tower", "depth": 6, "width": 8},
                 "method": {"name": "tiny", "head": "average"}, "placement": {"after": [0, 1]},
                 "train": {"protocol": {"name": "equal_macs", "total": 4, "backbone": 2}, "optimizer": {"lr": 1e-2},
                           "regimes": {"plain": {"backbone": {"clip": 2}}}}},
    "grid": {"method": [{"head": "pooled"}, {"name": "other"}], "regime": [{"name": "mixed"}, {"name": "joint"}],
             "arch": [{"depth": 5}, {"name": "bare"}], "/train/regimes/plain/backbone/clip": [3, null], "seed": [0, 1]},
    "include": [{"seed": 7, "placement": {"count": 1}}, {"data": {"name": "toy2"}}],
    "exclude": [{"seed": 1, "arch": {"name": "bare"}}],
    "rivals": [{"arch": {"depth": 2}}, {"arch": {"name": "bare", "depth": 3}}],
    "eval": {"budgets": [0.5], "policies": [{"name": "patience"}]}})");
}

Run const* like(Plan const& plan, Run const& run) {
  auto const found =
      std::find_if(plan.runs.begin(), plan.runs.end(), [&](Run const& other) { return other.id == run.id; });
  return found == plan.runs.end() ? nullptr : &*found;
}

void check_again(Plan const& plan, std::vector<Run const*> const& runs) {
  auto const again = plan_of(spec_for(plan, runs));
  CHECK(again.study == plan.study);
  CHECK(again.eval.budgets == plan.eval.budgets);
  CHECK(again.eval.policies.front().policy == plan.eval.policies.front().policy);
  for (auto const* run : runs) {
    INFO(run->id);
    auto const* found = like(again, *run);
    REQUIRE(found != nullptr);
    CHECK(found->role == run->role);
    CHECK(found->plain_run == run->plain_run);
    CHECK(found->cell == run->cell);
    CHECK(resolved(*found) == resolved(*run));
    REQUIRE(found->phases.size() == run->phases.size());
    for (std::size_t i = 0; i < run->phases.size(); ++i) CHECK(found->phases[i].key == run->phases[i].key);
  }
}

}  // namespace

TEST_CASE("every run of a study can be planned alone, byte by byte") {
  auto const plan = study();
  int roles[3] = {};
  for (auto const& run : plan.runs) {
    ++roles[static_cast<int>(run.role)];
    check_again(plan, {&run});
  }
  CHECK(roles[static_cast<int>(Role::run)] == 14);
  CHECK(roles[static_cast<int>(Role::plain)] > 0);
  CHECK(roles[static_cast<int>(Role::rival)] > 0);
}

TEST_CASE("a mixture of runs, and all of them, can be planned again") {
  auto const plan = study();
  std::vector<Run const*> some, all;
  for (auto const& run : plan.runs) {
    all.push_back(&run);
    if (all.size() % 5 == 2) some.push_back(&run);
  }
  std::reverse(some.begin(), some.end());
  check_again(plan, some);
  check_again(plan, all);
}

TEST_CASE("a spec of a few runs holds each cell once, and a rival only where one is asked for") {
  auto const plan = study();
  auto const& first = plan.runs.front();
  auto const spec = nlohmann::json::parse(spec_for(plan, {&first, &first, like(plan, {.id = first.plain_run})}));
  CHECK(spec["include"].size() == 1);
  CHECK_FALSE(spec.contains("rivals"));
  auto const& rival = plan.runs.back();
  REQUIRE(rival.role == Role::rival);
  CHECK(nlohmann::json::parse(spec_for(plan, {&rival}))["rivals"].size() == 1);
}
