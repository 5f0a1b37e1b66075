#include "core/exits/temperature.h"

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "core/exits/scores.h"
#include "tests/support/catch.h"

using namespace eexit;

namespace {

double mean_loss(std::vector<float> const& logits, std::vector<int> const& label, double temperature) {
  auto const classes = logits.size() / label.size();
  double sum = 0;
  for (std::size_t row = 0; row < label.size(); ++row) {
    double scale = 0;
    for (std::size_t c = 0; c < classes; ++c) scale += std::exp(logits[row * classes + c] / temperature);
    sum += std::log(scale) - logits[row * classes + static_cast<std::size_t>(label[row])] / temperature;
  }
  return sum / static_cast<double>(label.size());
}

}  // namespace

TEST_CASE("temperature: three of four right is a probability of three quarters") {
  // Exit 1 always says (4, 0), exit 2 (1, 0), exit 3 (0, -1/2). Three of four labels are
  // class 0: the best is sigmoid(z / T) = 3/4, T = z / ln 3.
  std::vector<float> logits;
  for (int row = 0; row < 4; ++row) logits.insert(logits.end(), {4, 0, 1, 0, 0, -0.5F});
  std::vector<int> const label = {0, 1, 0, 0};
  auto const found = fit_temperatures(logits, label, 3);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == Approx(4 / std::log(3.0)).epsilon(1e-9));
  CHECK(found[1] == Approx(1 / std::log(3.0)).epsilon(1e-9));
  CHECK(found[2] == Approx(0.5 / std::log(3.0)).epsilon(1e-9));
  // A class that is masked out changes nothing.
  float const masked = -std::numeric_limits<float>::infinity();
  std::vector<float> three;
  for (int row = 0; row < 4; ++row) three.insert(three.end(), {4, 0, masked});
  CHECK(fit_temperatures(three, label, 1)[0] == Approx(found[0]).epsilon(1e-12));
}

TEST_CASE("temperature: the bounds, and where nothing tells classes apart") {
  std::vector<float> const sure = {3, 0, 0, 3};
  CHECK(fit_temperatures(sure, std::vector<int>{0, 1}, 1)[0] == 0.01);  // always right
  CHECK(fit_temperatures(sure, std::vector<int>{1, 0}, 1)[0] == 100);   // always wrong
  CHECK(fit_temperatures(std::vector<float>{2, 2, 5, 5}, std::vector<int>{0, 1}, 1)[0] == 1);
  float const infinity = std::numeric_limits<float>::infinity();
  for (float const bad : {std::nanf(""), infinity})
    CHECK_THROWS_AS(fit_temperatures(std::vector<float>{bad, 0, 0, 1}, std::vector<int>{0, 1}, 1), RunError);
  CHECK_THROWS_AS(fit_temperatures(std::vector<float>{1, 0}, std::vector<int>{2}, 1), std::logic_error);
}

TEST_CASE("temperature: no other one has a lower loss") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    double const scale = std::pow(10.0, random.uniform() * 2 - 0.5);
    std::vector<float> logits;
    std::vector<int> label;
    for (int row = 0; row < 50; ++row) {
      label.push_back(random.below(5));
      for (int c = 0; c < 5; ++c)
        logits.push_back(static_cast<float>(scale * (random.uniform() + (c == label.back() ? 0.3 : 0))));
    }
    double const best = fit_temperatures(logits, label, 1)[0];
    for (double const factor : {0.5, 0.99, 0.999, 1.001, 1.01, 2.0})
      CHECK(mean_loss(logits, label, best) < mean_loss(logits, label, best * factor));
  }
}

TEST_CASE("confidence at a temperature is that of the divided logits") {
  std::vector<float> const logits = {4, 1, -2, 0.5F}, halved = {2, 0.5F, -1, 0.25F};
  for (auto const kind : {Confidence::max_probability, Confidence::entropy, Confidence::margin}) {
    CHECK(confidence(kind, logits, 2) == Approx(confidence(kind, halved)).epsilon(1e-14));
    CHECK(confidence(kind, logits, 1) == confidence(kind, logits));
    CHECK(confidence(kind, logits, 100) < confidence(kind, logits, 0.01));
  }
  Measure const plain = Confidence::margin, by_exit(Confidence::margin, {2, 0.5});
  CHECK(plain.at(7) == 1);
  CHECK(by_exit.at(1) == 0.5);
  CHECK_THROWS(by_exit.at(2));
}
