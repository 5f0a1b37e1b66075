// Live early exit: the same answers, exits and costs as arithmetic on the table of all exits.
#include <numeric>

#include "core/exits/policy.h"
#include "core/net/cost.h"
#include "core/net/early.h"
#include "tests/support/nets/script.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr std::uint64_t seed = 5;

Policy policy_at(std::string const& name, Knobs const& knobs) {
  auto reader = empty_reader();
  return find(policies(), "policy", name, "test").make(reader).at(knobs);
}

std::vector<Point> threshold_points(ExitTable const& table) {
  auto reader = empty_reader();
  return find(policies(), "policy", "threshold", "test").make(reader).frontier(table);
}

// All samples, in batches of a given size.
struct Live {
  std::vector<int> exit, predicted;
  std::vector<double> confidence;
  std::vector<Tensor> logits;
  double cost = 0;
};

Live run_live(SmallNet const& small, ExitNet& net, State const& input, std::int64_t batch, Policy const& policy,
              Measure const& measure = Confidence::max_probability) {
  Live live;
  auto const samples = input.x.size(0);
  auto const costs = count_cost(net, part(input, 0, 1));
  for (std::int64_t first = 0; first < samples; first += batch) {
    auto const last = std::min(samples, first + batch);
    auto const answers = answer_early(net, part(input, first, last), small.task, measure, policy);
    live.exit.insert(live.exit.end(), answers.exit.begin(), answers.exit.end());
    live.predicted.insert(live.predicted.end(), answers.predicted.begin(), answers.predicted.end());
    live.confidence.insert(live.confidence.end(), answers.confidence.begin(), answers.confidence.end());
    live.logits.push_back(answers.logits);
    auto const share = static_cast<double>(last - first) / static_cast<double>(samples);
    live.cost += share * mean_cost(net, costs, answers, Convention::mac);
  }
  return live;
}

// Distance of the two largest logits, [row][exit]: below 1e-5 another batch size may turn the order.
std::vector<double> gaps_of(SmallNet const& small, ExitNet& net, State const& input) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> gaps;
  for (auto const& answer : answer_all(net, input)) {
    auto const two_r2 = std::get<0>(rows_of(small, answer.logits).to(torch::kFloat64).topk(2, 1));
    gaps.push_back(two_r2.select(1, 0) - two_r2.select(1, 1));
  }
  auto const all = torch::stack(gaps, 1).contiguous();
  return {all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel()};
}

struct Count {
  long compared = 0, excluded = 0;
};

// Live against simulated, but for rows within 1e-5 of the threshold or of a tie at a visited exit.
void compare(ExitTable const& table, std::vector<double> const& gaps, Outcome const& outcome, Live const& live,
             double threshold, Count& count) {
  REQUIRE(live.exit.size() == static_cast<std::size_t>(table.rows));
  double sum = 0;
  long excluded_here = 0;
  for (int row = 0; row < table.rows; ++row) {
    auto const r = static_cast<std::size_t>(row);
    sum += table.cost[static_cast<std::size_t>(live.exit[r])];
    bool clear = true;
    for (int exit = 0; exit <= outcome.exit[r]; ++exit) {
      bool const last = exit == table.exits - 1;
      clear = clear && gaps[table.at(row, exit)] > 1e-5;
      clear = clear && (last || std::abs(table.confidence[table.at(row, exit)] - threshold) > 1e-5);
    }
    ++count.compared;
    if (!clear) {
      ++excluded_here;
      continue;
    }
    INFO("row " << row);
    CHECK(live.exit[r] == outcome.exit[r]);
    CHECK(live.predicted[r] == table.predicted[table.at(row, outcome.exit[r])]);
    CHECK(live.confidence[r] == Approx(table.confidence[table.at(row, outcome.exit[r])]).margin(1e-5));
  }
  CHECK(live.cost == Approx(sum / table.rows).epsilon(1e-12));
  if (excluded_here == 0) CHECK(live.cost == Approx(outcome.cost).epsilon(1e-12));
  count.excluded += excluded_here;
}

}  // namespace

TEST_CASE("a policy that never stops gives the last exit's answers", "[early]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const input = small.input(6, seed);
    auto const early = answer_early(*net, input, small.task, Confidence::max_probability,
                                    [](std::span<double const>, std::span<int const>) { return false; });
    auto const all = answer_all(*net, input);
    CHECK(torch::equal(early.logits, rows_of(small, all.back().logits)));
    CHECK(early.predicted == small.task.predict(early.logits));
    CHECK(early.stage_share == std::vector<double>(net->stages.size(), 1.0));
    CHECK(early.exit_share == std::vector<double>(all.size(), 1.0));
  }
}

TEST_CASE("a fixed exit gives that exit's answers and pays for no more", "[early]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const input = small.input(10, seed);
    auto const all = answer_all(*net, input);
    auto const table = table_of(small, *net, input, small.target(10, seed));
    auto const gaps = gaps_of(small, *net, input);
    for (std::size_t exit = 0; exit < all.size(); ++exit) {
      INFO("exit " << exit);
      auto const policy = policy_at("fixed", {static_cast<double>(exit)});
      auto const expected = rows_of(small, all[exit].logits);
      CHECK(torch::equal(answer_early(*net, input, small.task, Confidence::max_probability, policy).logits, expected));
      auto const outcome = simulate(table, policy);
      Count count;
      for (int const batch : {1, 7, 64}) {
        INFO("batch " << batch);
        auto const live = run_live(small, *net, input, batch, policy);
        CHECK(torch::allclose(torch::cat(live.logits), expected, 1e-4, 1e-5));
        compare(table, gaps, outcome, live, -1, count);
      }
      CHECK(count.excluded == 0);
    }
  }
}

