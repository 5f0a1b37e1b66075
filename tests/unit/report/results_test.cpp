#include "core/report/results.h"

#include "core/base/error.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"

namespace eexit {
namespace {

Result full_row() {
  return {.study = "quick",
          .run = "resnet-14-fashion_mnist-sdn-mixed-s3-0a1b2c3d",
          .role = "run",
          .arch = "resnet-14",
          .data = "fashion_mnist",
          .method = "sdn",
          .regime = "mixed",
          .protocol = "equal_epochs",
          .placement = "0;2;3",
          .seed = 18446744073709551615u,
          .split = "test",
          .policy = "threshold",
          .confidence = "max_probability",
          .temperature = "1.25;2;1.5;1",
          .knobs = "0.9",
          .budget = "0.25",
          .metric = "accuracy",
          .value = 0.1 + 0.2,
          .cost = 1234567.5,
          .cost_fraction = 0.2525,
          .over_budget = true,
          .exits = {7, 2, 0, 1},
          .convention = "mac",
          .params = 272474,
          .epochs = "backbone:2;joint:1",
          .training_macs = 1.5e15};
}

}  // namespace

TEST_CASE("results.csv: the columns, their order and their text", "[report]") {
  approve("results.csv", encode_csv(to_csv({full_row(), {.metric = "failed"}})));
}

TEST_CASE("results.csv: reading gives back what was written", "[report]") {
  auto const text = encode_csv(to_csv({full_row(), {.metric = "failed"}}));
  auto const back = results_from(decode_csv(text, "results.csv"), "results.csv");
  REQUIRE(back.size() == 2);
  CHECK(back[0].seed == full_row().seed);
  CHECK(back[0].value == full_row().value);
  CHECK(back[0].over_budget);
  CHECK(back[0].exits == full_row().exits);
  CHECK_FALSE(back[1].value);
  CHECK_FALSE(back[1].cost);
  CHECK(back[1].exits.empty());
  CHECK(encode_csv(to_csv(back)) == text);
}

TEST_CASE("results.csv: columns are found by name, wherever they stand", "[report]") {
  auto csv = to_csv({full_row()});
  std::swap(csv.header[0], csv.header[9]);
  std::swap(csv.rows[0][0], csv.rows[0][9]);
  CHECK(results_from(csv, "results.csv")[0].study == "quick");
}

TEST_CASE("results.csv: a file from before temperatures has none", "[report]") {
  auto csv = to_csv({full_row()});
  auto const at = static_cast<std::ptrdiff_t>(csv.column("temperature"));
  csv.header.erase(csv.header.begin() + at);
  csv.rows[0].erase(csv.rows[0].begin() + at);
  auto const back = results_from(csv, "results.csv");
  CHECK(back[0].temperature.empty());
  CHECK(back[0].knobs == "0.9");
}

TEST_CASE("results.csv: what is wrong is named with row and column", "[report]") {
  auto message = [](std::string const& column, std::string const& cell) -> std::string {
    auto csv = to_csv({full_row(), full_row()});
    csv.rows[1][csv.column(column)] = cell;
    try {
      results_from(csv, "out/results.csv");
    } catch (RunError const& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message("cost", "12x") == "out/results.csv row 2, column cost: expected a number, found \"12x\"");
  CHECK(message("value", "nan") == "out/results.csv row 2, column value: expected a number, found \"nan\"");
  CHECK(message("seed", "-1") == "out/results.csv row 2, column seed: expected an integer, found \"-1\"");
  CHECK(message("seed", "") == "out/results.csv row 2, column seed: expected an integer, found \"\"");
  CHECK(message("over_budget", "yes") == "out/results.csv row 2, column over_budget: expected 0 or 1, found \"yes\"");
  CHECK(message("exits", "1;;2") == "out/results.csv row 2, column exits: expected an integer, found \"1;;2\"");
  CHECK(message("value", "") == "accepted");

  auto csv = to_csv({full_row()});
  csv.header[csv.column("budget")] = "bugdet";
  CHECK_THROWS_WITH(results_from(csv, "out/results.csv"), "out/results.csv: no column \"budget\"");
}

TEST_CASE("cell_of: one cell by the name of its column", "[report]") {
  CHECK(cell_of(full_row(), "exits") == "7;2;0;1");
  CHECK(cell_of({}, "value").empty());
  CHECK_THROWS_AS(cell_of({}, "regmie"), SpecError);
}

}  // namespace eexit
