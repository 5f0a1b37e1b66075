#include "core/base/error.h"
#include "core/report/pivot.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"

namespace eexit {
namespace {

using Results = std::vector<Result>;

// One measured cell of regime and seed; the fields that a test is about are set by it.
Result cell(std::string const& regime, std::uint64_t seed, std::string const& budget, std::optional<double> value) {
  return {.study = "quick",
          .run = "resnet-14-" + regime + "-s" + std::to_string(seed),
          .role = "run",
          .arch = "resnet-14",
          .data = "fashion_mnist",
          .method = "sdn",
          .regime = regime,
          .protocol = "equal_epochs",
          .placement = "0;2;3",
          .seed = seed,
          .split = "test",
          .policy = "threshold",
          .confidence = "max_probability",
          .knobs = budget == "max" ? "2" : "0." + std::to_string(static_cast<int>(8 * std::stod(budget))),
          .budget = budget,
          .metric = "accuracy",
          .value = value,
          .cost_fraction = budget == "max" ? 1.05 : std::stod(budget) - 0.01,
          .convention = "mac"};
}

Result fixed_net(std::string const& role, std::string const& arch, std::uint64_t seed, double value, double fraction) {
  auto r = cell("plain", seed, "max", value);
  r.role = role;
  r.arch = arch;
  r.run = arch + "-plain-s" + std::to_string(seed);
  r.method = "none";
  r.placement = r.policy = r.confidence = r.knobs = "";
  r.cost_fraction = fraction;
  return r;
}

Result failure(std::string const& regime, std::uint64_t seed) {
  auto r = cell(regime, seed, "max", {});
  r.metric = "failed";
  r.split = r.policy = r.confidence = r.knobs = r.budget = "";
  r.cost_fraction.reset();
  return r;
}

Result oracle_of(Result r) {
  r.policy = "oracle";
  r.confidence = r.knobs = "";
  return r;
}

// The three regimes with two or three seeds, everything that can go wrong, plain, rival and bound.
Results all_rules() {
  Results all;
  double const accuracy[] = {0.80, 0.84, 0.86, 0.88, 0.885};
  std::string const budgets[] = {"0.25", "0.5", "0.75", "1", "max"};
  for (std::string regime : {"disjoint", "joint", "mixed"})
    for (std::uint64_t seed : {0u, 1u, 2u}) {
      if (regime == "joint" && seed == 2) {
        all.push_back(failure(regime, seed));
        continue;
      }
      for (std::size_t b = 0; b < 5; ++b) {
        double const value = accuracy[b] + 0.01 * static_cast<double>(seed) + (regime == "mixed" ? 0.0123 : 0);
        auto r = cell(regime, seed, budgets[b], value);
        if (regime == "disjoint" && b == 0) {  // nothing fits
          r.value.reset();
          r.knobs = "";
          r.cost_fraction = 0.31 + 0.01 * static_cast<double>(seed);
        }
        if (regime == "joint" && b == 1) r.over_budget = seed == 1;
        if (regime == "mixed" && b == 3) r.knobs = "0.5";
        if (regime == "mixed" && b == 2) r.knobs = "0.5";
        all.push_back(r);
        auto cal = r;
        cal.split = "cal";
        all.push_back(cal);
        auto other = r;
        other.confidence = "entropy";
        if (other.value) *other.value -= 0.1;
        all.push_back(other);
        if (regime == "mixed") {
          auto bound = oracle_of(r);
          if (bound.value) *bound.value += 0.05;
          all.push_back(bound);
        }
      }
      auto auc = cell(regime, seed, "max", 0.7);
      auc.budget = auc.knobs = "";
      auc.metric = "auc";
      all.push_back(auc);
    }
  for (std::uint64_t seed : {0u, 1u, 2u})
    all.push_back(fixed_net("plain", "resnet-14", seed, 0.89 + 0.001 * static_cast<double>(seed), 1));
  for (std::uint64_t seed : {0u, 1u, 2u}) all.push_back(fixed_net("rival", "resnet-8", seed, 0.87, 0.3312));
  return all;
}

Pivot const main_table = {.title = "quick", .footer = {"cost: mac", "spec 0a1b2c3d"}};

}  // namespace

TEST_CASE("pivot: every rule of the main table", "[report]") {
  auto const table = pivot(all_rules(), main_table);
  approve("pivot_console.txt", to_console(table));
  approve("pivot_markdown.txt", to_markdown(table));
  approve("pivot_latex.txt", to_latex(table));
}

TEST_CASE("pivot: one seed has no deviation, and a footnote", "[report]") {
  Results one;
  for (auto const& r : all_rules())
    if (r.seed == 0) one.push_back(r);
  auto with_cost = main_table;
  with_cost.show_cost = true;
  approve("pivot_one_seed.txt", to_console(pivot(one, with_cost)));
}

TEST_CASE("pivot: a row with fewer seeds than the others says so", "[report]") {
  Results uneven = {cell("joint", 0, "0.5", 0.8), cell("joint", 1, "0.5", 0.9), cell("mixed", 0, "0.5", 0.85)};
  auto const table = pivot(uneven, {});
  CHECK(table.rows[1] == std::vector<std::string>{"mixed[a]", "85.00 (n = 1)"});
  CHECK(table.footnotes == std::vector<std::string>{"[a] one seed: differences are not evidence",
                                                    "mean \u00b1 sample deviation over 2 seeds"});
}

TEST_CASE("pivot: policies and confidences as rows, seeds and regimes as columns", "[report]") {
  approve("pivot_confidence_rows.txt", to_console(pivot(all_rules(), {.rows = {"regime", "confidence"}})));
  approve("pivot_seed_columns.txt", to_console(pivot(all_rules(), {.rows = {"regime", "budget"}, .columns = {"seed"}})));
  approve("pivot_regime_columns.txt", to_console(pivot(all_rules(), {.rows = {"budget"}, .columns = {"regime"}})));
}

TEST_CASE("pivot: the policy and confidence that are asked for", "[report]") {
  auto const table = pivot(all_rules(), {.confidence = "entropy"});
  CHECK(table.rows[2][1].starts_with("72.23"));
  CHECK(table.title.ends_with("policy threshold on entropy"));
  CHECK(table.footnotes.back() == "also in results.csv: threshold on max_probability");
  CHECK_THROWS_WITH(pivot(all_rules(), {.confidence = "entrpy"}),
                    Catch::Matchers::Contains("did you mean \"entropy\""));
  CHECK_THROWS_AS(pivot(all_rules(), {.policy = "patience"}), SpecError);
  CHECK_THROWS_AS(pivot(all_rules(), {.rows = {"regmie"}}), SpecError);
  CHECK_THROWS_AS(pivot(all_rules(), {.metric = "accurcy"}), SpecError);
  CHECK_THROWS_AS(pivot({}, {}), RunError);
}

TEST_CASE("pivot: headline metrics have one column", "[report]") {
  auto const table = pivot(all_rules(), {.metric = "auc"});
  CHECK(table.header == std::vector<std::string>{"regime", "auc"});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"disjoint", "70.00 \u00b1 0.00"},
                                                            {"joint", "70.00 \u00b1 0.00 (2/3)"},
                                                            {"mixed", "70.00 \u00b1 0.00"}});
}