TEST_CASE("early inference equals simulation at batch 1, 7 and 64", "[early]") {
  Count count;
  for (auto const& small : small_nets()) {
    // Where rows interact, leaving changes what is left: no table of all exits can tell. Where they cannot leave one by
    // one there is nothing to compare.
    if (small.task.interacts || !small.leaves_one_by_one) continue;
    INFO(small.name);
    auto const net = make_trained(small, seed);
    auto const input = small.input(128, seed);
    auto const table = table_of(small, *net, input, small.target(128, seed));
    auto const gaps = gaps_of(small, *net, input);

    std::vector<double> thresholds;
    for (auto const& point : threshold_points(table)) {
      auto const leaving = simulate(table, policy_at("threshold", point.knobs)).leaving;
      if (std::all_of(leaving.begin(), leaving.end(), [](int rows) { return rows > 0; }))
        thresholds.push_back(point.knobs[0]);
    }
    REQUIRE(thresholds.size() >= 3);
    struct Case {
      std::string policy;
      double knob, threshold;
    };
    std::vector<Case> cases = {{"patience", 0, -1}, {"patience", 1, -1}, {"patience", 2, -1}};
    for (auto const at : {thresholds.size() / 4, thresholds.size() / 2, thresholds.size() * 3 / 4})
      cases.push_back({"threshold", thresholds[at], thresholds[at]});
    for (auto const& chosen : cases) {
      INFO(chosen.policy << " " << chosen.knob);
      auto const policy = policy_at(chosen.policy, {chosen.knob});
      auto const outcome = simulate(table, policy);
      for (int const batch : {1, 7, 64}) {
        INFO("batch " << batch);
        compare(table, gaps, outcome, run_live(small, *net, input, batch, policy), chosen.threshold, count);
      }
    }
    // Rows that left must not shift whose temperature counts.
    Measure measure(Confidence::max_probability);
    for (int exit = 0; exit < table.exits; ++exit) measure.temperature.push_back(0.5 + exit);
    auto const scaled = table_of(small, *net, input, small.target(128, seed), measure);
    CHECK(scaled.confidence != table.confidence);
    auto const points = threshold_points(scaled);
    double const threshold = points[points.size() / 2].knobs[0];
    auto const surer = policy_at("threshold", {threshold});
    for (int const batch : {1, 7, 64})
      compare(scaled, gaps, simulate(scaled, surer), run_live(small, *net, input, batch, surer, measure), threshold,
              count);
    // Else patience would be tested on rows that all do the same.
    auto const by_patience = simulate(table, policy_at("patience", {1})).leaving;
    CHECK(std::count_if(by_patience.begin(), by_patience.end(), [](int rows) { return rows > 0; }) >= 2);
  }
  WARN("early = simulated: " << count.compared << " rows compared, " << count.excluded << " of them excluded");
  CHECK(count.compared > 5000);
  CHECK(count.excluded * 1000 <= count.compared);
}

// Whatever the reason to leave: state, earlier answers and row counters must shrink alike.
TEST_CASE("rows that leave in any order keep their own answers", "[early]") {
  for (auto const& small : small_nets()) {
    if (small.task.interacts || !small.leaves_one_by_one) continue;
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const input = small.input(24, seed);
    auto const all = answer_all(*net, input);
    Random random(seed);
    std::vector<int> exits;
    for (int row = 0; row < 24; ++row) exits.push_back(random.below(static_cast<int>(all.size())));
    auto const early = answer_early(*net, input, small.task, Confidence::margin, scripted(exits));
    CHECK(early.exit == exits);
    for (std::size_t row = 0; row < exits.size(); ++row) {
      auto const r = static_cast<std::int64_t>(row);
      CHECK(torch::allclose(early.logits[r], all[static_cast<std::size_t>(exits[row])].logits[r], 1e-4, 1e-5));
    }
  }
}

TEST_CASE("tokens cannot leave one by one", "[early]") {
  auto const small = small_net("language");
  auto const net = make(small, seed);
  std::vector<int> exits(static_cast<std::size_t>(2 * small.rows_per_sample), 2);
  exits[3] = 0;
  CHECK_THROWS_AS(answer_early(*net, small.input(2, seed), small.task, Confidence::margin, scripted(exits)),
                  std::logic_error);
}

TEST_CASE("scores are of the exits taken", "[early]") {
  ExitTable table;
  table.rows = 4;
  table.exits = 2;
  table.label = {0, 0, 0, 1};
  table.predicted = {0, 1, 0, 1, 1, 0, 0, 1};
  Outcome outcome;
  outcome.exit = {0, 1, 1, 1};  // answers 0, 1, 0, 1
  CHECK(small_net("batch_norm_cnn").task.score(table, outcome) == Approx(3 / 4.0));
  CHECK(small_net("two_scale").task.score(table, outcome) == Approx((2 / 3.0 + 1) / 2));
  CHECK(small_net("segmenter").task.score(table, outcome) == Approx((2 / 3.0 + 1 / 2.0) / 2));
}

}  // namespace eexit
