// Learning rates that are chosen by trying them.
#include "core/plan/tuning.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/sha256.h"
#include "core/plan/run_text.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

std::string const tuned = R"(, "train": {"optimizer": {"lr": {"tune": [0.2, 0.1], "seeds": 2}}})";

// Rates to choose from in the joint phase alone.
std::string const joint_tuned = R"(, "train": {"phases": {"joint": {"optimizer": {"lr": {"tune": [0.1, 0.2]}}}}})";

std::string const regimes_and_seeds =
    R"(, "grid": {"regime": [{"name": "mixed"}, {"name": "joint"}, {"name": "disjoint"}], "seed": [0, 1]})";

Run const& trial_with(Plan const& plan, std::string const& key) {
  auto const found = std::find_if(plan.trials.begin(), plan.trials.end(),
                                  [&](Run const& trial) { return trial.phases.back().key == key; });
  REQUIRE(found != plan.trials.end());
  return *found;
}

std::vector<std::string> warnings(std::string const& more, std::string const& rest = "") {
  return plan_of(spec_of(more, rest)).warnings;
}

}  // namespace

TEST_CASE("a rate may be a rule, which merges as objects do") {
  auto const rule = [](std::string const& train) {
    return *tune_of(train_of(run_of(R"(, "regime": {"name": "joint"}, "train": )" + train).phases[0]));
  };
  CHECK(rule(R"({"optimizer": {"lr": {"tune": [0.2, 0.1]}}})").rates == std::vector<double>{0.1, 0.2});
  CHECK(rule(R"({"optimizer": {"lr": {"tune": [0.2, 0.1]}}})").seeds == 1);
  auto const merged = rule(R"({"optimizer": {"lr": {"tune": [0.2, 0.1], "seeds": 3}},
                               "phases": {"joint": {"optimizer": {"momentum": 0, "lr": {"tune": [1, 2]}}}}})");
  CHECK(merged.rates == std::vector<double>{1, 2});
  CHECK(merged.seeds == 3);
  auto const inherited = run_of(R"(, "regime": {"name": "joint"},
      "train": {"optimizer": {"lr": {"tune": [1, 2]}}, "phases": {"joint": {"clip": 1}}})");
  CHECK(tune_of(train_of(inherited.phases[0]))->rates == std::vector<double>{1, 2});
  CHECK(nlohmann::json::parse(inherited.spec.text())["train"]["phases"]["joint"]["optimizer"]["lr"]["tune"].size() ==
        2);
  // A number, or another optimiser, takes the rule away.
  for (auto const* own : {R"({"lr": 0.3})", R"({"name": "adamw"})"}) {
    auto const run = run_of(R"(, "regime": {"name": "joint"}, "train": {"optimizer": {"lr": {"tune": [1, 2]}},
        "phases": {"joint": {"optimizer": )" +
                            std::string(own) + "}}}");
    CHECK_FALSE(tune_of(train_of(run.phases[0])));
    CHECK_FALSE(run.phases[0].tuning);
    CHECK(tuning_macs(run) == 0);
  }
}

TEST_CASE("the order of rates leaves keys alone, rates and seeds do not, and a rule is no rate") {
  auto const key = [](std::string const& rate) {
    return run_of(R"(, "train": {"optimizer": {"lr": )" + rate + "}}").phases[0].key;
  };
  CHECK(key(R"({"tune": [0.1, 0.2]})") == key(R"({"seeds": 1, "tune": [2e-1, 0.1]})"));
  std::set<std::string> const keys = {key("0.1"), key("0.2"), key(R"({"tune": [0.1, 0.2]})"),
                                      key(R"({"tune": [0.1, 0.3]})"), key(R"({"tune": [0.1, 0.2], "seeds": 2})")};
  CHECK(keys.size() == 5);
}

TEST_CASE("a rate that is to be tuned has no value yet, and one that is given has no rule") {
  auto const train = train_of(run_of(tuned).phases[0]);
  CHECK_THROWS_AS(base_rate(train.recipe.optim), std::logic_error);
  auto const given = with_rate(train, 0.2);
  CHECK(base_rate(given.recipe.optim) == 0.2);
  CHECK_FALSE(tune_of(given));
  CHECK(canonical(given) != canonical(train));
}

