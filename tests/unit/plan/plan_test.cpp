// What specs expand to. The towers of fake_catalog.h: stem 40 MACs, blocks 100, classifier 60, heads 10 (stem 30).
#include "core/plan/plan.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/plan/label.h"
#include "core/plan/protocol.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

std::string phase_line(PlannedPhase const& phase) {
  auto const& train = train_of(phase);
  auto const parent = phase.parent == "init" ? "init" : phase.parent.substr(0, 8);
  return "  " + train.name + " " + phase.key.substr(0, 8) + " after " + parent + ": " +
         std::to_string(train.length.epochs) + " epochs + " + std::to_string(train.length.steps) +
         " steps = " + std::to_string(phase.steps) + " steps, " + shortest(phase.macs) + " MACs, lr " +
         shortest(base_rate(train.recipe.optim)) + (train.stop ? ", stops early" : "") + ", keep " +
         std::to_string(static_cast<int>(train.keep)) + "\n";
}

std::string text_of(Plan const& plan) {
  std::string text;
  for (auto const& warning : plan.warnings) text += "warning: " + warning + "\n";
  for (auto const& run : plan.runs) {
    text += name_of(run.role) + " " + run.id + (run.plain_run.empty() ? "" : ", plain " + run.plain_run) +
            "\n  exits " + run.placement + ":";
    for (auto const& cost : run.exit_cost) text += " " + shortest(cost.mac);
    text += " of " + shortest(run.base.mac) + ", " + std::to_string(run.params) + " parameters\n";
    for (auto const& phase : run.phases) text += phase_line(phase);
  }
  return text;
}

constexpr char const* quickstart = R"({ "study": "quickstart",
  "defaults": { "data": {"name": "toy", "limit": 300}, "arch": {"name": "tower", "depth": 6}, "method": {"name": "tiny"},
                "placement": {"after": [0, 2, 3]},
                "train": {"protocol": {"name": "equal_epochs", "total": 3, "backbone": 2}, "batch": 64,
                          "optimizer": {"name": "sgd", "lr": 0.05}, "schedule": {"name": "cosine"}} },
  "grid":     { "regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}], "seed": [0] },
  "rivals":   [{"arch": {"name": "tower", "depth": 3}}],
  "eval":     { "policies": [{"name": "threshold"}], "budgets": [0.25, 0.5, 0.75, 1.0] } })";

std::string const three_regimes =
    R"(, "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}]})";

std::string backbone_key(std::string const& more = "") {
  auto const run = run_of(R"(, "regime": {"name": "mixed"})" + more);
  REQUIRE(train_of(run.phases[0]).name == "backbone");
  return run.phases[0].key;
}

std::string joint_key(std::string const& more = "") {
  return run_of(R"(, "regime": {"name": "mixed"})" + more).phases[1].key;
}

std::vector<std::string> ids(Plan const& plan, Role role) {
  std::vector<std::string> all;
  for (auto const& run : plan.runs)
    if (run.role == role) all.push_back(run.id);
  return all;
}

// A grid's runs as their arch labels and seeds: "tower-2 s0".
std::string cells_of(std::string const& rest) {
  std::string text;
  for (auto const& run : plan_of(spec_of("", rest + R"(, "eval": {"plain": false})")).runs)
    text += (text.empty() ? "" : ", ") + run.arch_label + " s" + std::to_string(run.seed);
  return text;
}

}  // namespace

TEST_CASE("the quickstart's plan") {
  auto const plan = plan_of(quickstart);
  approve("plan_quickstart.txt", text_of(plan));
  REQUIRE(plan.runs.size() == 5);
  auto const& disjoint = plan.runs[0].phases;
  auto const& joint = plan.runs[1].phases;
  auto const& mixed = plan.runs[2].phases;
  CHECK(disjoint[0].key == mixed[0].key);
  CHECK(disjoint[1].key != mixed[1].key);
  CHECK(joint[0].key != mixed[1].key);
  // 270 training rows in batches of 64 are 5 steps an epoch.
  CHECK(mixed[0].steps == 10);
  // The backbone: 2 epochs, 3 times 700 MACs. Heads: one epoch, 700 forward and 3 times 30.
  CHECK(disjoint[0].macs == 2 * 270 * 2100);
  CHECK(disjoint[1].macs == 270 * (700 + 90));
  CHECK(joint[0].macs == 3 * 270 * 3 * 730);
  // Heads on the way are part of an exit's cost.
  CHECK(plan.runs[0].exit_cost[0].mac == 150);
  CHECK(plan.runs[0].exit_cost[2].mac == 470);
  CHECK(plan.runs[0].exit_cost[3].mac == 730);
  CHECK(plan.runs[4].base.mac == 700);
  CHECK(plan.runs[4].plain.mac == 400);
  CHECK(plan.spec == quickstart);
}

