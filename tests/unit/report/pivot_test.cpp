#include "core/report/pivot.h"
#include "core/base/error.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/report/result_rows.h"

namespace eexit {
namespace {

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
  approve("pivot_seed_columns.txt",
          to_console(pivot(all_rules(), {.rows = {"regime", "budget"}, .columns = {"seed"}})));
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
  CHECK_THROWS_AS(pivot(all_rules(), {.rows = {}}), SpecError);
  CHECK_THROWS_AS(pivot(all_rules(), {.columns = {}}), SpecError);
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

TEST_CASE("pivot: weights that training starts from stand in the title, or in a column", "[report]") {
  auto given = cell("mixed", 0, "0.5", 0.8), fresh = cell("mixed", 0, "0.5", 0.7);
  given.axes["arch.weights"] = "resnet.safetensors";
  auto const title = pivot({given}, {}).title;
  CHECK(title.find(", weights resnet.safetensors,") != std::string::npos);
  CHECK(pivot({fresh}, {}).title.find("weights") == std::string::npos);
  fresh.arch = "vit-tiny";
  CHECK(pivot({given, fresh}, {}).header == std::vector<std::string>{"arch", "arch.weights", "regime", "50 %"});
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

namespace {

// The same rows as another study's, each value `more` higher.
Results of_study(Results rows, std::string const& study, double more = 0) {
  for (auto& r : rows) {
    r.study = study;
    if (r.value) *r.value += more;
  }
  return rows;
}

Results joined(Results a, Results const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Three seeds of one regime at one budget around a mean.
Results seeds_of(std::string const& regime, double mean, std::string const& budget = "0.5") {
  return {cell(regime, 0, budget, mean - 0.01), cell(regime, 1, budget, mean), cell(regime, 2, budget, mean + 0.01)};
}

std::vector<std::vector<Emphasis>> marks(Results const& rows, Pivot const& asked = {}) {
  return pivot(rows, asked).emphasis;
}

constexpr auto none = Emphasis::none, best = Emphasis::best, second = Emphasis::second;

}  // namespace

TEST_CASE("pivot: several studies have a column that names them, and blocks", "[report]") {
  auto const both = joined(of_study(all_rules(), "first"), of_study(all_rules(), "second", 0.01));
  auto const table = pivot(both, main_table);
  approve("pivot_two_studies.txt", to_console(table));
  approve("pivot_two_studies.tex", to_latex(table));
  approve("pivot_study_columns.txt",
          to_console(pivot(both, {.rows = {"regime"}, .columns = {"budget", "study"}, .filter = {{"budget", {"1"}}}})));
}

TEST_CASE("pivot: a failed run stands at its own study's budgets", "[report]") {
  auto other = of_study({cell("joint", 0, "0.1", 0.5)}, "second");
  auto const table = pivot(joined({cell("mixed", 0, "0.5", 0.8), failure("joint", 0), failure("joint", 1)}, other), {});
  CHECK(table.header == std::vector<std::string>{"study", "regime", "10 %", "50 %"});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"quick", "mixed", "-", "80.00"},
                                                            {"quick", "joint", "-", "- (0/2)"},
                                                            {"second", "joint", "50.00", "-"}});
}

TEST_CASE("pivot: each study's first policy is shown, and named where they differ", "[report]") {
  auto other = cell("mixed", 0, "0.5", 0.7);
  other.study = "second";
  other.policy = "patience";
  auto const table = pivot({cell("mixed", 0, "0.5", 0.8), other}, {});
  CHECK(table.header == std::vector<std::string>{"study", "policy", "regime", "50 %"});
  CHECK(table.rows.size() == 2);
  CHECK_THROWS_AS(pivot({cell("mixed", 0, "0.5", 0.8), other}, {.policy = "patience"}), RunError);
}

TEST_CASE("pivot: settings are columns as any other, and tell runs apart", "[report]") {
  Results rows;
  for (std::string const batch : {"128", "64"})
    for (std::string const rate : {"0.1", "0.05"}) {
      auto r = cell("mixed", 0, "0.5", 0.8 + 0.01 * static_cast<double>(rows.size()));
      r.run = "b" + batch + rate;
      r.axes = {{"train.batch", batch}, {"train.optimizer.lr", rate}};
      rows.push_back(r);
    }
  CHECK(pivot(rows, {}).header == std::vector<std::string>{"train.optimizer.lr", "train.batch", "regime", "50 %"});
  auto const table = pivot(rows, {.rows = {"train.optimizer.lr"}, .columns = {"train.batch", "budget"}});
  CHECK(table.header ==
        std::vector<std::string>{"train.optimizer.lr", "train.batch 128, 50 %", "train.batch 64, 50 %"});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"0.1", "80.00", "82.00"}, {"0.05", "81.00", "83.00"}});
  CHECK_THROWS_WITH(pivot(rows, {.rows = {"train.bacth"}}), Catch::Matchers::Contains("did you mean \"train.batch\""));
}

