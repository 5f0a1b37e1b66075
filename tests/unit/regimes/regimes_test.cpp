#include "regimes/regime.h"

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

// "backbone[stage. last.] heads:3[head. extra.]"
std::string phases_of(std::string const& name, std::string const& params = "{}", TrainSpec const& train = {}) {
  JsonReader reader(params, std::make_shared<Source>(Source{"spec.json", {}}));
  std::string text;
  for (auto const& phase : find(regimes(), "regime", name, "regime").make(reader)(train)) {
    if (auto const* prune = std::get_if<Prune>(&phase)) {
      text += (text.empty() ? "" : " ") + prune->name + "[" + join(prune->within, " ") + "]";
      continue;
    }
    auto const& each = std::get<Train>(phase);
    text += (text.empty() ? "" : " ") + each.name + (each.epochs ? ":" + std::to_string(each.epochs) : "") + "[" +
            join(each.learn, " ") + "]";
  }
  return text;
}

}  // namespace

TEST_CASE("named regimes are the published lists of phases") {
  CHECK(names(regimes()) ==
        std::vector<std::string>{"disjoint", "joint", "mixed", "phases", "prune_together", "prune_separately"});
  CHECK(phases_of("disjoint") == "backbone[stage. last.] heads[head. extra.]");
  CHECK(phases_of("joint") == "joint[stage. head. last. extra.]");
  CHECK(phases_of("mixed") == "backbone[stage. last.] joint[stage. head. last. extra.]");
}

TEST_CASE("any other list is written out") {
  CHECK(phases_of("phases", R"({"phases": ["joint", "heads"], "epochs": [4, 2]})") ==
        "joint:4[stage. head. last. extra.] heads:2[head. extra.]");
  CHECK(phases_of("phases", R"({"phases": ["heads"]})") == "heads[head. extra.]");
  CHECK(phases_of("phases", R"({"phases": ["backbone", "backbone", "joint"]})")
            .starts_with("backbone[stage. last.] back"));
  CHECK(phases_of("phases").empty());
}

TEST_CASE("regimes that prune: rounds of pruning, each followed by fine-tuning what was pruned") {
  std::string const together = " prune[stage. head. last.] fine_tune[stage. head. last. extra.]";
  CHECK(phases_of("prune_together", R"({"rounds": 2})") == "joint[stage. head. last. extra.]" + together + together);
  CHECK(phases_of("prune_together", R"({"rounds": 1, "after": "mixed", "epochs": [3, 2]})") ==
        "backbone:3[stage. last.] joint:2[stage. head. last. extra.]" + together);
  CHECK(phases_of("prune_together", R"({"rounds": 1, "after": "disjoint"})") ==
        "backbone[stage. last.] heads[head. extra.]" + together);
  CHECK(phases_of("prune_separately", R"({"rounds": 1, "epochs": [4]})") ==
        "backbone:4[stage. last.] prune[stage. last.] fine_tune[stage. last.] prune[head.] fine_tune[head. extra.]");
  auto const message = [](std::string const& name, std::string const& params) {
    return test::message_of<SpecError>([&] { phases_of(name, params); });
  };
  CHECK(message("prune_together", R"({"after": "mixed", "epochs": [3]})") ==
        "spec.json /epochs: expected one number a phase of mixed, 2 in all, found 1");
  CHECK(message("prune_separately", R"({"by": "channels"})").starts_with("spec.json /by: expected weights to prune"));
  CHECK(message("prune_together", R"({"by": "gradient", "batches": 0})") ==
        "spec.json /batches: expected an integer in [1, 100000], found 0");
  CHECK(message("prune_together", R"({"batches": 3})").starts_with("spec.json /batches: has no effect"));
  CHECK(message("prune_together", R"({"rate": 0})").starts_with("spec.json /rate: expected a number in"));
}

TEST_CASE("phases may be given passes or seconds, or the protocol's epochs") {
  auto const given = [](std::string const& params) {
    JsonReader reader(params, std::make_shared<Source>(Source{"spec.json", {}}));
    std::string text;
    for (auto const& phase : find(regimes(), "regime", "phases", "regime").make(reader)(TrainSpec{})) {
      auto const& train = std::get<Train>(phase);
      text += " " + shortest(train.passes) + "/" + shortest(train.seconds);
    }
    return text;
  };
  CHECK(given(R"({"phases": ["backbone", "heads"], "passes": [0, 0.33]})") == " 0/0 0.33/0");
  CHECK(given(R"({"phases": ["backbone", "heads"], "seconds": [0, 12]})") == " 0/0 0/12");
  auto const message = [](std::string const& params) {
    return test::message_of<SpecError>([&] { phases_of("phases", params); });
  };
  CHECK(message(R"({"phases": ["joint"], "passes": [1], "seconds": [1]})") ==
        "spec.json /seconds: expected passes or seconds for phase 1, found both");
  CHECK(message(R"({"phases": ["joint"], "passes": [1], "epochs": [1]})")
            .starts_with("spec.json /epochs: expected either epochs, or passes and seconds"));
  CHECK(message(R"({"phases": ["joint"], "passes": [1, 2]})") ==
        "spec.json /passes: expected one number a phase, 1 in all, found 2");
}

TEST_CASE("a list that cannot be done is refused at its place") {
  auto const message = [](std::string const& params) {
    return test::message_of<SpecError>([&] { phases_of("phases", params); });
  };
  CHECK(message(R"({"phases": ["joint", "haeds"]})") ==
        "spec.json /phases/1: no kind of phase \"haeds\"; did you mean \"heads\"? known: backbone, heads, joint");
  CHECK(message(R"({"phases": ["joint", "backbone"]})") ==
        "spec.json /phases/1: a backbone phase cannot follow one with heads");
  CHECK(message(R"({"phases": ["joint", "heads"], "epochs": [1]})") ==
        "spec.json /epochs: expected one number a phase, 2 in all, found 1");
  CHECK(message(R"({"phases": ["joint"], "epochs": [0]})") ==
        "spec.json /epochs/0: expected an integer in [1, 1000000], found 0");
  CHECK(message(R"({"phase": ["joint"]})") ==
        "spec.json /phase: unknown key \"phase\"; did you mean \"phases\"? known: epochs, passes, phases, seconds");
  CHECK(test::message_of<SpecError>([] {
          phases_of("mixed", R"({"epochs": [1]})");
        }).starts_with("spec.json /epochs: unknown key"));
}

TEST_CASE("each phase has the recipe of its kind") {
  TrainSpec train;
  train.recipe.optim = Sgd{.lr = 1};
  train.by_phase["joint"].optim = Sgd{.lr = 2};
  JsonReader reader("{}", std::make_shared<Source>());
  auto const phases = find(regimes(), "regime", "mixed", "regime").make(reader)(train);
  CHECK(base_rate(std::get<Train>(phases[0]).recipe.optim) == 1);
  CHECK(base_rate(std::get<Train>(phases[1]).recipe.optim) == 2);
}
