// Judging by hand. Unless a test says otherwise: two exits of 10 and 30 MACs beside a plain network of 20, and
//
//   cal   confidence at exit 1   exit 1  last        test  confidence at exit 1   exit 1  last
//   A     0.875                  right   right       E     0.875                  right   right
//   B     0.625                  right   wrong       F     0.5625                 right   wrong
//   C     0.375                  wrong   right       G     0.1875                 wrong   right
//   D     0.125                  wrong   right       H     0.125                  wrong   wrong
//
// Frontier on cal: threshold -1 costs 10 and scores 0.5; 0.25 (D goes on) 15 and 0.75; 0.5 (C too) 20 and 1; 0.75 25
// and 0.75; 2 30 and 0.75.
#include "core/report/judge.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"
#include "tests/support/catch.h"

using namespace eexit;

namespace {

struct Row {
  double confidence;
  bool first, last;
};

// Label 0; a right answer is 0, a wrong one 1.
ExitTable table_of(std::vector<Row> const& rows) {
  ExitTable table{.rows = static_cast<int>(rows.size()), .exits = 2, .cost = {10, 30}, .plain_cost = 20};
  for (auto const& row : rows) {
    table.sample.push_back(static_cast<int>(table.sample.size()));
    table.label.push_back(0);
    table.predicted.insert(table.predicted.end(), {row.first ? 0 : 1, row.last ? 0 : 1});
    table.confidence.insert(table.confidence.end(), {row.confidence, 1});
  }
  check(table);
  return table;
}

// A plain network or a rival: `right` of `rows` rows.
ExitTable single(int right, int rows, double cost) {
  ExitTable table{.rows = rows, .exits = 1, .cost = {cost}, .plain_cost = 20};
  for (int row = 0; row < rows; ++row) {
    table.sample.push_back(row);
    table.label.push_back(0);
    table.predicted.push_back(row < right ? 0 : 1);
    table.confidence.push_back(1);
  }
  return table;
}

ExitTable const cal = table_of({{0.875, true, true}, {0.625, true, false}, {0.375, false, true}, {0.125, false, true}});
ExitTable const test_rows =
    table_of({{0.875, true, true}, {0.5625, true, false}, {0.1875, false, true}, {0.125, false, false}});

TableOf tables(ExitTable const& on_cal, ExitTable const& on_test) {
  return [=](std::string const& split, Measure const&) { return split == "cal" ? on_cal : on_test; };
}

Run run_of(std::string const& id, std::uint64_t seed = 0) {
  Run run{.id = id, .seed = seed};
  run.arch_label = "tower-4";
  run.data.source.name = "toy";
  run.method_label = "tiny";
  run.regime_label = "mixed";
  run.placement = "0";
  run.params = 7;
  run.cell = "one";
  run.plain_run = "plain";
  run.phases.push_back({.phase = Train{.name = "backbone", .length = {2, 0}}, .macs = 100});
  run.phases.push_back({.phase = Train{.name = "joint", .length = {1, 3}}, .macs = 50});
  return run;
}

Run other(std::string const& id, Role role) {
  auto run = run_of(id);
  run.role = role;
  return run;
}

EvalSpec rules(std::vector<std::string> const& policies = {"threshold"}) {
  EvalSpec eval;
  for (auto const& name : policies) eval.policies.push_back({.policy = {name, "{}"}});
  return eval;
}

// The one row with these; every column in its place is checked by results_test.
Result const& row_of(Verdict const& verdict, std::string const& run, std::string const& split,
                     std::string const& policy, std::string const& budget, std::string const& metric = "accuracy") {
  Result const* found = nullptr;
  for (auto const& row : verdict.results) {
    if (row.run != run || row.split != split || row.policy != policy || row.budget != budget || row.metric != metric)
      continue;
    REQUIRE(found == nullptr);
    found = &row;
  }
  INFO(run << " " << split << " " << policy << " " << budget << " " << metric);
  REQUIRE(found != nullptr);
  return *found;
}

// "0.25: 0.75 for 20 (1), left 2;2, over" of a row.
std::string text_of(Result const& row) {
  return row.knobs + ": " + (row.value ? shortest(*row.value) : "-") + " for " + shortest(row.cost.value_or(-1)) +
         " (" + shortest(row.cost_fraction.value_or(-1)) + ")" +
         (row.exits.empty() ? "" : ", left " + join(row.exits, ";")) + (row.over_budget ? ", over" : "");
}

}  // namespace

