#include "core/store/exit_file.h"

#include <cmath>

#include "core/base/error.h"
#include "core/exits/temperature.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

constexpr Confidence measures[] = {Confidence::max_probability, Confidence::entropy, Confidence::margin};

// Two exits over three classes.
Run two_exits() {
  Run run;
  run.id = "r";
  run.after = {"0"};
  run.exit_cost = {{10, 11}, {30, 33}};
  run.plain = {25, 27};
  run.base = {50, 54};
  return run;
}

ExitFile answers() {
  float const ln2 = std::log(2.0F);
  return {.exits = 2,
          .classes = 3,
          // Softmax of (ln 2, 0, 0) is (1/2, 1/4, 1/4); the second row's first exit is torn between all three.
          .splits = {{"cal", {.index = {7, 3}, .label = {0, 2}, .logits = {ln2, 0, 0, 0, 0, ln2, 0, 0, 0, 0, 20, 0}}},
                     {"test", {.index = {5}, .label = {1}, .logits = {0, ln2, 0, -30, 30, 0}}}}};
}

struct Stored {
  test::TemporaryFolder folder;
  StoredExits exits;
  explicit Stored(std::size_t most_bytes)
      : exits([&] {
          write_exits(folder.path / "exits.safetensors", answers(), two_exits(), Convention::mac, most_bytes);
          return StoredExits(folder.path / "exits.safetensors");
        }()) {}
};

}  // namespace

TEST_CASE("stored logits give back tables by every measure") {
  Stored const stored(largest_logits);
  auto const table = stored.exits.table("cal", Confidence::max_probability, two_exits(), Convention::mac);
  CHECK(table.rows == 2);
  CHECK(table.exits == 2);
  CHECK(table.sample == std::vector<int>{7, 3});
  CHECK(table.label == std::vector<int>{0, 2});
  CHECK(table.predicted == std::vector<int>{0, 2, 0, 1});
  CHECK(table.cost == std::vector<double>{10, 30});
  CHECK(table.plain_cost == 50);
  CHECK(table.confidence[0] == Approx(0.5));
  CHECK(table.confidence[2] == Approx(1.0 / 3));
  auto const margin = stored.exits.table("cal", Confidence::margin, two_exits(), Convention::fv);
  CHECK(margin.confidence[0] == Approx(0.25));
  CHECK(margin.confidence[2] == Approx(0).margin(1e-12));
  CHECK(margin.cost == std::vector<double>{11, 33});
  CHECK(margin.plain_cost == 54);
  // 1 - H / ln 3 with H = 1.5 ln 2
  auto const entropy = stored.exits.table("cal", Confidence::entropy, two_exits(), Convention::mac);
  CHECK(entropy.confidence[0] == Approx(1 - 1.5 * std::log(2.0) / std::log(3.0)));
  auto const losses = stored.exits.losses("cal");
  REQUIRE(losses.size() == 2);
  CHECK(losses[0] == Approx((std::log(2.0) + std::log(3.0)) / 2));
  CHECK(losses[1] == Approx((std::log(4.0) + 20) / 2).epsilon(1e-6));
}

TEST_CASE("what is too large is stored as confidences: the same tables, no losses") {
  Stored const logits(largest_logits), confidences(0);
  for (auto const measure : measures)
    for (auto const* split : {"cal", "test"}) {
      auto const one = logits.exits.table(split, measure, two_exits(), Convention::mac);
      auto const two = confidences.exits.table(split, measure, two_exits(), Convention::mac);
      CHECK(one.sample == two.sample);
      CHECK(one.label == two.label);
      CHECK(one.predicted == two.predicted);
      CHECK(one.confidence == two.confidence);
      CHECK(one.cost == two.cost);
    }
  CHECK(confidences.exits.losses("cal").empty());
  auto const file = read_tensors(confidences.folder.path / "exits.safetensors");
  CHECK_FALSE(file.tensors.contains("cal.logits"));
  CHECK(file.tensors.at("test.predicted").dtype == Dtype::i32);
  CHECK(file.tensors.at("test.margin").dtype == Dtype::f64);
}

TEST_CASE("temperatures need logits") {
  Stored const logits(largest_logits), confidences(0);
  auto const fitted = logits.exits.temperatures();
  REQUIRE(fitted.size() == 2);
  // Cal's first exit: (ln 2, 0, 0) is right, and of the other row nothing is to be had. The last is wrong both times.
  CHECK(fitted[0] == lowest_temperature);
  CHECK(fitted[1] == highest_temperature);
  Measure const measure(Confidence::max_probability, {0.5, 2});
  auto const table = logits.exits.table("cal", measure, two_exits(), Convention::mac);
  // 2 ln 2 gives 4 : 1 : 1; half of ln 2 the square root of 2 : 1 : 1.
  CHECK(table.confidence[0] == Approx(4.0 / 6));
  CHECK(table.confidence[1] == Approx(std::sqrt(2.0) / (std::sqrt(2.0) + 2)));
  CHECK(table.predicted ==
        logits.exits.table("cal", Confidence::max_probability, two_exits(), Convention::mac).predicted);
  auto const message = test::message_of<SpecError>([&] { confidences.exits.temperatures(); });
  CHECK(
      message.ends_with("temperature: expected logits of cal, found confidences alone (logits above 64 MiB are not "
                        "stored)"));
  CHECK_THROWS_AS(confidences.exits.table("test", measure, two_exits(), Convention::mac), SpecError);
  CHECK_THROWS_AS(logits.exits.table("test", Measure(Confidence::margin, {1}), two_exits(), Convention::mac), RunError);
}

TEST_CASE("the bound is on each split by itself, inclusive") {
  // cal has 12 floats, test 6.
  Stored const stored(24);
  auto const file = read_tensors(stored.folder.path / "exits.safetensors");
  CHECK_FALSE(file.tensors.contains("cal.logits"));
  CHECK(file.tensors.contains("test.logits"));
}

TEST_CASE("the file says what it is") {
  Stored const stored(largest_logits);
  auto const file = read_tensors(stored.folder.path / "exits.safetensors");
  CHECK(file.metadata.at("run") == "r");
  CHECK(file.metadata.at("exits") == "0;last");
  CHECK(file.metadata.at("convention") == "mac");
  CHECK(file.tensors.at("cal.logits").shape == std::vector<std::int64_t>{2, 2, 3});
  CHECK(unpack<double>(file.tensors.at("cost")) == std::vector<double>{10, 30});
  CHECK(unpack<double>(file.tensors.at("plain_cost")) == std::vector<double>{50});
  CHECK(unpack<std::int64_t>(file.tensors.at("test.index")) == std::vector<std::int64_t>{5});
}

TEST_CASE("answers that do not fit the run are refused") {
  Stored const stored(largest_logits);
  auto run = two_exits();
  run.exit_cost.push_back({40, 44});
  CHECK_THROWS_AS(stored.exits.table("cal", Confidence::margin, run, Convention::mac), RunError);
  CHECK_THROWS_AS(stored.exits.table("val", Confidence::margin, two_exits(), Convention::mac), RunError);
  CHECK_THROWS_AS(StoredExits(stored.folder.path / "none.safetensors"), SpecError);
  write_file(stored.folder.path / "short.safetensors", "abc");
  CHECK_THROWS_AS(StoredExits(stored.folder.path / "short.safetensors"), RunError);
}
