#include "core/exits/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "tests/support/catch.h"

using namespace eexit;

TEST_CASE("confidence of answers worked by hand") {
  // Probabilities 1/2, 1/4, 1/4.
  std::vector<float> const logits = {std::log(2.0F), 0, 0};
  CHECK(confidence(Confidence::max_probability, logits) == Approx(0.5));
  CHECK(confidence(Confidence::margin, logits) == Approx(0.25));
  CHECK(confidence(Confidence::entropy, logits) == Approx(1 - 1.5 * std::log(2.0) / std::log(3.0)));
  CHECK(cross_entropy(logits, 0) == Approx(std::log(2.0)));
  CHECK(cross_entropy(logits, 2) == Approx(2 * std::log(2.0)));
  auto const p = softmax(logits);
  CHECK(p[0] == Approx(0.5));
  CHECK(p[2] == Approx(0.25));
}

TEST_CASE("confidence stays in [0, 1] at the ends") {
  float const infinity = std::numeric_limits<float>::infinity();
  for (auto const kind : {Confidence::max_probability, Confidence::entropy, Confidence::margin}) {
    for (std::size_t n : {1U, 2U, 3U, 7U, 10U, 100U, 1000U}) {
      std::vector<float> logits(n, 0.3F);
      double const unsure = confidence(kind, logits);
      CHECK((unsure >= 0 && unsure <= 1));
      if (n > 1)
        CHECK(unsure == Approx(kind == Confidence::max_probability ? 1.0 / static_cast<double>(n) : 0).margin(1e-12));
      logits[n / 2] = 1e30F;
      CHECK(confidence(kind, logits) == 1);
    }
    CHECK(confidence(kind, std::vector<float>{5}) == 1);
    CHECK(confidence(kind, std::vector<float>{0, -infinity}) == 1);
    CHECK_THROWS_AS(confidence(kind, std::vector<float>{0, std::nanf(""), 1}), RunError);
    CHECK_THROWS_AS(confidence(kind, std::vector<float>{0, infinity}), RunError);
    CHECK_THROWS_AS(confidence(kind, std::vector<float>{-infinity, -infinity}), RunError);
  }
}

TEST_CASE("every confidence agrees with the probabilities") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits;
    for (int i = 0; i < 10; ++i) logits.push_back(static_cast<float>(random.uniform() * 30 - 15));
    auto p = softmax(logits);
    double sum = 0, entropy = 0;
    for (double const x : p) {
      sum += x;
      entropy -= x * std::log(x);
    }
    CHECK(sum == Approx(1));
    CHECK(confidence(Confidence::entropy, logits) == Approx(1 - entropy / std::log(10.0)).margin(1e-12));
    CHECK(argmax(logits) == std::max_element(p.begin(), p.end()) - p.begin());
    std::sort(p.rbegin(), p.rend());
    CHECK(confidence(Confidence::max_probability, logits) == Approx(p[0]));
    CHECK(confidence(Confidence::margin, logits) == Approx(p[0] - p[1]).margin(1e-12));
  }
}

TEST_CASE("argmax ties go to the lowest index") {
  CHECK(argmax(std::vector<float>{1, 3, 3, 2}) == 1);
  CHECK(argmax(std::vector<float>{0, 0}) == 0);
}

TEST_CASE("confidences have names") {
  CHECK(confidence_names() == std::vector<std::string>{"max_probability", "entropy", "margin"});
  CHECK(confidence_from("margin") == Confidence::margin);
  CHECK_THROWS_AS(confidence_from("doubt"), std::logic_error);
}