TEST_CASE("knobs are fitted on cal and applied to test") {
  auto const run = run_of("r");
  auto const verdict = judge("s", {{&run, tables(cal, test_rows)}}, rules());
  auto const at = [&](std::string const& split, std::string const& budget) {
    return text_of(row_of(verdict, "r", split, "threshold", budget));
  };
  // No threshold costs 5 or less: no knobs, no value, the cheapest cost there is.
  CHECK(at("cal", "0.25") == ": - for 10 (0.5)");
  CHECK(at("test", "0.25") == ": - for 10 (0.5)");
  CHECK(at("cal", "0.5") == "-1: 0.5 for 10 (0.5), left 4;0");
  CHECK(at("test", "0.5") == "-1: 0.5 for 10 (0.5), left 4;0");
  CHECK(at("cal", "0.75") == "0.25: 0.75 for 15 (0.75), left 3;1");
  // G and H go on: 20 MACs where 15 were allowed. Marked, not tuned again.
  CHECK(at("test", "0.75") == "0.25: 0.75 for 20 (1), left 2;2, over");
  CHECK(at("cal", "1") == "0.5: 1 for 20 (1), left 2;2");
  CHECK(at("test", "1") == "0.5: 0.75 for 20 (1), left 2;2");
  CHECK(at("cal", "max") == "2: 0.75 for 30 (1.5), left 0;4");
  CHECK(at("test", "max") == "2: 0.5 for 30 (1.5), left 0;4");

  auto const& row = row_of(verdict, "r", "test", "threshold", "1");
  CHECK(row.study == "s");
  CHECK(row.role == "run");
  CHECK(row.epochs == "backbone:2;joint:1+3 steps");
  CHECK(row.training_macs == 150);
  CHECK(row.params == 7);
  CHECK(row.convention == "mac");
  CHECK(row.confidence == "max_probability");
  CHECK(row.protocol == "equal_epochs");
}

TEST_CASE("exactly one per cent over a budget is not marked, more is") {
  auto const run = run_of("r");
  auto eval = rules();
  eval.budgets = {1};
  // Fitted for a budget of 20 MACs: one of two rows goes on, threshold 0.5.
  auto const fitted = table_of({{0.125, false, true}, {0.875, true, true}});
  for (auto const& [n, over] : std::vector<std::pair<int, bool>>{{0, false}, {1, false}, {2, true}}) {
    // n of 200 rows go on: 10 + n / 10 MACs, beside a plain network of 10.
    std::vector<Row> rows(200, {0.9375, true, true});
    for (int i = 0; i < n; ++i) rows[static_cast<std::size_t>(i)].confidence = 0.0625;
    auto table = table_of(rows);
    table.plain_cost = 10;
    auto const verdict = judge("s", {{&run, tables(fitted, table)}}, eval);
    auto const& row = row_of(verdict, "r", "test", "threshold", "1");
    CHECK(row.knobs == "0.5");
    CHECK(row.cost == Approx(10 + n / 10.0));
    CHECK(row.over_budget == over);
  }
}