TEST_CASE("run.json says what was resolved") {
  auto const plan = plan_of(quickstart);
  approve("plan_run.json", resolved(plan.runs[2]));
  CHECK(nlohmann::json::parse(resolved(plan.runs[3]))["regime"] == "plain");
}

TEST_CASE("an empty spec has every default") {
  auto const run = run_of();
  CHECK(run.regime.name == "mixed");
  CHECK(run.train.batch == 128);
  CHECK(run.train.keep == Keep::last);
  CHECK(run.train.checkpoint_seconds == 120);
  CHECK(train_of(run.phases[0]).length == Length{5, 0});
  CHECK(train_of(run.phases[1]).length == Length{5, 0});
  CHECK(run.data.split_seed == 42);
  auto const eval = plan_of(spec_of()).eval;
  CHECK(eval.budgets == std::vector<double>{0.25, 0.5, 0.75, 1});
  REQUIRE(eval.policies.size() == 1);
  CHECK(eval.policies[0].policy.name == "threshold");
  CHECK(eval.policies[0].confidence == "max_probability");
}

TEST_CASE("what concerns heads leaves the backbone's key alone") {
  auto const trunk = backbone_key(), joint = joint_key();
  for (auto const& more : {R"(, "method": {"name": "other"})", R"(, "method": {"name": "tiny", "head": "average"})",
                           R"(, "placement": {"after": [1]})", R"(, "train": {"exit_weights": {"name": "linear"}})",
                           R"(, "train": {"phases": {"joint": {"optimizer": {"lr": 0.01}}}})",
                           R"(, "train": {"regimes": {"mixed": {"joint": {"label_smoothing": 0.1}}}})"}) {
    INFO(more);
    // Later keys of defaults would repeat those of spec_of: laid over by the grid instead.
    std::string const axis = std::string(more).substr(2);
    auto const colon = axis.find(':');
    auto const rest = R"(, "grid": {)" + axis.substr(0, colon) + ": [" + axis.substr(colon + 1) + "]}";
    auto const run = plan_of(spec_of("", rest)).runs.front();
    CHECK(run.phases[0].key == trunk);
    CHECK(run.phases[1].key != joint);
  }
}

TEST_CASE("keys do not know paths, checkpoints, other regimes, order or spelling of numbers") {
  auto const with = [](std::string const& pointer, std::string const& value) {
    return edit_spec(spec_of(), "spec.json", {pointer + "=" + value});
  };
  auto const plain = run_of();
  auto const same = [&](std::string const& text) {
    auto const run = plan_of(text).runs.front();
    INFO(text);
    CHECK(run.id == plain.id);
    CHECK(run.phases[0].key == plain.phases[0].key);
    CHECK(run.phases[1].key == plain.phases[1].key);
  };
  same(with("/defaults/data/dir", "\"/somewhere/else\""));
  same(with("/defaults/train/checkpoint_seconds", "5"));
  same(with("/defaults/train/regimes", R"({"joint": {"joint": {"optimizer": {"lr": 0.7}}}})"));
  same(with("/defaults/train/clip", "null"));
  same(with("/defaults/arch/depth", "4"));
  same(R"({"defaults": {"placement": {"after": ["1", 0]}, "method": {"name": "tiny"}, "data": {"name": "toy"},
           "arch": {"depth": 4, "name": "tower"}}, "study": "s"})");
  auto const rate = [&](std::string const& number) {
    return plan_of(with("/defaults/train/optimizer/lr", number)).runs.front().phases[0].key;
  };
  CHECK(rate("1") == rate("1.0"));
  CHECK(rate("0.01") == rate("1e-2"));
  CHECK(rate("1") != rate("2"));
}

TEST_CASE("keys know everything that changes a number") {
  std::set<std::string> keys = {backbone_key()};
  std::vector<std::string> const edits = {
      "/seed=1",
      "/arch/depth=5",
      "/arch/width=8",
      "/data/name=\"toy2\"",
      "/data/limit=300",
      "/data/held_out=0.2",
      "/data/split_seed=1",
      "/data/augment={\"name\": \"crop_flip\"}",
      "/data/augment={\"name\": \"crop_flip\", \"pad\": 3}",
      "/data/augment={\"name\": \"crop_flip\", \"flip\": 0}",
      R"(/data/augment={"name": "steps", "steps": [{"name": "flip"}]})",
      R"(/data/augment={"name": "steps", "steps": [{"name": "flip", "p": 1}]})",
      R"(/data/augment={"name": "steps", "steps": [{"name": "mixup"}]})",
      R"(/data/augment={"name": "steps", "steps": [{"name": "flip"}, {"name": "mixup"}]})",
      "/train/batch=64",
      "/train/precision=\"bf16\"",
      "/train/optimizer={\"lr\": 0.1}",
      "/train/optimizer={\"momentum\": 0.8}",
      "/train/optimizer={\"nesterov\": true}",
      "/train/optimizer={\"weight_decay\": 0}",
      "/train/optimizer={\"decay_norms\": false}",
      "/train/optimizer={\"name\": \"adamw\"}",
      "/train/optimizer={\"name\": \"adamw\", \"eps\": 1e-7}",
      "/train/optimizer={\"name\": \"adamw\", \"betas\": [0.8, 0.999]}",
      "/train/schedule={\"name\": \"constant\"}",
      "/train/schedule={\"warmup\": 1}",
      "/train/schedule={\"final\": 0.1}",
      "/train/schedule={\"name\": \"step\", \"at\": [0.5]}",
      "/train/schedule={\"name\": \"step\", \"at\": [0.5], \"factor\": 0.2}",
      "/train/clip=1",
      "/train/label_smoothing=0.1",
      "/train/keep=\"mean\"",
      "/train/keep=\"any_exit\"",
      "/train/protocol={\"backbone\": 4}",
      "/train/protocol={\"name\": \"converged\"}",
      "/train/protocol={\"name\": \"converged\", \"patience\": 3}",
      "/train/protocol={\"name\": \"converged\", \"delta\": 0.1}",
      "/train/protocol={\"name\": \"converged\", \"metric\": \"accuracy\"}",
      "/train/protocol={\"name\": \"converged\", \"max_epochs\": 7}"};
  for (auto const& edit : edits) {
    INFO(edit);
    auto const text = edit_spec(spec_of(), "spec.json", {"/defaults" + edit});
    CHECK(keys.insert(plan_of(text).runs.front().phases[0].key).second);
  }
}