TEST_CASE("a trial is the run at one rate on a tuning seed, up to the phase it is for") {
  auto const plan = plan_of(spec_of(tuned));
  auto const& run = plan.runs.front();
  REQUIRE(run.phases.size() == 2);
  REQUIRE(run.phases[1].tuning);
  auto const& tuning = *run.phases[1].tuning;
  REQUIRE(tuning.trials.size() == 4);
  CHECK(tuning.key ==
        sha256(nlohmann::json({tuning.trials[0].key, tuning.trials[1].key, tuning.trials[2].key, tuning.trials[3].key})
                   .dump()));
  for (int i = 0; i < 4; ++i) {
    auto const& trial = tuning.trials[static_cast<std::size_t>(i)];
    CHECK(trial.seed == first_tuning_seed + static_cast<std::uint64_t>(i / 2));
    CHECK(trial.rate == (i % 2 == 0 ? 0.1 : 0.2));
    CHECK(trial.macs == run.phases[1].macs);
    auto const& alone = trial_with(plan, trial.key);
    CHECK(alone.role == Role::trial);
    CHECK(alone.seed == trial.seed);
    CHECK(alone.after == run.after);
    REQUIRE(alone.phases.size() == 2);
    // What it starts from is keyed by the rule, on the tuning seed, and chosen by the same trials.
    CHECK(tune_of(train_of(alone.phases[0])));
    CHECK(alone.phases[0].tuning->key == run.phases[0].tuning->key);
    CHECK(alone.phases[0].key != run.phases[0].key);
    CHECK(alone.phases[1].parent == alone.phases[0].key);
    CHECK(base_rate(train_of(alone.phases[1]).recipe.optim) == trial.rate);
    CHECK_FALSE(alone.phases[1].tuning);
    CHECK(tuning.before.contains(alone.phases[0].key));
  }
  // The key is that of an ordinary run of this seed and rate, but for the seed that no ordinary run may have.
  auto const first = nlohmann::json::parse(key_text(trial_with(plan, run.phases[0].tuning->trials[0].key), 0));
  auto ordinary = nlohmann::json::parse(key_text(run_of(R"(, "train": {"optimizer": {"lr": 0.1}})"), 0));
  CHECK(first != ordinary);
  ordinary["seed"] = first_tuning_seed;
  CHECK(first == ordinary);
}

TEST_CASE("trials of a backbone know no heads, and are shared by all that have it") {
  auto const plan = plan_of(spec_of(tuned, regimes_and_seeds));
  auto const& mixed = plan.runs[0];
  auto const& disjoint = plan.runs[4];
  CHECK(mixed.phases[0].tuning->key == disjoint.phases[0].tuning->key);
  CHECK(mixed.phases[1].tuning->key != disjoint.phases[1].tuning->key);
  auto const& trial = trial_with(plan, mixed.phases[0].tuning->trials[1].key);
  CHECK(trial.after.empty());
  CHECK(trial.exit_cost.size() == 1);
  CHECK(trial.params == 5000);
  CHECK(trial.id.starts_with("tower-4-toy-none-tune-backbone1-s1000000000-lr0.2-"));
  auto const& joint = trial_with(plan, mixed.phases[1].tuning->trials[2].key);
  CHECK(joint.id.starts_with("tower-4-toy-tiny-tune-joint2-s1000000001-lr0.1-"));
  CHECK(joint.id.ends_with(joint.phases.back().key.substr(0, 8)));
  CHECK(joint.exit_cost.size() == 3);
  // Four trials each: backbone, joint after it, heads after it, joint alone, and the plain network's longer backbone.
  CHECK(plan.trials.size() == 5 * 4);
  std::set<std::string> ids, keys;
  for (auto const& each : plan.trials) {
    ids.insert(each.id);
    keys.insert(each.phases.back().key);
  }
  CHECK(ids.size() == plan.trials.size());
  CHECK(keys.size() == plan.trials.size());
  for (auto const& run : plan.runs) CHECK(run.role != Role::trial);
  CHECK(name_of(Role::trial) == "trial");
}

TEST_CASE("all seeds of a cell share its trials") {
  auto const plan = plan_of(spec_of(tuned, regimes_and_seeds + R"(, "rivals": [{"arch": {"depth": 2}}])"));
  int compared = 0;
  for (auto const& a : plan.runs)
    for (auto const& b : plan.runs) {
      if (a.cell != b.cell || a.seed == b.seed) continue;
      ++compared;
      for (std::size_t i = 0; i < a.phases.size(); ++i) {
        CHECK(a.phases[i].key != b.phases[i].key);
        CHECK(a.phases[i].tuning->key == b.phases[i].tuning->key);
      }
    }
  CHECK(compared == 2 * (3 + 1 + 1));
}