TEST_CASE("headline figures") {
  auto const run = run_of("r");
  auto const plain = other("plain", Role::plain);
  auto const verdict =
      judge("s", {{&run, tables(cal, test_rows)}, {&plain, tables(single(3, 4, 20), single(2, 4, 20))}}, rules());
  auto const headline = [&](std::string const& split, std::string const& metric) {
    return row_of(verdict, "r", split, "threshold", "", metric);
  };
  // On cal the best so far is 0.5 from 0.5 on and 0.75 from 0.75 on; on test 0.5 from 0.5 on.
  CHECK(headline("cal", "auc").value == Approx(0.25 * 0.5 + 0.25 * 0.75));
  CHECK(headline("test", "auc").value == Approx(0.5 * 0.5));
  CHECK_FALSE(headline("test", "auc").cost);
  // Plain is right on 3 of 4 of cal: threshold 0.25 is the first as good, and costs 15 on cal, 20 on test.
  CHECK(headline("cal", "cost_at_0").value == 0.75);
  CHECK(headline("test", "cost_at_0").value == 1.0);
  CHECK(headline("test", "cost_at_0").knobs == "0.25");
}

TEST_CASE("cost at 0, 1 and 2 points below plain") {
  // 100 rows; at exit 1 55 are right, then one row more at 0.25 and one more at 0.375.
  std::vector<Row> rows(55, {0.75, true, true});
  rows.push_back({0.25, false, true});
  rows.push_back({0.375, false, true});
  rows.resize(100, {0.75, false, false});
  auto const run = run_of("r");
  auto const plain = other("plain", Role::plain);
  auto const with_plain = [&](int right) {
    return judge(
        "s",
        {{&run, tables(table_of(rows), table_of(rows))}, {&plain, tables(single(right, 100, 20), single(0, 100, 20))}},
        rules());
  };
  auto const costs = [&](Verdict const& verdict) {
    std::string text;
    for (auto const* metric : {"cost_at_0", "cost_at_1", "cost_at_2"}) {
      auto const& row = row_of(verdict, "r", "test", "threshold", "", metric);
      text += row.knobs + ":" + (row.value ? shortest(*row.value) : "-") + " ";
    }
    return text;
  };
  CHECK(costs(with_plain(57)) == "0.5625:0.52 0.3125:0.51 -1:0.5 ");
  // Never reached, or only two points below.
  CHECK(costs(with_plain(59)) == ":- :- 0.5625:0.52 ");
  CHECK(costs(with_plain(60)) == ":- :- :- ");
  // 0.07 - 0.01 is a hair above 0.06 in doubles, and so are these: a point is a point all the same.
  for (int const right : {7, 10, 13}) {
    std::vector<Row> better(static_cast<std::size_t>(right - 1), {0.75, true, true});
    better.resize(100, {0.75, false, false});
    auto const verdict = judge("s",
                               {{&run, tables(table_of(better), table_of(better))},
                                {&plain, tables(single(right, 100, 20), single(0, 100, 20))}},
                               rules());
    INFO(right);
    CHECK(row_of(verdict, "r", "test", "threshold", "", "cost_at_1").value == 0.5);
  }
}

TEST_CASE("each run is held against its own plain run") {
  // Two learning rates: same names everywhere, another cell, another plain network.
  auto const one = run_of("one");
  auto two = run_of("two");
  two.plain_run = "plain2";
  auto alone = run_of("alone");
  alone.plain_run = "";
  auto const plain = other("plain", Role::plain), plain2 = other("plain2", Role::plain);
  auto const verdict = judge("s",
                             {{&one, tables(cal, test_rows)},
                              {&two, tables(cal, test_rows)},
                              {&alone, tables(cal, test_rows)},
                              {&plain, tables(single(2, 4, 20), single(2, 4, 20))},
                              {&plain2, tables(single(4, 4, 20), single(2, 4, 20))}},
                             rules());
  CHECK(row_of(verdict, "one", "cal", "threshold", "", "cost_at_0").value == 0.5);
  CHECK(row_of(verdict, "two", "cal", "threshold", "", "cost_at_0").value == 1.0);
  CHECK(std::none_of(verdict.results.begin(), verdict.results.end(),
                     [](Result const& row) { return row.run == "alone" && row.metric == "cost_at_0"; }));
}