TEST_CASE("a second phase of a kind has a key of its own") {
  auto const run =
      run_of(R"(, "regime": {"name": "phases", "phases": ["backbone", "backbone", "joint"], "epochs": [4, 4, 2]})");
  CHECK(run.phases[0].key != run.phases[1].key);
  CHECK(train_of(run.phases[1]).occurrence == 1);
  CHECK(run.phases[1].parent == run.phases[0].key);
  CHECK(run.regime_label == "phases-backbone+backbone+joint-epochs4+4+2");
}

TEST_CASE("grids: axes in the order written, the last fastest; then include; then what excludes drop") {
  CHECK(cells_of(R"(, "grid": {"seed": [0, 1], "/arch/depth": [3, 4, 5]})") ==
        "tower-3 s0, tower-4 s0, tower-5 s0, tower-3 s1, tower-4 s1, tower-5 s1");
  CHECK(
      cells_of(R"(, "grid": {"/arch/depth": [5, 3], "seed": [5]}, "include": [{"seed": 9}, {"arch": {"depth": 7}}])") ==
      "tower-5 s5, tower-3 s5, tower-4 s9, tower-7 s0");
  CHECK(cells_of(R"(, "include": [{"seed": 9}])") == "tower-4 s9");
  CHECK(cells_of("") == "tower-4 s0");
  CHECK(cells_of(R"(, "grid": {"seed": [0, 1], "/arch/depth": [3, 4]}, "include": [{"seed": 7}],
    "exclude": [{"seed": 1, "arch": {"depth": 3}}, {"seed": 7}])") == "tower-3 s0, tower-4 s0, tower-4 s1");
  // The same cell twice is one run.
  CHECK(cells_of(R"(, "grid": {"seed": [1, 1]}, "include": [{"seed": 1}])") == "tower-4 s1");
}

TEST_CASE("merging: another name replaces, the same merges, a placement replaces") {
  auto const first = [](std::string const& more, std::string const& axis) {
    return plan_of(
               R"({"study": "s", "defaults": {"data": {"name": "toy"}, "arch": {"name": "tower", "depth": 6, "width": 8},
      "method": {"name": "tiny"}, "placement": {"after": [0]})" +
               more + R"(}, "grid": {)" + axis + "}}")
        .runs.front();
  };
  CHECK(first("", R"("arch": [{"depth": 5}])").arch.params == R"({"depth":5,"width":8})");
  CHECK(first("", R"("arch": [{"name": "tower", "depth": 5}])").arch.params == R"({"depth":5,"width":8})");
  CHECK(first("", R"("arch": [{"name": "bare"}])").arch.params == R"({"depth":4,"width":16})");
  CHECK(first("", R"("placement": [{"count": 1}])").placement == "2");
  auto const run = first(R"(, "train": {"batch": 32, "optimizer": {"name": "sgd", "lr": 0.3, "momentum": 0.5}})",
                         R"("train": [{"optimizer": {"lr": 0.2}}], "/train/schedule/name": ["constant"])");
  CHECK(run.train.batch == 32);
  CHECK(std::get<Sgd>(run.train.recipe.optim).momentum == 0.5);
  CHECK(std::get<Sgd>(run.train.recipe.optim).lr == 0.2);
  CHECK(run.train.recipe.schedule.kind == Schedule::Kind::constant);
}

