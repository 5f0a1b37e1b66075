// Texts that keys are digests of are written by hand; they are what the JSON library would write.
#include "core/plan/canonical.h"

#include <nlohmann/json.hpp>

#include "core/base/sha256.h"
#include "core/plan/run_text.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;
using Json = nlohmann::json;

TEST_CASE("canonical texts and numbers are the JSON library's") {
  for (std::string const text : {"", "sdn", "a\"b\\c", "tab\t, line\n", "caf\xc3\xa9", "\x7f"})
    CHECK(json_text(text) == Json(text).dump());
  std::vector<std::string> const texts = {"0", "stem\n"};
  CHECK(json_text(texts) == Json(texts).dump());
  CHECK(json_text(std::vector<std::string>{}) == "[]");
  for (double const number : {0.0, 1.0, 0.05, 5e-4, 1e-8, 1e300, 1.0 / 3})
    CHECK(json_number(number) == Json(number).dump());
  CHECK(json_number(std::vector<double>{1, 0.5}) == "[1.0,0.5]");
  ObjectText object;
  CHECK(object.text() == "{}");
  object.add("b", "1");
  CHECK(object.text() == R"({"b":1})");
  CHECK_THROWS_AS(object.add("a", "1"), std::logic_error);
}

TEST_CASE("the text of every key is canonical JSON, and the key its digest") {
  auto const plan = plan_of(spec_of("", R"(, "grid": {
      "regime": [{"name": "mixed"}, {"name": "disjoint"}, {"name": "phases", "phases": ["backbone"]}],
      "data": [{"limit": 300}, {"augment": {"name": "crop_flip", "flip": 0.25}}], "head_seed": [null, 3],
      "/train/protocol": [{}, {"name": "converged", "delta": 0.1, "metric": "accuracy"}],
      "/train/optimizer": [{"lr": {"tune": [0.1, 1]}}, {"name": "adamw", "eps": 1e-9}],
      "/train/schedule": [{"name": "step", "at": [0.5, 0.75]}, {"name": "constant", "warmup": 1}, {"final": 0.1}],
      "/train/exit_weights": [{"name": "custom", "weights": [1, 0.5, 0.25]}], "/train/clip": [null, 2]})"));
  for (auto const* runs : {&plan.runs, &plan.trials})
    for (auto const& run : *runs)
      for (std::size_t i = 0; i < run.phases.size(); ++i) {
        auto const text = key_text(run, i);
        INFO(text);
        REQUIRE(text == Json::parse(text).dump());
        REQUIRE(run.phases[i].key == sha256(text));
      }
  CHECK(plan.trials.size() > 100);
}