TEST_CASE("the oracle's rows bound the others") {
  auto const run = run_of("r");
  auto const verdict = judge("s", {{&run, tables(cal, test_rows)}}, rules({"threshold", "fixed"}));
  auto const at = [&](std::string const& budget) { return text_of(row_of(verdict, "r", "test", "oracle", budget)); };
  CHECK(at("0.25") == ": - for 10 (0.5)");
  CHECK(at("0.5") == ": 0.5 for 10 (0.5), left 4;0");
  // G is worth sending on; nothing helps H, which leaves at once.
  CHECK(at("0.75") == ": 0.75 for 15 (0.75), left 3;1");
  CHECK(at("1") == ": 0.75 for 15 (0.75), left 3;1");
  CHECK(at("max") == ": 0.75 for 15 (0.75), left 3;1");
}

TEST_CASE("plain and rival networks have one row a split") {
  auto const plain = other("plain", Role::plain), rival = other("rival", Role::rival);
  auto const verdict = judge(
      "s", {{&plain, tables(single(3, 4, 20), single(2, 4, 20))}, {&rival, tables(single(2, 4, 12), single(1, 4, 12))}},
      rules());
  REQUIRE(verdict.results.size() == 4);
  CHECK(text_of(row_of(verdict, "plain", "cal", "", "max")) == ": 0.75 for 20 (1), left 4");
  CHECK(text_of(row_of(verdict, "plain", "test", "", "max")) == ": 0.5 for 20 (1), left 4");
  CHECK(text_of(row_of(verdict, "rival", "test", "", "max")) == ": 0.25 for 12 (0.6), left 4");
  CHECK(row_of(verdict, "rival", "test", "", "max").role == "rival");
}

TEST_CASE("a failed run is one row, and the others are judged") {
  auto const failed = run_of("failed"), run = run_of("r", 1);
  auto const verdict = judge("s", {{&failed, {}}, {&run, tables(cal, test_rows)}}, rules());
  CHECK(verdict.results.front().run == "failed");
  CHECK(verdict.results.front().metric == "failed");
  CHECK_FALSE(verdict.results.front().value);
  CHECK(std::count_if(verdict.results.begin(), verdict.results.end(),
                      [](Result const& row) { return row.run == "failed"; }) == 1);
  CHECK(row_of(verdict, "r", "test", "threshold", "1").value == 0.75);
}

TEST_CASE("rows come in a fixed order: splits, policies, budgets, headlines, then the oracle") {
  auto const run = run_of("r");
  auto eval = rules({"threshold", "fixed"});
  eval.budgets = {0.5};
  std::string order;
  for (auto const& row : judge("s", {{&run, tables(cal, test_rows)}}, eval).results)
    order += row.split + " " + row.policy + " " + (row.budget.empty() ? row.metric : row.budget) + "\n";
  std::string expected;
  for (std::string const split : {"cal", "test"})
    for (std::string const policy : {"threshold", "fixed", "oracle"})
      for (std::string const what : {"0.5", "max", "auc"})
        if (policy != "oracle" || what != "auc") expected += split + " " + policy + " " + what + "\n";
  CHECK(order == expected);
}

TEST_CASE("curves: frontiers, single exits, plain and rival") {
  auto const run = run_of("r");
  auto const plain = other("plain", Role::plain), rival = other("rival", Role::rival);
  auto const verdict = judge("s",
                             {{&run, tables(cal, test_rows)},
                              {&plain, tables(single(3, 4, 20), single(2, 4, 20))},
                              {&rival, tables(single(2, 4, 12), single(1, 4, 12))}},
                             rules());
  CHECK(join(verdict.curves.header, ",") == "study,run,split,policy,confidence,kind,knobs,cost,cost_fraction,value");
  std::string text;
  for (auto const& row : verdict.curves.rows)
    if (row[2] == "test")
      text += row[1] + " " + row[3] + " " + row[5] + " " + row[6] + " " + row[7] + " " + row[8] + " " + row[9] + "\n";
  CHECK(text ==
        "r threshold frontier -1 10 0.5 0.5\n"
        "r threshold frontier 0.15625 15 0.75 0.5\n"
        "r threshold frontier 0.375 20 1 0.75\n"
        "r threshold frontier 0.71875 25 1.25 0.5\n"
        "r threshold frontier 2 30 1.5 0.5\n"
        "r  exit 0 10 0.5 0.5\n"
        "r  exit 1 30 1.5 0.5\n"
        "plain  plain  20 1 0.5\n"
        "rival  rival  12 0.6 0.25\n");
}

