#include "core/plan/phase.h"

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using Values = std::vector<double>;

namespace {

Values rates(Schedule const& schedule, long steps, long epoch_steps) {
  Values all;
  for (long step = 0; step < steps; ++step) all.push_back(rate_at(schedule, 0.8, step, steps, epoch_steps));
  return all;
}

void check_close(Values const& actual, Values const& expected) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    INFO(i);
    CHECK(actual[i] == Approx(expected[i]).margin(1e-12));
  }
}

}  // namespace

TEST_CASE("a constant rate rises over the warm-up and stays") {
  check_close(rates({.kind = Schedule::Kind::constant}, 3, 1), {0.8, 0.8, 0.8});
  // One epoch of three steps: (step + 1) / 4 of the rate, which the first step after it has in full.
  check_close(rates({.kind = Schedule::Kind::constant, .warmup = 1}, 5, 3), {0.2, 0.4, 0.6, 0.8, 0.8});
}

TEST_CASE("a stepped rate drops at fractions of the phase") {
  Schedule const schedule{.kind = Schedule::Kind::step, .at = {0.5, 0.75}, .factor = 0.5};
  check_close(rates(schedule, 8, 4), {0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2});
}

TEST_CASE("a cosine rate falls from the end of the warm-up on") {
  // cos(pi k / 4): 1, 0.7071, 0, -0.7071
  double const root = 0.70710678118654752;
  check_close(rates({}, 4, 2), {0.8, 0.4 * (1 + root), 0.4, 0.4 * (1 - root)});
  // Half an epoch of four steps: the warm-up is two steps, the cosine runs over the four after it.
  check_close(rates({.warmup = 0.5}, 6, 4), {0.8 / 3, 1.6 / 3, 0.8, 0.4 * (1 + root), 0.4, 0.4 * (1 - root)});
  // The last rate is 0.2: the middle lies between 0.8 and 0.2.
  CHECK(rate_at({.final_share = 0.25}, 0.8, 2, 4, 1) == Approx(0.5));
  CHECK(rate_at({.final_share = 0.25}, 0.8, 4, 4, 1) == Approx(0.2));
}

TEST_CASE("a warm-up longer than the phase still gives rates") {
  for (double const rate : rates({.warmup = 10}, 4, 2)) CHECK((rate > 0 && rate < 0.8));
}

TEST_CASE("weights of exits sum to one") {
  Values const costs = {10, 30, 60};
  check_close(exit_weights({}, costs), {1.0 / 3, 1.0 / 3, 1.0 / 3});
  check_close(exit_weights({.kind = ExitWeights::Kind::linear}, costs), {1.0 / 6, 2.0 / 6, 3.0 / 6});
  check_close(exit_weights({.kind = ExitWeights::Kind::cost}, costs), {0.1, 0.3, 0.6});
  check_close(exit_weights({.kind = ExitWeights::Kind::custom, .weights = {1, 0, 3}}, costs), {0.25, 0, 0.75});
  CHECK_THROWS_AS(exit_weights({.kind = ExitWeights::Kind::custom, .weights = {1, 2}}, costs), SpecError);
  CHECK_THROWS_AS(exit_weights({.kind = ExitWeights::Kind::custom, .weights = {0, 0, 0}}, costs), SpecError);
}

namespace {

template <class Read>
auto read_from(std::string const& text, Read read) {
  JsonReader reader(text, std::make_shared<Source>());
  auto const value = read(reader);
  reader.done();
  return value;
}

}  // namespace

TEST_CASE("an optimiser of the same name merges, another starts from its defaults") {
  auto const over = [](std::string const& text, Optim const& from) {
    return read_from(text, [&](JsonReader& reader) { return read_optim(reader, from); });
  };
  auto const sgd = std::get<Sgd>(over(R"({"optimizer": {"lr": 0.5}})", Sgd{.lr = 1, .momentum = 0.7}));
  CHECK(sgd.lr == 0.5);
  CHECK(sgd.momentum == 0.7);
  auto const adamw = std::get<AdamW>(over(R"({"optimizer": {"name": "adamw", "eps": 1e-6}})", Sgd{.lr = 1}));
  CHECK(adamw.lr == 1e-3);
  CHECK(adamw.eps == 1e-6);
  CHECK(std::get<AdamW>(over("{}", AdamW{.lr = 2})).lr == 2);
  CHECK_THROWS_AS(over(R"({"optimizer": {"momentum": 0, "nesterov": true}})", Sgd{}), SpecError);
  CHECK_THROWS_AS(over(R"({"optimizer": {"name": "adamw", "betas": [0.9]}})", Sgd{}), SpecError);
  CHECK_THROWS_AS(over(R"({"optimizer": {"name": "adamw", "betas": [0.9, 1]}})", Sgd{}), SpecError);
}

TEST_CASE("a recipe keeps what is not written, and null takes the clipping away") {
  Recipe const from{.optim = AdamW{.lr = 3},
                    .schedule = {.kind = Schedule::Kind::cosine, .final_share = 0.5},
                    .clip = 2,
                    .label_smoothing = 0.1,
                    .exit_weights = {.kind = ExitWeights::Kind::linear}};
  auto const over = [&](std::string const& text) {
    return read_from(text, [&](JsonReader& reader) { return read_recipe(reader, from); });
  };
  auto const same = over("{}");
  CHECK(base_rate(same.optim) == 3);
  CHECK(same.schedule.final_share == 0.5);
  CHECK(same.clip == 2.0);
  CHECK(same.label_smoothing == 0.1);
  CHECK(same.exit_weights.kind == ExitWeights::Kind::linear);
  CHECK_FALSE(over(R"({"clip": null})").clip);
  CHECK(over(R"({"schedule": {"warmup": 2}})").schedule.final_share == 0.5);
  CHECK(over(R"({"schedule": {"name": "constant"}})").schedule.kind == Schedule::Kind::constant);
}