TEST_CASE("recipes: a regime's win over a phase's, and both over the common one") {
  auto const plan = plan_of(spec_of(R"(, "train": {"optimizer": {"lr": 0.1, "momentum": 0.5},
      "phases": {"joint": {"optimizer": {"lr": 0.2}}, "heads": {"optimizer": {"name": "adamw"}, "clip": 1}},
      "regimes": {"mixed": {"joint": {"optimizer": {"lr": 0.3}}, "backbone": {"optimizer": {"lr": 0.4}}},
                  "plain": {"backbone": {"optimizer": {"lr": 0.6}}}}})",
                                    three_regimes));
  REQUIRE(plan.runs.size() == 4);
  auto const rate = [&](int run, int phase) {
    return base_rate(
        train_of(plan.runs[static_cast<std::size_t>(run)].phases[static_cast<std::size_t>(phase)]).recipe.optim);
  };
  CHECK(rate(0, 0) == 0.1);
  CHECK(rate(0, 1) == 1e-3);
  CHECK(train_of(plan.runs[0].phases[1]).recipe.clip == 1.0);
  CHECK(rate(1, 0) == 0.2);
  CHECK(rate(2, 0) == 0.4);
  CHECK(rate(2, 1) == 0.3);
  CHECK(std::get<Sgd>(train_of(plan.runs[2].phases[1]).recipe.optim).momentum == 0.5);
  // One plain run for all three regimes, by its own recipe.
  CHECK(rate(3, 0) == 0.6);
  CHECK(plan.warnings.empty());
}

TEST_CASE("plain and rival runs stand at the end, once each") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"regime": [{"name": "joint"}, {"name": "mixed"}], "seed": [0, 1]},
    "include": [{"seed": 2}], "rivals": [{"arch": {"depth": 2}}, {"arch": {"name": "bare", "depth": 2}}])"));
  REQUIRE(plan.runs.size() == 5 + 3 + 6);
  for (std::size_t i = 0; i < plan.runs.size(); ++i)
    CHECK(plan.runs[i].role == (i < 5 ? Role::run : i < 8 ? Role::plain : Role::rival));
  auto const plains = ids(plan, Role::plain);
  CHECK(plan.runs[0].plain_run == plains[0]);
  CHECK(plan.runs[1].plain_run == plains[1]);
  CHECK(plan.runs[2].plain_run == plains[0]);
  CHECK(plan.runs[4].plain_run == plains[2]);
  CHECK(plan.runs[5].regime_label == "plain");
  CHECK(plan.runs[5].method_label == "none");
  CHECK(plan.runs[5].exit_cost.size() == 1);
  CHECK(plan.runs[8].arch_label == "tower-2");
  CHECK(plan.runs[8].seed == 0);
  CHECK(plan.runs[9].seed == 1);
  CHECK(plan.runs[8].base.mac == 500);
  CHECK(plan.runs[8].exit_cost[0].mac == 300);
  CHECK(ids(plan_of(spec_of("", R"(, "eval": {"plain": false})")), Role::plain).empty());
}

TEST_CASE("runs of one cell differ in their seed alone") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"/train/optimizer/lr": [0.1, 0.2], "seed": [0, 1]})"));
  REQUIRE(plan.runs.size() == 8);
  CHECK(plan.runs[0].cell == plan.runs[1].cell);
  CHECK(plan.runs[0].cell != plan.runs[2].cell);
  // Each has the plain network trained at its own rate beside it.
  CHECK(plan.runs[0].plain_run == plan.runs[4].id);
  CHECK(plan.runs[2].plain_run == plan.runs[6].id);
}

TEST_CASE("equal_epochs: the list's epochs must make the total") {
  auto const phases = [](std::string const& list) {
    auto const run =
        run_of(R"(, "train": {"protocol": {"total": 6, "backbone": 4}}, "regime": {"name": "phases", )" + list + "}");
    std::string text;
    for (auto const& phase : run.phases)
      text += train_of(phase).name + std::to_string(train_of(phase).length.epochs) + " ";
    return text;
  };
  CHECK(phases(R"("phases": ["joint"])") == "joint6 ");
  CHECK(phases(R"("phases": ["backbone", "heads"])") == "backbone4 heads2 ");
  CHECK(phases(R"("phases": ["backbone", "joint", "heads"], "epochs": [1, 2, 3])") == "backbone1 joint2 heads3 ");
  CHECK_THROWS_AS(phases(R"("phases": ["joint", "heads"], "epochs": [1, 2])"), SpecError);
  CHECK_THROWS_AS(phases(R"("phases": ["joint", "heads"])"), SpecError);
}