TEST_CASE("a rule fitted to its table has on test the points of cal") {
  auto const run = run_of("r");
  EvalSpec eval;
  eval.policies = {{.policy = {"exit_thresholds", R"({"fit":"ascent"})"}}};
  auto const verdict = judge("s", {{&run, tables(cal, test_rows)}}, eval);
  std::string text;
  for (auto const& row : verdict.curves.rows)
    if (row[5] == "frontier") text += row[2] + " " + row[6] + ": " + row[9] + " for " + row[7] + "\n";
  // Fitted to test, 0.25 and 0.5 would be one point.
  CHECK(text ==
        "cal -1: 0.5 for 10\n"
        "cal 0.25: 0.75 for 15\n"
        "cal 0.5: 1 for 20\n"
        "cal 2: 0.75 for 30\n"
        "test -1: 0.5 for 10\n"
        "test 0.25: 0.75 for 20\n"
        "test 0.5: 0.75 for 20\n"
        "test 2: 0.5 for 30\n");
  CHECK(text_of(row_of(verdict, "r", "test", "exit_thresholds", "0.25")) == ": - for 10 (0.5)");
  CHECK(text_of(row_of(verdict, "r", "test", "exit_thresholds", "0.75")) == "0.25: 0.75 for 20 (1), left 2;2, over");
  CHECK(text_of(row_of(verdict, "r", "test", "exit_thresholds", "max")) == "2: 0.5 for 30 (1.5), left 0;4");
  // Best so far on test: 0.5 from half the plain cost on, 0.75 at all of it.
  CHECK(row_of(verdict, "r", "test", "exit_thresholds", "", "auc").value == Approx(0.25));
}

TEST_CASE("a rule with temperatures stands beside the one without") {
  auto const run = run_of("r");
  // At a temperature of 2 confidences are halved here; the last exit has its own.
  TableOf const halved = [](std::string const& split, Measure const& measure) {
    auto table = split == "cal" ? cal : test_rows;
    for (auto& confidence : table.confidence) confidence /= measure.at(0);
    return table;
  };
  int asked = 0;
  FinishedRun const finished{.run = &run, .table = halved, .temperatures = [&] {
                               ++asked;
                               return std::vector<double>{2, 1.5};
                             }};
  auto eval = rules({"threshold", "threshold"});
  eval.policies[1].temperature = true;
  auto const verdict = judge("s", {finished}, eval);
  CHECK(asked == 1);
  std::string text;
  for (auto const& row : verdict.results)
    if (row.split == "test" && row.budget == "1")
      text += row.policy + ", " + row.confidence + ", " + row.temperature + ", " + row.knobs + "\n";
  CHECK(text ==
        "threshold, max_probability, , 0.5\n"
        "threshold, calibrated max_probability, 2;1.5, 0.25\n"
        "oracle, , , \n");
  std::set<std::string> curves;
  for (auto const& row : verdict.curves.rows)
    if (row[5] == "frontier") curves.insert(row[4]);
  CHECK(curves == std::set<std::string>{"max_probability", "calibrated max_probability"});
}

TEST_CASE("every policy: max is the last exit for all rows") {
  auto const run = run_of("r");
  auto const all = names(policies());
  auto const verdict = judge("s", {{&run, tables(cal, test_rows)}}, rules(all));
  for (auto const& policy : all) CHECK(row_of(verdict, "r", "test", policy, "max").exits == std::vector<int>{0, 4});
  CHECK(row_of(verdict, "r", "test", "fixed", "max").knobs == "1");
  CHECK(row_of(verdict, "r", "test", "fixed", "0.75").knobs == "0");
}