TEST_CASE("pivot: a plain network stands in every column of what it does not have", "[report]") {
  auto patience = cell("mixed", 0, "max", 0.7);
  patience.policy = "patience";
  auto const table = pivot({cell("mixed", 0, "max", 0.8), patience, fixed_net("plain", "resnet-14", 0, 0.9, 1)},
                           {.columns = {"policy"}});
  CHECK(table.header == std::vector<std::string>{"regime", "threshold", "patience"});
  CHECK(table.rows[1] == std::vector<std::string>{"resnet-14 (plain)", "90.00", "90.00"});
}

TEST_CASE("pivot: regimes by budgets as columns, plain, rival and bound as rows", "[report]") {
  auto const table = pivot(all_rules(), {.rows = {"arch"}, .columns = {"regime", "budget"}});
  CHECK(table.header.size() == 1 + 3 * 5);
  CHECK(table.header[1] == "disjoint, 25 %");
  REQUIRE(table.rows.size() == 4);
  auto const cells = [&](std::size_t row, std::vector<std::size_t> const& at) {
    std::string text = table.rows[row][0];
    for (auto const c : at) text += " | " + table.rows[row][c].substr(0, 5);
    return text;
  };
  // Budgets of 75 and 100 % and the last exit of the first regime; the last two of the third.
  CHECK(cells(1, {3, 4, 5, 14, 15}) == "resnet-14 (plain) | - | 89.10 | 89.10 | 89.10 | 89.10");
  CHECK(cells(2, {1, 2, 15}) == "resnet-8 (rival, 0.33) | - | 87.00 | 87.00");
  CHECK(table.rows[3][0] == "resnet-14, oracle (bound)");
  CHECK(table.rows[3][1] == "-");
}

TEST_CASE("pivot: a filter keeps what it names, and what does not have the column", "[report]") {
  auto const asked = [](std::string const& column, std::vector<std::string> const& values) {
    return pivot(all_rules(), {.filter = {{column, values}}});
  };
  auto const regimes = asked("regime", {"mixed", "joint"});
  CHECK(regimes.rows.size() == 5);  // two regimes, plain, rival, the bound of mixed
  CHECK(regimes.title.ends_with(", only regime mixed, joint"));
  CHECK(asked("budget", {"0.5", "max"}).header == std::vector<std::string>{"regime", "50 %", "max"});
  CHECK(asked("role", {"run"}).rows.size() == 4);
  CHECK(asked("policy", {"threshold"}).rows.size() == 5);  // all but the bound
  CHECK(asked("seed", {"0"}).rows[2][1] == "81.23");
  CHECK_THROWS_WITH(asked("regime", {"mixd"}), Catch::Matchers::Contains("no regime \"mixd\"; did you mean \"mixed\""));
  CHECK_THROWS_AS(asked("regmie", {"mixed"}), SpecError);
}