TEST_CASE("equal_macs: every run has the joint reference's MACs, within one step") {
  // Depth 4 and exits after 0 and 1: plain 500, joint 3 * 520 = 1560 MACs a sample. 360 rows in batches of 100 are 4
  // steps an epoch. The reference, 4 epochs: 4 * 360 * 1560 = 2,246,400.
  auto const plan =
      plan_of(spec_of(R"(, "train": {"protocol": {"name": "equal_macs", "total": 4, "backbone": 3}, "batch": 100})",
                      three_regimes + R"(, "rivals": [{"arch": {"depth": 1}}])"));
  REQUIRE(plan.runs.size() == 5);
  auto const lengths = [&](int run) {
    std::string text;
    for (auto const& phase : plan.runs[static_cast<std::size_t>(run)].phases) {
      auto const length = train_of(phase).length;
      text += std::to_string(length.epochs) + "+" + std::to_string(length.steps) + " ";
    }
    return text;
  };
  // Disjoint: the backbone takes 3 * 360 * 1500 = 1,620,000; 626,400 are left for heads at 560 a sample: 1118.6
  // samples are 3 epochs and 38.6 more, one step.
  CHECK(lengths(0) == "3+0 3+1 ");
  CHECK(lengths(1) == "4+0 ");
  // Mixed: 626,400 / 1560 = 401.5 samples, one epoch and one step.
  CHECK(lengths(2) == "3+0 1+1 ");
  // Plain: 2,246,400 / 1500 = 1497.6: 4 epochs and 57.6 samples. Rival, 200 MACs: 3744 samples, 10 epochs and 144.
  CHECK(lengths(3) == "4+1 ");
  CHECK(lengths(4) == "10+2 ");
  for (auto const& run : plan.runs) {
    double macs = 0;
    for (auto const& phase : run.phases) macs += phase.macs;
    auto const& last = run.phases.back();
    INFO(run.id);
    CHECK(macs >= 2246400);
    CHECK(macs - 2246400 < 100 * last.macs / samples_of(train_of(last).length, {.rows = 360, .batch = 100}));
  }
  // A backbone of `total` epochs still leaves what the heads would have cost.
  auto const full = run_of(
      R"(, "regime": {"name": "disjoint"}, "train": {"protocol": {"name": "equal_macs", "total": 4, "backbone": 4}})");
  CHECK(train_of(full.phases[1]).length.epochs == 0);
  CHECK(train_of(full.phases[1]).length.steps == 2);  // 4 * 360 * 60 MACs / 560 = 154.3 samples of 128 a batch
}

TEST_CASE("converged: phases stop by themselves and keep any exit's best") {
  auto const train = R"(, "train": {"protocol": {"name": "converged", "patience": 4, "delta": 0.5, "metric": "accuracy",
                       "max_epochs": 30}})";
  auto const plan = plan_of(spec_of(train, three_regimes));
  REQUIRE(plan.runs.size() == 4);
  for (auto const& run : plan.runs)
    for (auto const& phase : run.phases) {
      auto const& each = train_of(phase);
      CHECK(each.length == Length{30, 0});
      CHECK(each.keep == Keep::any_exit);
      REQUIRE(each.stop);
      CHECK(each.stop->patience == 4);
      CHECK(each.stop->delta == 0.5);
      CHECK(each.stop->on_accuracy);
    }
  CHECK(plan.runs[3].phases[0].key == plan.runs[2].phases[0].key);
  CHECK(run_of(R"(, "train": {"protocol": {"name": "converged"}, "keep": "last"})").train.keep == Keep::last);
}

TEST_CASE("keys without effect are told") {
  auto const plan = plan_of(spec_of(R"(, "train": {"protocol": {"name": "converged"},
      "phases": {"heads": {"clip": 1}}, "regimes": {"mixed": {"heads": {"clip": 1}}, "disjoint": {"heads": {}}}})",
                                    R"(, "exclude": [{"seed": 7}], "grid": {"regime": [{"name": "mixed"},
        {"name": "phases", "phases": ["joint"], "epochs": [3]}]})"));
  approve("plan_warnings.txt", text_of(plan));
  CHECK(plan.warnings.size() == 5);
  CHECK(plan_of(quickstart).warnings.empty());
  CHECK(plan_of(spec_of("", R"(, "eval": {"policies": [{"name": "threshold", "confidence": "margin"}, {"name": "fixed"},
            {"name": "patience", "confidence": "entropy"}]})"))
            .warnings ==
        std::vector<std::string>{
            "spec.json /eval/policies/2/confidence: ignored because patience goes by predictions alone"});
}

TEST_CASE("a rule with temperatures is another rule than the one without") {
  auto const plan = plan_of(spec_of("", R"(, "eval": {"policies": [{"name": "exit_thresholds", "fit": "ascent"},
            {"name": "exit_thresholds", "confidence": "margin", "temperature": true}, {"name": "fixed", "temperature": true}]})"));
  auto const& rules = plan.eval.policies;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].measure() == "max_probability");
  CHECK(rules[1].measure() == "calibrated margin");
  CHECK(rules[0].policy.params == R"({"fit":"ascent"})");
  CHECK(rules[1].policy.params == R"({"fit":"geometric"})");
  CHECK(plan.warnings ==
        std::vector<std::string>{
            "spec.json /eval/policies/2/temperature: ignored because fixed goes by predictions alone"});
}