TEST_CASE("the reference's rule: test curves averaged over seeds, the last entry before the first too dear") {
  // 100 thresholds i / 99. Seed 0 costs 10, from 0.125 on 15, 0.1875 20, 0.5625 25, 0.875 30. Seed 1, all rows at
  // 0.3125: 10, from there on 30. The mean: 10, from 0.125 on 12.5, 0.1875 15, 0.3125 25, 0.5625 27.5, 0.875 30.
  auto const run0 = run_of("r0", 0), run1 = run_of("r1", 1);
  auto other_cell = run_of("x", 0);
  other_cell.cell = "two";
  auto const alike = table_of({{0.3125, true, true}, {0.3125, false, true}});
  auto eval = rules({"threshold", "fixed"});
  eval.reference_rule = true;
  eval.budgets = {0.25, 0.5, 0.75, 1, 1.25, 1.5};
  auto const verdict = judge(
      "s", {{&run0, tables(cal, test_rows)}, {&run1, tables(cal, alike)}, {&other_cell, tables(cal, alike)}}, eval);
  auto const knobs = [&](std::string const& run, std::string const& budget) {
    return row_of(verdict, run, "test", "threshold", budget).knobs;
  };
  for (auto const* run : {"r0", "r1"}) {
    CHECK(knobs(run, "0.25").empty());  // k = 0
    CHECK_FALSE(row_of(verdict, run, "test", "threshold", "0.25").value);
    CHECK(knobs(run, "0.5") == shortest(12 / 99.0));
    CHECK(knobs(run, "0.75") == shortest(30 / 99.0));
    CHECK(knobs(run, "1") == shortest(30 / 99.0));
    CHECK(knobs(run, "1.25") == shortest(55 / 99.0));
    CHECK(knobs(run, "1.5") == "1");  // none costs more: the last
    CHECK(knobs(run, "max") == "1");
  }
  // Each run at the common threshold: seed 0 pays 20, seed 1 10.
  CHECK(row_of(verdict, "r0", "test", "threshold", "0.75").cost == 20.0);
  CHECK(row_of(verdict, "r1", "test", "threshold", "0.75").cost == 10.0);
  CHECK(row_of(verdict, "r1", "test", "threshold", "0.75").value == 0.5);
  // Another cell is no further seed: by itself it keeps 10 MACs up to 30 / 99.
  CHECK(knobs("x", "0.5") == shortest(30 / 99.0));
  // Finite families have as many entries as exits: 10, then 30.
  CHECK(row_of(verdict, "r0", "test", "fixed", "1.25").knobs == "0");
  CHECK(row_of(verdict, "r0", "test", "fixed", "1.5").knobs == "1");
  CHECK(row_of(verdict, "r0", "test", "fixed", "0.25").knobs.empty());
}

TEST_CASE("a failed seed is left out of the reference's average") {
  auto const run0 = run_of("r0", 0), failed = run_of("f", 1);
  auto eval = rules();
  eval.reference_rule = true;
  auto const verdict = judge("s", {{&run0, tables(cal, test_rows)}, {&failed, {}}}, eval);
  CHECK(row_of(verdict, "r0", "test", "threshold", "0.75").knobs == shortest(18 / 99.0));  // before 0.1875
}

