// Bad specs: one line each, naming the file, the place as written in it, what is wrong and what is allowed.
#include "core/plan/plan.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

struct Bad {
  std::string what, text;
};

// `key` of the defaults is `value`.
Bad with(std::string const& what, std::string const& pointer, std::string const& value) {
  return {what, edit_spec(spec_of(), "spec.json", {"/defaults" + pointer + "=" + value})};
}

Bad rest(std::string const& what, std::string const& keys) { return {what, spec_of("", ", " + keys)}; }

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "[";
  for (int i = 0; i < depth; ++i) text += "]";
  return text;
}

std::vector<Bad> text_errors() {
  return {{"not JSON", "{\"study\": \"s\",\n  defaults}"},
          {"nothing", ""},
          {"no object", "[1, 2]"},
          {"two values", "{} {}"},
          {"a comment", "{\"study\": \"s\" // here\n}"},
          {"not a number", "{\"study\": NaN}"},
          {"not UTF-8", "{\"study\": \"caf\xe9\"}"},
          {"a key twice", "{\"study\": \"s\", \"defaults\": {\"seed\": 1, \"seed\": 2}}"},
          {"too deep", "{\"study\": \"s\", \"grid\": {\"seed\": " + nested(40) + "}}"},
          {"too long", std::string((1 << 20) + 1, ' ')}};
}

std::vector<Bad> top_errors() {
  return {rest("unknown key", R"("gird": {})"),
          {"no study", "{}"},
          {"study with a slash", R"({"study": "a/b"})"},
          {"study in capitals", R"({"study": "Study"})"},
          {"study that begins with -", R"({"study": "-a"})"},
          {"study of 65 letters", "{\"study\": \"" + std::string(65, 'a') + "\"}"},
          {"study of another type", R"({"study": 5})"},
          {"defaults of another type", R"({"study": "s", "defaults": []})"},
          {"defaults null", R"({"study": "s", "defaults": null})"},
          rest("grid of another type", R"("grid": [1])"),
          rest("axis that is no array", R"("grid": {"seed": 3})"),
          rest("empty axis", R"("grid": {"seed": []})"),
          rest("unknown axis", R"("grid": {"sed": [1]})"),
          rest("axis inside a number", R"("grid": {"/seed/x": [1]})"),
          rest("axis with a bad pointer", R"("grid": {"/train/~7": [1]})"),
          rest("include of another type", R"("include": {"seed": 1})"),
          rest("include of a number", R"("include": [{"seed": 1}, 4])"),
          rest("empty include", R"("include": [{}])"),
          rest("exclude of everything", R"("exclude": [{"seed": 0}])"),
          rest("exclude with a slip", R"("exclude": [{"seeed": 0}])"),
          rest("rival with a method", R"("rivals": [{"arch": {"depth": 2}, "method": {"name": "other"}}])"),
          rest("rival out of bounds", R"("rivals": [{"arch": {"depth": 99}}])"),
          rest("unknown policy", R"("eval": {"policies": [{"name": "treshold"}]})"),
          rest("no policy", R"("eval": {"policies": []})"),
          rest("no sweep to choose from",
               R"("eval": {"policies": [{"name": "fixed"}, {"name": "exit_thresholds"}], "rule": "reference"})"),
          rest("policy twice", R"("eval": {"policies": [{"name": "fixed"}, {"name": "fixed"}]})"),
          rest("policy twice with temperatures",
               R"("eval": {"policies": [{"temperature": true}, {}, {"temperature": true}]})"),
          rest("policy's unknown key", R"("eval": {"policies": [{"name": "fixed", "konfidence": "margin"}]})"),
          rest("unknown confidence", R"("eval": {"policies": [{"name": "threshold", "confidence": "max"}]})"),
          rest("budget of zero", R"("eval": {"budgets": [0.5, 0]})"),
          rest("budget twice", R"("eval": {"budgets": [0.5, 1, 0.5]})"),
          rest("unknown rule", R"("eval": {"rule": "best"})"),
          rest("plain that is no flag", R"("eval": {"plain": 1})")};
}

