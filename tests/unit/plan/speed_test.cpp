// A sweep of 10,000 cells is planned before each of its commands: a guard against work that is done once a cell
// instead of once.
#include <ctime>

#include "tests/support/catch.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

std::string numbers(int count, double scale) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += (i > 1 ? "," : "") + shortest(i * scale);
  return "[" + text + "]";
}

// Processor seconds: a busy machine does not count. It takes a fortieth of what is allowed here.
double seconds_of(std::string const& axes, std::size_t runs) {
  auto const start = std::clock();
  auto const plan = plan_of(spec_of("", R"(, "rivals": [{"arch": {"depth": 2}}], "grid": {"regime":
      [{"name": "joint"}, {"name": "mixed"}, {"name": "disjoint"}], )" +
                                            axes + "}"));
  CHECK(plan.runs.size() == runs);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("10,000 cells are planned within seconds") {
  // 33 widths and 101 seeds: a plain network of each, and a rival of each seed.
  CHECK(seconds_of(R"("/arch/width": )" + numbers(33, 1) + R"(, "seed": )" + numbers(101, 1),
                   3 * 33 * 101 + 33 * 101 + 101) < 10);
  // All cells differ in how they are trained.
  CHECK(seconds_of(R"("/train/optimizer/lr": )" + numbers(3333, 1e-4), 3 * 3333 + 3333 + 3333) < 10);
}