TEST_CASE("no knob looks at test labels") {
  auto const run = run_of("r");
  auto const plain = other("plain", Role::plain);
  auto eval = rules({"threshold", "fixed", "patience", "confident_patience", "exit_thresholds", "class_thresholds"});
  auto const knobs = [&](ExitTable const& table) {
    auto const verdict =
        judge("s", {{&run, tables(cal, table)}, {&plain, tables(single(3, 4, 20), single(3, 4, 20))}}, eval);
    std::string text;
    for (auto const& row : verdict.results)
      text += row.policy + " " + row.budget + " " + row.metric + " " + row.knobs + "\n";
    for (auto const& row : verdict.curves.rows) text += row[2] + " " + row[3] + " " + row[5] + " " + row[6] + "\n";
    return text;
  };
  auto permuted = test_rows;
  permuted.label = {1, 0, 1, 1};
  CHECK(knobs(permuted) == knobs(test_rows));
  eval.policies = {{.policy = {"exit_thresholds", R"({"fit":"ascent"})"}}};
  CHECK(knobs(permuted) == knobs(test_rows));
  auto changed = cal;
  changed.label = {0, 0, 1, 1};
  auto const verdict = judge("s", {{&run, tables(changed, test_rows)}}, rules());
  CHECK(row_of(verdict, "r", "test", "threshold", "1").knobs != "0.5");
}

TEST_CASE("an unknown policy is refused") {
  CHECK_THROWS_AS(family_of({.policy = {"thresh", "{}"}}), SpecError);
  CHECK_FALSE(fitted_knobs({.policy = {"threshold", "{}"}}, cal, 0.25));
  CHECK(fitted_knobs({.policy = {"threshold", "{}"}}, cal, 1) == Knobs{0.5});
  CHECK(fitted_knobs({.policy = {"threshold", "{}"}}, cal, std::nullopt) == Knobs{2});
}

TEST_CASE("a run without heads has one operating point, whatever the rule") {
  auto const alone = run_of("alone");
  auto const plain = other("plain", Role::plain);
  std::vector<FinishedRun> const runs = {{.run = &alone, .table = tables(single(3, 4, 20), single(2, 4, 20))},
                                         {.run = &plain, .table = tables(single(3, 4, 20), single(2, 4, 20))}};
  for (bool const reference : {false, true}) {
    auto judged = reference ? std::vector<std::string>{"threshold", "patience", "fixed"} : names(policies());
    auto eval = rules(judged);
    eval.reference_rule = reference;
    auto const verdict = judge("s", runs, eval);
    judged.emplace_back("oracle");
    for (auto const& policy : judged) {
      INFO(policy << " " << reference);
      CHECK_FALSE(row_of(verdict, "alone", "test", policy, "0.5").value);
      for (auto const* budget : {"1", "max"}) {
        auto const& row = row_of(verdict, "alone", "test", policy, budget);
        CHECK(row.value == 0.5);
        CHECK(row.cost_fraction == 1);
        CHECK(row.exits == std::vector<int>{4});
      }
    }
    CHECK(row_of(verdict, "alone", "test", "fixed", "", "cost_at_0").value == 1);
  }
}

TEST_CASE("further test sets are judged by the knobs of cal; curves.csv has their exits alone") {
  auto const run = run_of("a"), plain = other("plain", Role::plain);
  auto const foggy = table_of({{0.3125, true, false}, {0.125, false, true}});
  auto const tables = [&](std::string const& split, Measure const&) {
    return split == "cal" ? cal : split == "test" ? test_rows : foggy;
  };
  auto const on_plain = [](std::string const& split, Measure const&) {
    return single(1, split == "fog/3" ? 2 : 4, 20);
  };
  auto const verdict = judge(
      "s",
      {{.run = &run, .table = tables, .further = {"fog/3"}}, {.run = &plain, .table = on_plain, .further = {"fog/3"}}},
      rules());
  // The knob of budget 1 on cal is 0.5: both rows go on.
  CHECK(text_of(row_of(verdict, "a", "fog/3", "threshold", "1")) == "0.5: 0.5 for 30 (1.5), left 0;2, over");
  CHECK(row_of(verdict, "a", "test", "threshold", "1").knobs == "0.5");
  CHECK(row_of(verdict, "plain", "fog/3", "", "max").value == 0.5);
  std::map<std::string, int> kinds;
  for (auto const& line : verdict.curves.rows)
    if (line[2] == "fog/3") ++kinds[line[5]];
  CHECK(kinds == std::map<std::string, int>{{"exit", 2}, {"plain", 1}});
}
