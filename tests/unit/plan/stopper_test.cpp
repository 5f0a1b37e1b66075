#include "core/plan/stopper.h"

#include "tests/support/catch.h"

using namespace eexit;

namespace {

// One letter a check: "i" improved, "." neither, "S" stop.
std::string verdicts(Stopper& stopper, std::vector<std::vector<double>> const& checks) {
  std::string letters;
  for (auto const& values : checks) {
    auto const verdict = stopper.check(values);
    CHECK_FALSE((verdict.improved && verdict.stop));
    letters += verdict.stop ? 'S' : verdict.improved ? 'i' : '.';
  }
  return letters;
}

}  // namespace

TEST_CASE("one exit: better resets, worse counts, equal does neither") {
  auto stopper = make_stopper({.patience = 2}, {true});
  // worse, equal to the best, worse: the second worse one stops
  CHECK(verdicts(stopper, {{1.0}, {0.5}, {0.6}, {0.5}, {0.7}}) == "ii..S");
  CHECK(stopper.best[0] == 0.5);
  auto again = make_stopper({.patience = 2}, {true});
  CHECK(verdicts(again, {{1.0}, {1.1}, {0.9}, {1.0}, {0.95}}) == "i.i.S");
}

TEST_CASE("inside delta nothing is counted; better needs no delta") {
  auto stopper = make_stopper({.patience = 1, .delta = 0.1}, {true});
  CHECK(verdicts(stopper, {{1.0}, {1.05}, {1.1}, {0.999}, {1.099}, {1.11}}) == "i..i.S");
  CHECK(stopper.best[0] == 0.999);
}

TEST_CASE("accuracy counts the other way round") {
  auto stopper = make_stopper({.patience = 1, .delta = 0.1, .on_accuracy = true}, {true});
  CHECK(verdicts(stopper, {{0.5}, {0.6}, {0.55}, {0.45}}) == "ii.S");
}

TEST_CASE("several exits: any better one saves and goes on, all must be worn out") {
  auto stopper = make_stopper({.patience = 2}, {true, true});
  // Exit 0 is worn out from the third check on, but exit 1 keeps getting better; then it wears out too.
  CHECK(verdicts(stopper, {{1, 9}, {2, 8}, {2, 7}, {2, 6}, {2, 7}, {2, 6}, {2, 7}}) == "iiii..S");
  CHECK(stopper.counter == std::vector<int>{6, 2});
  // An exit that gets better starts counting anew.
  auto anew = make_stopper({.patience = 2}, {true, true});
  CHECK(verdicts(anew, {{1, 1}, {2, 2}, {0, 2}, {2, 2}, {2, 2}}) == "i.i.S");
}

TEST_CASE("an exit that does not count neither saves nor holds up") {
  auto stopper = make_stopper({.patience = 1}, {true, false});
  CHECK(verdicts(stopper, {{1, 5}, {1, 4}, {2, 3}}) == "i.S");
  // A frozen last exit repeats its value for ever: counted, it would never let the phase stop.
  auto counted = make_stopper({.patience = 1}, {true, true});
  CHECK(verdicts(counted, {{1, 5}, {2, 5}, {2, 5}, {2, 5}}) == "i...");
}

TEST_CASE("a check has one value an exit") {
  auto stopper = make_stopper({}, {true, true});
  CHECK_THROWS_AS(stopper.check({1.0}), std::logic_error);
}
