#include "core/store/study.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/store/answers.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/report/result_rows.h"

using namespace eexit;

namespace {

using Texts = std::vector<std::string>;

// An output folder with studies of two runs, mixed with seeds 0 and 1.
struct Out {
  test::TemporaryFolder folder;
  fs::path out = folder.path / "out";

  fs::path study(std::string const& name, std::string const& spec, std::string const& axes = "") const {
    auto const at = out / "studies" / name;
    Results rows = {cell("mixed", 0, "0.5", 0.5), cell("mixed", 1, "0.5", 0.75)};
    write_file(at / "spec.json", spec);
    write_file(at / "results.csv", encode_csv(to_csv(rows)));
    write_file(at / "curves.csv", "study\n");
    write_file(at / "runs.csv", "run\n");
    write_file(at / "env.json", "{}");
    if (!axes.empty()) write_file(at / "axes.csv", axes);
    return at;
  }
  Study open(std::string const& name) const { return open_study(name, out); }
};

std::string const plain_spec = R"({"study": "x", "defaults": {"train": {"batch": 64}, "arch": {"name": "mlp"}}})";
std::string const two_rates = "run,train.optimizer.lr\nresnet-14-mixed-s0,0.1\nresnet-14-mixed-s1,0.05\n";

std::string axis(Result const& row, std::string const& name) { return text_of(row, name); }

}  // namespace

TEST_CASE("a study's rows carry their axes") {
  Out const out;
  out.study("one", plain_spec, two_rates);
  auto const study = out.open("one");
  CHECK(axis(study.results[0], "train.optimizer.lr") == "0.1");
  CHECK(axis(study.results[1], "train.optimizer.lr") == "0.05");
}

TEST_CASE("a setting that is no axis comes from run.json, else from the spec's defaults") {
  Out const out;
  out.study("spec", plain_spec, "run\nresnet-14-mixed-s0\nresnet-14-mixed-s1\n");
  out.study("old", plain_spec);  // no axes.csv: the grid may set what the defaults do
  std::vector<Study> const studies = {out.open("spec"), out.open("old")};
  auto const rows = results_of(studies, {"train.batch", "regime", "nothing"});
  REQUIRE(rows.size() == 4);
  CHECK(axis(rows[0], "train.batch") == "64");
  CHECK(axis(rows[2], "train.batch").empty());
  CHECK(rows[0].axes.size() == 1);
  write_file(out.out / "runs" / "resnet-14-mixed-s1" / "run.json", R"({"spec": {"train": {"batch": 32}}})");
  CHECK(axis(results_of(studies, {"train.batch"})[3], "train.batch") == "32");
}

TEST_CASE("studies of one name are told by their folders") {
  Out const out, other;
  out.study("one", plain_spec);
  auto const folder = other.study("one", plain_spec);
  out.study("two", plain_spec);
  std::vector<Study> const studies = {out.open("one"), open_study(folder.string(), "nowhere"), out.open("two")};
  auto const names = names_of(studies);
  CHECK(names[1] == folder.string());
  CHECK(names[0] != names[1]);
  CHECK(names[2] == "two");
  CHECK(results_of(studies, {})[5].study == "two");
}

TEST_CASE("lines below a table of several studies say whose they are where they differ") {
  Out const out;
  out.study("one", plain_spec);
  out.study("two", R"({"study": "two"})");
  std::vector<Study> const studies = {out.open("one"), out.open("two")};
  auto const lines = footer(studies);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("cost: "));
  CHECK(lines[2].starts_with("one: spec "));
  CHECK(lines[3].starts_with("two: spec "));
}

TEST_CASE("defaults that differ, but for axes") {
  Out const out;
  out.study("one", plain_spec);
  out.study("two",
            R"({"defaults": {"train": {"batch": 32, "clip": 1, "optimizer": {"lr": 1}}, "arch": {"name": "x"}}})",
            two_rates);
  CHECK(differing_defaults(out.open("one"), out.open("two")) == Texts{"train.batch: 64, 32", "train.clip: not set, 1"});
}