TEST_CASE("pivot: the best and the second of each column, ties alike", "[report]") {
  auto const rows = joined(joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9)), seeds_of("disjoint", 0.8));
  CHECK(marks(rows) == std::vector<std::vector<Emphasis>>{{none, second}, {none, best}, {none, second}});
  CHECK(marks(rows, {.mark = false}).empty());
  auto costs = rows;
  for (auto& r : costs) r.metric = "cost_at_1";
  CHECK(marks(costs, {.metric = "cost_at_1"})[1][1] == second);  // less is better
}

TEST_CASE("pivot: networks and data sets are not compared with each other", "[report]") {
  auto other = joined(seeds_of("joint", 0.6), seeds_of("mixed", 0.5));
  for (auto& r : other) r.arch = "resnet-8";
  auto const rows = joined(joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9)), other);
  CHECK(marks(rows) == std::vector<std::vector<Emphasis>>{
                           {none, none, second}, {none, none, best}, {none, none, best}, {none, none, second}});
}

TEST_CASE("pivot: no marks for fewer than three seeds, failed seeds or a broken budget", "[report]") {
  auto two = joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9));
  two.pop_back();
  auto const unmarked = pivot(two, {});
  CHECK(unmarked.emphasis.empty());
  CHECK(unmarked.emphasis_note == "no best or second is marked in columns in which a cell has fewer than 3 seeds");
  CHECK(pivot({cell("joint", 0, "0.5", 0.8), cell("mixed", 0, "0.5", 0.9)}, {}).emphasis_note.empty());

  auto rows = joined(joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9)), seeds_of("disjoint", 0.7));
  rows[3].over_budget = true;
  CHECK(marks(rows) == std::vector<std::vector<Emphasis>>{{none, best}, {none, none}, {none, second}});
  rows.push_back(failure("joint", 3));
  CHECK(marks(rows).empty());  // one row is left
}

TEST_CASE("pivot: where columns hold one candidate each, rows are ranked", "[report]") {
  auto const rows = joined(joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9)),
                           joined(seeds_of("joint", 0.85, "1"), seeds_of("mixed", 0.84, "1")));
  CHECK(marks(rows, {.rows = {"budget"}, .columns = {"regime"}}) ==
        std::vector<std::vector<Emphasis>>{{none, second, best}, {none, best, second}});
}

TEST_CASE("pivot: published values stand below a rule and never compete", "[report]") {
  Result published{.study = "quick",
                   .role = "published",
                   .arch = "resnet-14",
                   .regime = "mixed",
                   .split = "test",
                   .budget = "0.5",
                   .metric = "accuracy",
                   .value = 0.99,
                   .source = "Doe 2024"};
  auto bare = published;  // says nothing but its number
  bare.arch = bare.regime = "";
  bare.source = "Roe 2023";
  auto const ours = joined(seeds_of("joint", 0.8), seeds_of("mixed", 0.9));
  auto const table = pivot(joined(ours, {published, bare}), {});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"joint", "80.00 \u00b1 1.00"},
                                                            {"mixed", "90.00 \u00b1 1.00"},
                                                            {"mixed (published)[a]", "99.00"},
                                                            {"published[b]", "99.00"}});
  CHECK(table.rules == std::vector<int>{2});
  CHECK(table.footnotes[0] == "[a] published: Doe 2024; not measured here, other data preparation and training");
  CHECK(table.emphasis[1][1] == best);
  CHECK(table.emphasis[2][1] == none);

  published.arch = "resnet-50";  // what is one network in ours must now be said
  CHECK(pivot(joined(ours, {published}), {}).header == std::vector<std::string>{"arch", "regime", "50 %"});
  CHECK(pivot(joined(ours, {published}), {.rows = {"regime"}}).header ==
        std::vector<std::string>{"arch", "regime", "50 %"});
}

}  // namespace eexit
