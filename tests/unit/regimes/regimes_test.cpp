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
    auto const& each = std::get<Train>(phase);
    text += (text.empty() ? "" : " ") + each.name + (each.epochs ? ":" + std::to_string(each.epochs) : "") + "[" +
            join(each.learn, " ") + "]";
  }
  return text;
}

}  // namespace

TEST_CASE("named regimes are the published lists of phases") {
  CHECK(names(regimes()) == std::vector<std::string>{"disjoint", "joint", "mixed", "phases"});
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
        "spec.json /phase: unknown key \"phase\"; did you mean \"phases\"? known: epochs, phases");
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