TEST_CASE("a run may start from a weights file: its digest is in the keys, its path is not") {
  auto const key = [](std::string const& weights) {
    auto const plan =
        plan_of(spec_of("", weights.empty() ? "" : R"(, "grid": {"/arch/weights": [")" + weights + "\"]}"));
    CHECK(plan.runs[0].arch_label == "tower-4");
    return std::pair(plan.runs[0].phases[0].parent, plan.runs[0].phases[0].key);
  };
  auto const plain = key(""), given = key("here.safetensors");
  CHECK(plain.first == "init");
  CHECK(given.first == "weights " + std::string(64, 'd'));
  CHECK(plain.second != given.second);
  auto const message = test::message_of<SpecError>([&] { key("gone.safetensors"); });
  CHECK(message == "spec.json /grid/~1arch~1weights/0: tower-4: gone.safetensors: not here");
}

TEST_CASE("placements by name are the architecture's") {
  auto const after = [](std::string const& preset) {
    return plan_of(spec_of("", R"(, "grid": {"placement": [{"preset": ")" + preset + "\"}]}")).runs[0].after;
  };
  CHECK(after("ends") == std::vector<std::string>{"0", "2"});
  CHECK(test::message_of<SpecError>([&] { after("end"); }) ==
        "spec.json /grid/placement/0/preset: tower-4: no placement \"end\"; did you mean \"ends\"? known: ends");
}

TEST_CASE("two rules of one policy are told apart by their parameters") {
  auto const plan = plan_of(spec_of("", R"(, "eval": {"policies": [{"name": "exit_thresholds"},
            {"name": "exit_thresholds", "fit": "ascent"}, {"name": "exit_thresholds", "fit": "random"},
            {"name": "exit_thresholds", "fit": "random", "draws": 500, "drawn": "value"},
            {"name": "threshold", "confidence": "margin"}]})"));
  std::vector<std::string> names;
  for (auto const& rule : plan.eval.policies) names.push_back(rule.name());
  CHECK(names == std::vector<std::string>{"exit_thresholds", "exit_thresholds-ascent", "exit_thresholds-random",
                                          "exit_thresholds-random-draws500-drawnvalue", "threshold"});
}

TEST_CASE("seeds of heads: several runs on one backbone, one cell") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"head_seed": [null, 0, 1, 2], "seed": [0, 1]})"));
  // Where the seed of the heads is that of the run it is the same run.
  std::string text;
  for (auto const& run : plan.runs)
    text += (text.empty() ? "" : " ") + run.id.substr(run.id.find("-s") + 2, run.id.rfind('-') - run.id.find("-s") - 2);
  CHECK(text == "0 1 1h0 0h1 0h2 1h2 0 1");
  auto const& own = plan.runs[0];
  auto const& other = plan.runs[3];
  CHECK_FALSE(own.head_seed);
  CHECK(other.head_seed == 1);
  CHECK(own.phases[0].key == other.phases[0].key);
  CHECK(own.phases[1].key != other.phases[1].key);
  CHECK(plan.runs[4].phases[1].key != other.phases[1].key);
  CHECK(own.cell == other.cell);
  CHECK(own.plain_run == other.plain_run);
  CHECK_FALSE(plan.runs.back().head_seed);
  CHECK(nlohmann::json::parse(resolved(other))["head_seed"] == 1);
  CHECK_FALSE(nlohmann::json::parse(resolved(own)).contains("head_seed"));
  CHECK(cells_of(R"(, "grid": {"head_seed": [1, 2]}, "exclude": [{"head_seed": 2}])") == "tower-4 s0");
}

TEST_CASE("a backbone alone has its last exit and no method") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"method": [{"name": "tiny"}, {"name": "other"}],
      "regime": [{"name": "phases", "phases": ["backbone"]}], "head_seed": [0, 5]})"));
  // What heads would have been makes no difference: one run, and the plain one beside it.
  REQUIRE(plan.runs.size() == 2);
  auto const& run = plan.runs.front();
  CHECK(run.role == Role::run);
  CHECK(run.after.empty());
  CHECK(run.placement.empty());
  CHECK(run.method_label == "none");
  CHECK(run.id.starts_with("tower-4-toy-none-phases-backbone-s0-"));
  CHECK(exit_names(run) == std::vector<std::string>{"last"});
  CHECK(costs_of(run, Convention::mac) == std::vector<double>{500});
  CHECK(run.params == 5000);
  CHECK(run.phases.front().key == plan.runs[1].phases.front().key);
  CHECK(run.plain_run == plan.runs[1].id);
  // Its length under equal_macs is still that of the joint reference, heads included.
  auto const fair = run_of(R"(, "regime": {"name": "phases", "phases": ["backbone"]},
      "train": {"protocol": {"name": "equal_macs", "total": 4}, "batch": 100})");
  CHECK(train_of(fair.phases[0]).length == Length{4, 1});
}