TEST_CASE("pivot: a headline metric that was not reached says so", "[report]") {
  auto r = cell("mixed", 0, "max", {});
  r.metric = "cost_at_0";
  r.budget = "";
  auto const table = pivot({r}, {.metric = "cost_at_0"});
  CHECK(table.rows[0] == std::vector<std::string>{"mixed", "-[a]"});
  CHECK(table.footnotes == std::vector<std::string>{"[a] not reached by any operating point on cal"});
}

TEST_CASE("pivot: a cell never mixes two things of one seed", "[report]") {
  auto a = cell("mixed", 0, "0.5", 0.8), b = cell("mixed", 0, "0.5", 0.9);
  b.run = "another";
  b.placement = "1;2";
  auto const by_placement = pivot({a, b}, {});
  CHECK(by_placement.header == std::vector<std::string>{"placement", "regime", "50 %"});
  CHECK(by_placement.rows[1] == std::vector<std::string>{"1;2", "mixed", "90.00"});

  b.placement = a.placement;  // only something that is no column, such as the batch, differs
  CHECK(pivot({a, b}, {}).header == std::vector<std::string>{"run", "regime", "50 %"});

  b.run = a.run;
  CHECK_THROWS_AS(pivot({a, b}, {}), RunError);
}

TEST_CASE("pivot: protocols and conventions never share a column unseen", "[report]") {
  auto a = cell("joint", 0, "0.5", 0.8), b = cell("mixed", 0, "0.5", 0.9);
  b.protocol = "converged";
  b.convention = "fv";
  CHECK(pivot({a, b}, {}).header == std::vector<std::string>{"protocol", "convention", "regime", "50 %"});
}

TEST_CASE("pivot: labels that do not vary go to the title, the last one stays", "[report]") {
  auto const table = pivot({cell("mixed", 0, "0.5", 0.8)}, {.title = "t"});
  CHECK(table.header == std::vector<std::string>{"regime", "50 %"});
  CHECK(table.title ==
        "t\ntest accuracy in %, budgets in % of the plain network's cost; arch resnet-14, data fashion_mnist, "
        "method sdn, protocol equal_epochs, policy threshold on max_probability");
}

TEST_CASE("pivot: two architectures have a column, and their plain networks a row each", "[report]") {
  auto small = cell("mixed", 0, "0.5", 0.7);
  small.arch = "resnet-8";
  auto const table = pivot({cell("mixed", 0, "0.5", 0.8), small, fixed_net("plain", "resnet-14", 0, 0.9, 0.5),
                            fixed_net("plain", "resnet-8", 0, 0.85, 1)},
                           {});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"resnet-14", "mixed", "80.00"},
                                                            {"resnet-8", "mixed", "70.00"},
                                                            {"resnet-14", "plain", "90.00"},
                                                            {"resnet-8", "plain", "-"}});
  CHECK(table.rules == std::vector<int>{2});
}

TEST_CASE("pivot: a regime of which every run failed keeps its row", "[report]") {
  auto const table = pivot({cell("mixed", 0, "0.5", 0.8), failure("joint", 0), failure("joint", 1)}, {});
  CHECK(table.rows[1] == std::vector<std::string>{"joint", "- (0/2)"});
  CHECK(pivot({failure("joint", 0)}, {}).rows[0] == std::vector<std::string>{"joint", "- (0/1)"});
}

}  // namespace eexit