std::vector<Bad> run_errors() {
  return {rest("unknown regime in a grid",
               R"("grid": {"regime": [{"name": "joint"}, {"name": "mixed"}, {"name": "mixd"}]})"),
          rest("wrong type through a pointer", R"("grid": {"/train/batch": [64, "128"]})"),
          rest("unknown key in an include", R"("include": [{"seed": 1}, {"train": {"btach": 3}}])"),
          with("unknown key of a run", "/sede", "1"),
          with("regime as a text", "/regime", "\"mixed\""),
          with("unknown data set", "/data", R"({"name": "tyo"})"),
          with("unknown architecture", "/arch/name", "\"towr\""),
          with("unknown method", "/method/name", "\"tin\""),
          with("parameter out of bounds", "/arch/depth", "0"),
          with("parameter of another type", "/arch/depth", "2.5"),
          with("unknown parameter", "/arch/dept", "3"),
          with("negative seed", "/seed", "-1"),
          with("negative seed of heads", "/head_seed", "-1"),
          with("seed of heads of a trial", "/head_seed", "1000000000"),
          with("limit of zero", "/data/limit", "0"),
          with("limit above the data", "/data/limit", "401"),
          with("limit too small to split", "/data/limit", "5"),
          with("held_out of one", "/data/held_out", "1"),
          with("unknown augmentation", "/data/augment", R"({"name": "crop"})"),
          with("unknown step", "/data/augment", R"({"name": "steps", "steps": [{"name": "flop"}]})"),
          with("no steps", "/data/augment", R"({"name": "steps", "steps": []})"),
          with("steps not given", "/data/augment", R"({"name": "steps"})"),
          with("step's unknown key", "/data/augment", R"({"name": "steps", "steps": [{"name": "flip", "q": 1}]})"),
          with("two mixing steps", "/data/augment",
               R"({"name": "steps", "steps": [{"name": "mixup"}, {"name": "cutmix"}]})"),
          with("pad without crop_flip", "/data/augment", R"({"pad": 2})"),
          with("batch of zero", "/train/batch", "0"),
          with("batch larger than the data", "/train/batch", "361"),
          rest("batch larger than the limit's data", R"("grid": {"/data/limit": [100]})"),
          with("unknown precision", "/train/precision", "\"f16\""),
          with("unknown optimiser", "/train/optimizer", R"({"name": "adam"})"),
          with("another optimiser's key", "/train/optimizer", R"({"name": "adamw", "momentum": 0.9})"),
          with("negative rate", "/train/optimizer", R"({"lr": -1})"),
          with("nesterov without momentum", "/train/optimizer", R"({"momentum": 0, "nesterov": true})"),
          with("unknown schedule", "/train/schedule", R"({"name": "cos"})"),
          with("step beyond the phase", "/train/schedule", R"({"name": "step", "at": [0.5, 1.5]})"),
          with("clip of zero", "/train/clip", "0"),
          with("smoothing of one", "/train/label_smoothing", "1"),
          with("unknown keep", "/train/keep", "\"best\""),
          with("unknown protocol", "/train/protocol", R"({"name": "equal_epoch"})"),
          with("another protocol's key", "/train/protocol", R"({"name": "converged", "total": 3})"),
          with("backbone that leaves nothing", "/train/protocol", R"({"total": 3})"),
          with("unknown phase of recipes", "/train/phases", R"({"head": {}})"),
          with("protocol in a recipe", "/train/phases", R"({"heads": {"protocol": {}}})"),
          with("unknown regime of recipes", "/train/regimes", R"({"mixt": {}})"),
          with("another regime's slip", "/train/regimes", R"({"joint": {"joint": {"clip": "a"}}})")};
}

std::vector<Bad> rate_errors() {
  auto const rate = [](std::string const& what, std::string const& written) {
    return with(what, "/train/optimizer/lr", written);
  };
  return {rate("rate as a text", "\"fast\""),
          rate("rate as a list", "[0.1, 0.2]"),
          rate("rate out of bounds", "1001"),
          rate("rule without rates", "{}"),
          rate("seeds without rates", R"({"seeds": 2})"),
          rate("rates that are no list", R"({"tune": 0.1})"),
          rate("one rate", R"({"tune": [0.1]})"),
          rate("rate of zero", R"({"tune": [0.1, 0]})"),
          rate("rate that is no number", R"({"tune": [0.1, "0.2"]})"),
          rate("rate twice", R"({"tune": [0.1, 0.2, 1e-1]})"),
          rate("no seed", R"({"tune": [0.1, 0.2], "seeds": 0})"),
          rate("too many seeds", R"({"tune": [0.1, 0.2], "seeds": 17})"),
          rate("unknown key of a rule", R"({"tune": [0.1, 0.2], "seed": 3})"),
          with("one rate of a phase", "/train/phases", R"({"joint": {"optimizer": {"lr": {"tune": [0.1]}}}})"),
          with("one rate in another regime", "/train/regimes",
               R"({"joint": {"joint": {"optimizer": {"name": "adamw", "lr": {"tune": [1]}}}}})"),
          with("seed of a trial", "/seed", "1000000000")};
}

