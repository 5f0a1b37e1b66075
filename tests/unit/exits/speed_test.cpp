// Frontiers of 10,000 rows and 7 exits, and fitting them to 5 budgets: guards against work that is done once a
// threshold instead of once.
#include <cmath>
#include <cstdio>
#include <ctime>

#include "core/exits/policy.h"
#include "tests/support/catch.h"
#include "tests/unit/exits/random_table.h"

using namespace eexit;

namespace {

// The surer an answer the more often it is right, and later exits are surer. kind: how confidences are spread out.
ExitTable table_like_a_network(int kind) {
  auto table = random_table(3, 10000, 7, 0, 10);
  Random random(4);
  for (int row = 0; row < table.rows; ++row) {
    double const hard = random.uniform();
    for (int exit = 0; exit < table.exits; ++exit) {
      double const sure = 1 / (1 + std::exp(6 * hard - exit - 1 - random.uniform()));
      table.confidence[table.at(row, exit)] = std::pow(sure, kind + 1);
      if (random.uniform() < sure) table.predicted[table.at(row, exit)] = table.label[static_cast<std::size_t>(row)];
    }
  }
  return table;
}

// Processor seconds: a busy machine does not count.
double seconds_of(PolicyFamily const& family, ExitTable const& table) {
  auto const start = std::clock();
  auto const points = family.frontier(table);
  for (double const share : {0.3, 0.4, 0.5, 0.75, 1.0}) CHECK(family.fit(table, points, share * table.cost.back()));
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

PolicyFamily exit_thresholds(std::string const& params) {
  JsonReader reader(params, std::make_shared<Source>());
  return find(policies(), "policy", "exit_thresholds", "test").make(reader);
}

}  // namespace

TEST_CASE("frontiers of 10,000 rows and 7 exits take a tenth of a second, random search one, ascent two") {
  // Three measures of confidence, as eval reads them.
  std::vector<ExitTable> const tables = {table_like_a_network(0), table_like_a_network(1), table_like_a_network(2)};
  double exact = seconds_of(make_policy("patience"), tables[0]);
  for (auto const& table : tables) exact += seconds_of(make_policy("threshold"), table);
  double const by_exit = seconds_of(exit_thresholds(R"({"fit": "ascent"})"), tables[0]);
  double const at_random = seconds_of(exit_thresholds(R"({"fit": "random"})"), tables[0]);
  double const by_class = seconds_of(make_policy("class_thresholds"), tables[0]);
  double const shares = seconds_of(make_policy("exit_thresholds"), tables[0]);
  double const patient = seconds_of(make_policy("confident_patience"), tables[0]);
  std::printf(
      "threshold by three measures and patience %.3f s, confident_patience %.3f s, exit_thresholds %.3f s by "
      "shares, %.3f s by ascent and %.3f s at random, class_thresholds %.3f s\n",
      exact, patient, shares, by_exit, at_random, by_class);
  // Five times what is asked for: machines are slow and sanitizers slower.
  CHECK(exact < 0.5);
  CHECK(by_exit < 10);
  CHECK(at_random < 5);
  CHECK(by_class < 10);
  CHECK(shares < 1);
  CHECK(patient < 1);
}
