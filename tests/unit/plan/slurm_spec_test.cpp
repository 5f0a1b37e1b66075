#include "core/plan/slurm_spec.h"

#include "core/base/error.h"
#include "core/plan/plan.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;

namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

SlurmSpec read(std::string const& text) {
  JsonReader reader(strict_json(text, "spec.json"), std::make_shared<Source>(Source{"spec.json", {}}), "/slurm");
  return read_slurm(reader);
}

}  // namespace

TEST_CASE("slurm: options keep their order; true is a switch, false leaves one out", "[plan]") {
  auto const spec =
      read(R"({"time": "02:00:00", "mem": "4G", "cpus-per-task": 4, "exclusive": true, "contiguous": false,
                             "signal": 300, "comment": "it's \"mine\""})");
  CHECK(spec.options == Options{{"time", "02:00:00"},
                                {"mem", "4G"},
                                {"cpus-per-task", "4"},
                                {"exclusive", ""},
                                {"comment", "it's \"mine\""}});
  CHECK(spec.signal_seconds == 300);
  CHECK(read("{}").options.empty());
  CHECK(read("{}").signal_seconds == 120);
}

TEST_CASE("slurm: a warning must leave time to work, in each form of a time limit", "[plan]") {
  for (auto const* time : {"3", "3:00", "2:30", "0:03:00", "0-0:3", "0-00:03:00", "00:02:59"})
    for (int const signal : {149, 150}) {
      auto const text = R"({"time": ")" + std::string(time) + R"(", "signal": )" + std::to_string(signal) + "}";
      CAPTURE(text);
      if (signal < 150)
        CHECK_NOTHROW(read(text));
      else
        CHECK_THROWS_AS(read(text), SpecError);
    }
  CHECK_NOTHROW(read(R"({"time": "1-0", "signal": 60000})"));
  CHECK_NOTHROW(read(R"({"time": "1-1:00:00", "signal": 60000})"));
  // No limit, or sbatch's to refuse.
  for (auto const* time : {"0", "UNLIMITED", "1:2:3:4", "1-", "-5", "x"})
    CHECK_NOTHROW(read(R"({"time": ")" + std::string(time) + R"(", "signal": 60000})"));
}

TEST_CASE("slurm: what is refused", "[plan]") {
  std::string all;
  for (auto const* text : {R"({"array": "0-3"})", R"({"dependency": "singleton"})", R"({"--time": "1:00:00"})",
                           R"({"Mem": "4G"})", R"({"mem": 1.5})", R"({"mem": null})", R"({"mem": ""})",
                           R"({"comment": "a\nb"})", R"({"signal": "B:USR1@5"})", R"({"signal": 0})", R"({"time": 2})"})
    all += std::string(text) + ": " + test::message_of<SpecError>([&] { read(text); }) + "\n";
  approve("slurm_spec_errors.txt", all);
}

TEST_CASE("slurm: a plan carries the options; no key of a phase depends on them", "[plan]") {
  using namespace eexit::test;
  auto const plan = plan_of(spec_of("", R"(, "slurm": {"partition": "low"})"));
  CHECK(plan.slurm.options == Options{{"partition", "low"}});
  CHECK(plan.warnings.empty());
  CHECK(plan.runs[0].phases[0].key == plan_of(spec_of()).runs[0].phases[0].key);
  CHECK(message_of<SpecError>([] { plan_of(spec_of("", R"(, "slurm": {"array": "0-3"})")); }) ==
        "spec.json /slurm/array: the sweep chooses this option of sbatch itself");
}