TEST_CASE("heads alone stand on the backbone that the seed gives") {
  auto const run = run_of(R"(, "regime": {"name": "phases", "phases": ["heads"]})");
  REQUIRE(run.phases.size() == 1);
  CHECK(run.phases[0].parent == "init");
  CHECK(train_of(run.phases[0]).length == Length{10, 0});
  CHECK(run.phases[0].macs == 10 * 360 * (500 + 3 * 20));
  CHECK(run.placement == "0;1");
}

TEST_CASE("edits: JSON, else text; laid over the defaults; arrays and other places replaced") {
  auto const edited = [](std::vector<std::string> const& edits) {
    return nlohmann::json::parse(edit_spec(quickstart, "spec.json", edits));
  };
  CHECK(edited({"/defaults/data/limit=5000"})["defaults"]["data"]["limit"] == 5000);
  CHECK(edited({"/study=fast"})["study"] == "fast");
  CHECK(edited(
            {"/defaults/train/regimes/mixed/joint/clip=2"})["defaults"]["train"]["regimes"]["mixed"]["joint"]["clip"] ==
        2);
  CHECK(edited({"/grid/seed=[0, 1]"})["grid"]["seed"].size() == 2);
  CHECK(edited({"/grid={}"})["grid"].empty());
  CHECK(edited({"/grid/regime/1=a=b"})["grid"]["regime"][1] == "a=b");
  // As a cell of the grid would be: the same name merges, another replaces, a placement replaces.
  CHECK(edited({R"(/defaults/data={"held_out": 0.2})"})["defaults"]["data"]["limit"] == 300);
  CHECK(edited({R"(/defaults/arch={"name": "bare"})"})["defaults"]["arch"].size() == 1);
  CHECK(edited({R"(/defaults/placement={"count": 2})"})["defaults"]["placement"].size() == 1);
  CHECK(edited({"/study=a", "/study=b"})["study"] == "b");
  CHECK(edit_spec(quickstart, "spec.json", {}).find("\n  \"study\"") != std::string::npos);
}

namespace {

std::string placed(std::string const& placement, std::string const& arch = R"({"name": "tower", "depth": 4})") {
  return plan_of(R"({"study": "s", "defaults": {"data": {"name": "toy"}, "method": {"name": "tiny"}, "arch": )" + arch +
                 R"(, "placement": )" + placement + "}}")
      .runs.front()
      .placement;
}

}  // namespace

TEST_CASE("placement by name, sorted along the network") {
  CHECK(placed(R"({"after": [2, "stem", "0"]})") == "stem;0;2");
  CHECK(placed(R"({"after": [0]})", R"({"name": "bare", "depth": 2})") == "0");
}

TEST_CASE("placement by cost: the last stage within each target, heads on the way counted") {
  // Plain 500. Alone, exits cost: stem 70, block 0 150, 1 250, 2 350.
  CHECK(placed(R"({"cost": [0.3]})") == "0");
  CHECK(placed(R"({"cost": [0.2999]})") == "stem");
  CHECK(placed(R"({"cost": [0.14]})") == "stem");
  CHECK(placed(R"({"cost": [0.3, 0.52]})") == "0;1");  // the head after 0 makes block 1 cost 260
  CHECK(placed(R"({"cost": [0.52, 0.3]})") == "0;1");
  CHECK(placed(R"({"cost": [0.3, 0.72]})") == "0;2");  // 40 + 300 + 2 heads = 360
  CHECK_THROWS_AS(placed(R"({"cost": [0.3, 0.51]})"), SpecError);
  CHECK_THROWS_AS(placed(R"({"cost": [0.3, 0.31]})"), SpecError);
  CHECK_THROWS_AS(placed(R"({"cost": [0.13]})"), SpecError);
  // Never after the last block, however much is allowed.
  CHECK(placed(R"({"cost": [1]})") == "2");
  // Targets 250 and 500 / 3 and 1000 / 3: 150, then 150 + 100 + 10.
  CHECK(placed(R"({"count": 1})") == "1");
  CHECK(placed(R"({"count": 2})") == "0;1");
  // Depth 9, plain 1000; targets 250, 500, 750: 250, 460, 670.
  CHECK(placed(R"({"count": 3})", R"({"name": "tower", "depth": 9})") == "1;3;5");
  // 0.29 of 1000 is 290 though the product of doubles is a hair less: a bare tower's exit after block k costs
  // 100 (k + 1) + 10, so 0.21, 0.31 meet their targets exactly.
  CHECK(placed(R"({"cost": [0.21, 0.32]})", R"({"name": "bare", "depth": 9})") == "1;2");
}