TEST_CASE("MACs of tuning: every trial and what trials start from, once") {
  auto const plan = plan_of(spec_of(tuned));
  auto const& run = plan.runs.front();
  // Two rates on two seeds for each phase; the joint trials start from one backbone a seed.
  CHECK(tuning_macs(run) == 4 * run.phases[0].macs + 4 * run.phases[1].macs + 2 * run.phases[0].macs);
  // What was really spent counts: here half of everything.
  CHECK(tuning_macs(run, [](std::string const&, double planned) { return planned / 2; }) == tuning_macs(run) / 2);
  auto const half = plan_of(spec_of(joint_tuned)).runs.front();
  CHECK_FALSE(half.phases[0].tuning);
  CHECK(tuning_macs(half) == half.phases[0].macs + 2 * half.phases[1].macs);
}

TEST_CASE("trials can be planned alone") {
  auto const plan = plan_of(spec_of(tuned, regimes_and_seeds + R"(, "rivals": [{"arch": {"depth": 2}}])"));
  std::vector<Run const*> all;
  for (auto const& trial : plan.trials) {
    all.push_back(&trial);
    auto const again = plan_of(spec_for(plan, {&trial}));
    auto const& same = trial_with(again, trial.phases.back().key);
    CHECK(same.id == trial.id);
    CHECK(same.phases.front().key == trial.phases.front().key);
  }
  std::reverse(all.begin(), all.end());
  CHECK(plan_of(spec_for(plan, all)).trials.size() == plan.trials.size());
}

TEST_CASE("unequal tuning is told, with both places") {
  CHECK(warnings(tuned, regimes_and_seeds).empty());
  CHECK(warnings(joint_tuned) ==
        std::vector<std::string>{
            "spec.json /defaults/train/phases/joint/optimizer/lr: 2 rates are tried on 1 seed, while at spec.json "
            "/defaults/train/optimizer/lr the rate is given: phases and regimes are not tuned alike"});
  auto const uneven = warnings(R"(, "train": {"optimizer": {"lr": {"tune": [0.1, 0.2]}},
      "regimes": {"mixed": {"joint": {"optimizer": {"lr": {"seeds": 2}}}, "backbone": {"optimizer": {"name": "adamw"}}}}})");
  REQUIRE(uneven.size() == 2);
  CHECK(uneven[0].find("2 rates are tried on 2 seeds, while at spec.json "
                       "/defaults/train/optimizer/lr 2 rates are tried on 1 seed:") != std::string::npos);
  CHECK(uneven[1].find("while at spec.json /defaults/train/regimes/mixed/backbone/optimizer the rate is given:") !=
        std::string::npos);
}

TEST_CASE("the best rate: the highest mean, the lower rate of equals, a diverged trial worst") {
  TuneRule const rule{.rates = {0.1, 0.2, 0.4}, .seeds = 2};
  std::vector<Trial> trials;
  for (std::uint64_t seed = 0; seed < 2; ++seed)
    for (double const rate : rule.rates)
      trials.push_back({.seed = seed, .rate = rate, .key = shortest(rate) + "/" + std::to_string(seed)});
  using Values = std::map<std::string, double>;
  auto const best = [&](Values const& values) {
    return best_rate(rule, trials, [&](std::string const& key) {
      auto const found = values.find(key);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    });
  };
  Values const all = {{"0.1/0", 0.5}, {"0.1/1", 0.7}, {"0.2/0", 0.8}, {"0.2/1", 0.5}, {"0.4/0", 0.1}, {"0.4/1", 0.9}};
  CHECK(best(all) == 0.2);
  Values equal = all;
  equal["0.2/0"] = 0.7;
  CHECK(best(equal) == 0.1);
  Values diverged = all;
  diverged.erase("0.2/1");
  CHECK(best(diverged) == 0.1);
  CHECK(best({{"0.4/0", 0.0}}) == 0.4);  // one of two is more than none
  CHECK(message_of<RunError>([&] { best({}); }) ==
        "every rate tried diverged: 0.1, 0.2, 0.4; lower them or clip gradients");
}