std::vector<Bad> fit_errors() {
  auto const phases = [](std::string const& list) { return R"({"name": "phases", )" + list + "}"; };
  return {
      with("too few custom weights", "/train/exit_weights", R"({"name": "custom", "weights": [1, 2]})"),
      with("too few in a phase", "/train/phases", R"({"joint": {"exit_weights": {"name": "custom", "weights": [1]}}})"),
      with("too few in a regime", "/train/regimes",
           R"({"mixed": {"joint": {"exit_weights": {"name": "custom", "weights": [1]}}}})"),
      with("weights of nothing", "/train/exit_weights", R"({"name": "custom", "weights": [0, 0, 0]})"),
      with("no phases", "/regime", phases(R"("phases": [])")),
      with("misspelt phases", "/regime", phases(R"("phasse": ["joint"])")),
      with("unknown phase", "/regime", phases(R"("phases": ["joint", "all"])")),
      with("backbone after heads", "/regime", phases(R"("phases": ["joint", "backbone"])")),
      with("epochs of another length", "/regime", phases(R"("phases": ["joint"], "epochs": [5, 5])")),
      with("epochs of another sum", "/regime", phases(R"("phases": ["joint", "heads"], "epochs": [5, 4])")),
      with("epochs that are needed", "/regime", phases(R"("phases": ["joint", "heads"])")),
      {"nothing to train",
       edit_spec(spec_of(), "spec.json",
                 {R"(/defaults/method={"head": "average"})", R"(/defaults/regime={"name": "disjoint"})"})},
      with("MACs used up", "/train/protocol", R"({"name": "equal_macs", "total": 3, "backbone": 4})"),
      with("no placement", "/placement", "{}"),
      with("two placements", "/placement", R"({"after": [0], "count": 1})"),
      with("misspelt placement", "/placement", R"({"afer": [0]})"),
      with("no exit", "/placement", R"({"after": []})"),
      with("no target", "/placement", R"({"cost": []})"),
      with("count of zero", "/placement", R"({"count": 0})"),
      with("two exits at one place", "/placement", R"({"after": [0, 1, "0"]})"),
      with("after the last block", "/placement", R"({"after": [0, 3]})"),
      with("block out of range", "/placement", R"({"after": [7]})"),
      with("negative block", "/placement", R"({"after": [-1]})"),
      with("block as a fraction", "/placement", R"({"after": [0.5]})"),
      with("two targets at one stage", "/placement", R"({"cost": [0.3, 0.31]})"),
      with("too many targets", "/placement", R"({"count": 30})"),
      with("target below the first exit", "/placement", R"({"cost": [0.01]})"),
      with("no stem there", "/arch", R"({"name": "bare", "depth": 1})"),
      {"one block alone", R"({"study": "s", "defaults": {"data": {"name": "toy"}, "arch": {"name": "bare", "depth": 1},
        "method": {"name": "tiny"}}})"},
      {"an exit after a single block", R"({"study": "s", "defaults": {"data": {"name": "toy"},
        "arch": {"name": "bare", "depth": 1}, "method": {"name": "tiny"}, "placement": {"after": ["stem"]}}})"},
      {"default that no file holds", R"({"study": "s", "defaults": {"data": {"name": "toy", "limit": 100},
        "arch": {"name": "tower"}, "method": {"name": "tiny"}}})"}};
}

std::string messages(std::string const& title, std::vector<Bad> const& all) {
  std::string text = "# " + title + "\n";
  for (auto const& bad : all) {
    auto const message = message_of<SpecError>([&] { plan_of(bad.text); });
    INFO(bad.what);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.starts_with("spec.json"));
    text += bad.what + ": " + message + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every bad spec is refused at its place") {
  approve("plan_errors.txt", messages("text", text_errors()) + messages("top level", top_errors()) +
                                 messages("runs", run_errors()) + messages("rates", rate_errors()) +
                                 messages("what does not fit together", fit_errors()));
}

TEST_CASE("a grid of more than 100,000 runs is refused before any is planned") {
  std::string seeds = "0";
  for (int i = 1; i < 1000; ++i) seeds += "," + std::to_string(i);
  auto const grid = [&](std::string const& more) {
    return message_of<SpecError>([&] { plan_of(spec_of("", R"(, "grid": {"seed": [)" + seeds + "]" + more + "}")); });
  };
  std::string batches = "1";
  for (int i = 2; i <= 101; ++i) batches += "," + std::to_string(i);
  CHECK(grid(R"(, "/train/batch": [)" + batches + "]") ==
        "spec.json /grid: expands to more than 100,000 runs; expected at most 100,000");
}

TEST_CASE("edits that fit nowhere are usage errors") {
  auto const refused = [](std::string const& edit) -> std::string {
    try {
      edit_spec(spec_of(), "spec.json", {edit});
    } catch (SpecError const& error) {
      return std::to_string(static_cast<int>(error.code)) + " " + error.what();
    }
    return "nothing thrown";
  };
  std::string text;
  for (auto const* edit :
       {"defaults/seed=1", "/defaults/seed", "/defaults/arch/name/x=1", "/defaults/data={\"name\": 1",
        "/study=", "/defaults/placement/after/x=1", "/a/~9=1", "/defaults/seed={\"a\": 1, \"a\": 2}"})
    text += refused(edit) + "\n";
  approve("plan_edit_errors.txt", text);
}

TEST_CASE("a missing data folder keeps its own exit code") {
  auto catalog = fake_catalog();
  catalog.data = [](Choice const&) -> DataFacts { throw SpecError("/nowhere: no such folder", Exit::missing); };
  try {
    make_plan(spec_of(), "spec.json", catalog);
    FAIL("planned");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
  }
}