TEST_CASE("published values stand among the rows") {
  Out const out;
  auto const folder = out.study("one", plain_spec);
  write_file(folder / "published.csv", "value,source\n0.9,Doe\n");
  std::vector<Study> const studies = {out.open("one")};
  auto const rows = results_of(studies, {});
  REQUIRE(rows.size() == 3);
  CHECK(rows[2].role == "published");
  CHECK(rows[2].study == "one");
  write_file(folder / "published.csv", "value,source\nhigh,Doe\n");
  CHECK(test::message_of<SpecError>([&] { results_of(studies, {}); }).ends_with("expected a number, found \"high\""));
}

TEST_CASE("answers at the knobs of a row") {
  Out const out;
  auto const at = out.study("one", plain_spec);
  auto const study = out.open("one");
  auto row = study.results[0];
  StoredAnswers answers(study);
  CHECK_FALSE(answers.at(row).has_value());

  auto const folder = out.out / "runs" / row.run;
  Run run;
  run.id = row.run;
  run.after = {"0"};
  run.exit_cost = {{10, 11}, {30, 33}};
  run.base = {20, 22};
  // Two classes; the first exit is surer of the first sample, 0.73, than of the second, 0.5. It is wrong on both, the
  // last is right.
  ExitFile const exits{.exits = 2,
                       .classes = 2,
                       .splits = {{"cal", {.index = {0}, .label = {0}, .logits = {0, 0, 0, 0}}},
                                  {"test", {.index = {4, 9}, .label = {1, 1}, .logits = {1, 0, 0, 9, 0, 0, 0, 9}}}}};
  write_exits(folder / "exits.safetensors", exits, run, Convention::mac);
  write_file(folder / "run.json", R"({"exits": [{"mac": 10, "fv": 11}, {"mac": 30, "fv": 33}],
                                      "plain_cost": {"mac": 20, "fv": 22}})");
  row.knobs = "0.6";
  auto const found = answers.at(row);
  REQUIRE(found.has_value());
  CHECK(found->sample == std::vector<int>{4, 9});
  CHECK(found->label == std::vector<int>{1, 1});
  CHECK(found->right == std::vector<bool>{false, true});
  row.knobs = "2";
  CHECK(answers.at(row)->right == std::vector<bool>{true, true});

  // Divided by 4 the first exit's logits give 0.56.
  row.knobs = "0.6";
  row.confidence = "calibrated max_probability";
  row.temperature = "4;1";
  CHECK(answers.at(row)->right == std::vector<bool>{true, true});
  row.knobs = "0.55";
  CHECK(answers.at(row)->right == std::vector<bool>{false, true});
  row.temperature = "4;x";
  CHECK_THROWS_AS(StoredAnswers(study).at(row), SpecError);
  row.confidence = "max_probability";
  row.temperature = "";

  // A rule of the same policy with other parameters, told apart by its name.
  auto renamed = study;
  renamed.spec =
      R"({"eval": {"policies": [{"name": "exit_thresholds"}, {"name": "exit_thresholds", "fit": "ascent"}]}})";
  auto fitted = row;
  fitted.policy = "exit_thresholds-ascent";
  CHECK(StoredAnswers(renamed).at(fitted)->right == std::vector<bool>{false, true});
  fitted.policy = "exit_thresholds-descent";
  CHECK_THROWS_AS(StoredAnswers(renamed).at(fitted), SpecError);

  // Judged again in a folder of its own: the runs are still found.
  fs::create_directories(at / "eval-1");
  for (auto const* name : {"spec.json", "results.csv", "curves.csv", "runs.csv", "env.json"})
    fs::copy_file(at / name, at / "eval-1" / name);
  auto const judged = open_study((at / "eval-1").string(), "nowhere");
  CHECK(StoredAnswers(judged).at(row).has_value());

  write_file(folder / "run.json", "{}");
  CHECK_THROWS_AS(StoredAnswers(study).at(row), RunError);
}