TEST_CASE("a method's own phases come last, beyond the protocol's epochs, and what is before them is shared") {
  auto const with = [](std::string const& appended, std::string const& protocol) {
    auto const plan = plan_of(spec_of(
        R"(, "regime": {"name": "mixed"}, "train": {"protocol": )" + protocol + R"(, "batch": 100})",
        R"(, "grid": {"method": [{"name": "other", "appended": )" + appended + R"(}]}, "eval": {"plain": false})"));
    return plan.runs.front();
  };
  std::string const epochs = R"({"name": "equal_epochs", "total": 4, "backbone": 3})",
                    macs = R"({"name": "equal_macs", "total": 4, "backbone": 2})";
  auto const without = with("0", epochs), one = with("1", epochs), two = with("2", epochs);
  REQUIRE(without.phases.size() == 2);
  REQUIRE(two.phases.size() == 3);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(one.phases[i].key == two.phases[i].key);
    CHECK(one.phases[i].key == without.phases[i].key);
    CHECK(train_of(two.phases[i]).length == train_of(without.phases[i]).length);
  }
  CHECK(one.phases[2].key != two.phases[2].key);
  CHECK(train_of(two.phases[2]).name == "extra");
  CHECK(train_of(two.phases[2]).length == Length{.epochs = 2});
  CHECK(two.phases[2].parent == two.phases[1].key);
  // All that is there runs forward, next to nothing learns: as many passes as there are samples.
  CHECK(two.phases[2].macs == 2.0 * static_cast<double>(two.splits->train.size()) * two.exit_cost.back().mac);

  // The same MACs in all: the regime's last phase is shorter by what the method's own takes.
  auto const all = [](Run const& run) {
    double sum = 0;
    for (auto const& phase : run.phases) sum += phase.macs;
    return sum;
  };
  auto const alone = with("0", macs), longer = with("2", macs);
  CHECK(longer.phases[1].steps < alone.phases[1].steps);
  CHECK(std::abs(all(longer) - all(alone)) <= 100 * 3 * longer.exit_cost.back().mac);
}

TEST_CASE("a label names what differs from the defaults, lists among it") {
  auto const label = [](std::string const& text) {
    JsonReader reader(text, std::make_shared<Source>());
    reader.integer("depth", 4, {1, 50}, "");
    reader.integers("blocks", {1, 2, 4}, {1, 9}, "");
    reader.number("rate", 0.5, {0, 1}, "");
    return label_of("net", reader, First::always);
  };
  CHECK(label("{}") == "net-4");
  CHECK(label(R"({"blocks": [1, 2, 4], "rate": 0.50})") == "net-4");
  CHECK(label(R"({"depth": 5, "blocks": [1, 2, 3], "rate": 0.25})") == "net-5-blocks1+2+3-rate0.25");
}

TEST_CASE("further test sets belong to the networks of a data set and are in no key") {
  auto const with = [](std::string const& extra, std::string const& grid = "") {
    return plan_of(spec_of("", grid + R"(, "eval": {"extra": [)" + extra + "]}"));
  };
  auto const names = [](Run const& run) {
    std::vector<std::string> all;
    for (auto const& set : *run.test_sets) all.push_back(set.name);
    return join(all, " ");
  };
  auto const plain = plan_of(spec_of());
  auto const plan = with(R"({"name": "grey", "sets": 2}, {"name": "toy"})");
  REQUIRE(plan.runs.size() == plain.runs.size());
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    CHECK(plan.runs[i].id == plain.runs[i].id);
    CHECK(names(plan.runs[i]) == "grey/1 grey/2 toy/1");
    CHECK(names(plain.runs[i]).empty());
  }
  // Networks of "toy2" cannot be tested on them.
  std::string const both = R"(, "grid": {"data": [{"name": "toy"}, {"name": "toy2"}]})";
  for (auto const& run : with(R"({"name": "grey", "for": "toy"})", both).runs)
    CHECK(names(run) == (run.data.source.name == "toy" ? "grey/1" : ""));

  auto const refused = [&](std::string const& extra, std::string const& grid = "") {
    return message_of<SpecError>([&] { with(extra, grid); });
  };
  CHECK(refused(R"({"name": "grey"})", both) == "spec.json /eval/extra/0: test set grey: of another shape");
  CHECK(refused(R"({"name": "grey", "for": "toys"})").starts_with("spec.json /eval/extra/0/for: no data set"));
  CHECK(refused(R"({"name": "grey"}, {"name": "grey"})") ==
        "spec.json /eval/extra/1: expected each test set once, found grey/1 twice");
  CHECK(refused(R"({"name": "gray"})").find("grey") != std::string::npos);
  CHECK(refused(R"({"name": "grey", "set": 2})").find("/eval/extra/0/set") != std::string::npos);
  CHECK(plan_of(spec_of("", R"(, "eval": {"extra": []})")).eval.extra.empty());
}

TEST_CASE("a part of a study has the test sets of its networks") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {"data": [{"name": "toy"}, {"name": "toy2"}]},
                                           "eval": {"extra": [{"name": "grey", "for": "toy"}]})"));
  for (auto const& run : plan.runs) {
    auto const part = plan_of(spec_for(plan, {&run}));
    auto const same =
        std::find_if(part.runs.begin(), part.runs.end(), [&](Run const& each) { return each.id == run.id; });
    REQUIRE(same != part.runs.end());
    CHECK(same->test_sets->size() == run.test_sets->size());
  }
}
