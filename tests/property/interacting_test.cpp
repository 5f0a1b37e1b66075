// Rows that interact: a segmentation net whose exits shrink State.active.
#include "core/net/cost.h"
#include "core/net/early.h"
#include "tests/support/nets/script.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr std::uint64_t seed = 7;
constexpr int exits = 3;

SmallNet segmenter() { return small_net("segmenter"); }

Policy surer_than(double threshold) {
  return
      [threshold](std::span<double const> confidence, std::span<int const>) { return confidence.back() > threshold; };
}

Policy surer_than_at_first(double threshold) {
  return [threshold](std::span<double const> confidence, std::span<int const>) {
    return confidence.size() == 1 && confidence[0] > threshold;
  };
}

// Writes down `active` as each stage is entered.
std::vector<Tensor> active_at_stages(ExitNet& net, State const& input, Task const& task, Policy const& policy) {
  std::vector<Tensor> seen;
  auto const stages = net.stages;
  for (auto& stage : net.stages)
    stage.run = [&seen, run = stage.run](State state) {
      seen.push_back(state.active.defined() ? state.active.clone() : Tensor());
      return run(std::move(state));
    };
  answer_early(net, input, task, Confidence::max_probability, policy);
  net.stages = stages;
  return seen;
}

// The confidence at the first exit that a share of the pixels is below.
double quantile(SmallNet const& small, ExitNet& net, State const& input, double share) {
  auto const table = table_of(small, net, input, small.target(static_cast<int>(input.x.size(0)), seed));
  std::vector<double> values;
  for (int row = 0; row < table.rows; ++row) values.push_back(table.confidence[table.at(row, 0)]);
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// Sample 0 leaves whole at the first exit, sample 1 at the second; of the others every third pixel at each exit.
std::vector<int> script_of(int samples, int pixels) {
  std::vector<int> wanted;
  for (int row = 0; row < samples * pixels; ++row) {
    int const sample = row / pixels;
    wanted.push_back(sample < 2 ? sample : row % exits);
  }
  return wanted;
}

double share_going_on(std::vector<int> const& wanted, int exit) {
  return static_cast<double>(std::count_if(wanted.begin(), wanted.end(), [&](int at) { return at >= exit; })) /
         static_cast<double>(wanted.size());
}

}  // namespace

TEST_CASE("thresholds that never fire equal the plain pass", "[interacting]") {
  torch::NoGradGuard no_grad;
  auto const small = segmenter();
  REQUIRE(small.task.interacts);
  auto const net = make_trained(small, seed);
  auto input = small.input(3, seed);
  auto const plain = rows_of(small, answer_all(*make_trained(small, seed), input).back().logits);
  auto const early = answer_early(*net, input, small.task, Confidence::max_probability, surer_than(1));
  CHECK(torch::equal(early.logits, plain));
  // Masks of nothing change nothing either.
  input.active = torch::ones({3, 8, 8}, torch::kBool);
  auto const masked = answer_early(*net, input, small.task, Confidence::max_probability, surer_than(1));
  CHECK(torch::equal(masked.logits, plain));
  CHECK(masked.stage_share == early.stage_share);
}

TEST_CASE("masks nest", "[interacting]") {
  auto const small = segmenter();
  auto const net = make_trained(small, seed);
  int left_twice = 0;
  for (std::uint64_t sample = 0; sample < 8; ++sample) {
    auto const input = small.input(1, seed + sample);
    auto const seen = active_at_stages(*net, input, small.task, surer_than(quantile(small, *net, input, 0.5)));
    REQUIRE(seen.size() == 4);
    CHECK_FALSE(seen[0].defined());
    CHECK_FALSE(seen[1].defined());
    REQUIRE(seen[2].defined());
    REQUIRE(seen[3].defined());
    CHECK_FALSE(seen[2].all().item<bool>());
    CHECK_FALSE((seen[3] & seen[2].logical_not()).any().item<bool>());
    left_twice += !torch::equal(seen[3], seen[2]);
  }
  CHECK(left_twice > 0);
}

TEST_CASE("pixels that left keep their answer and change what others see", "[interacting]") {
  torch::NoGradGuard no_grad;
  auto const small = segmenter();
  auto const net = make_trained(small, seed);
  auto const input = small.input(4, seed);
  auto wanted = script_of(4, small.rows_per_sample);
  // One pixel of each of the first two samples goes on: nothing is dropped, so maps can be compared.
  wanted[5] = wanted[64 + 5] = exits - 1;

  // By hand: the walk, heads and the task's keep, with the answers of every exit looked at as maps.
  Earlier earlier;
  std::vector<Tensor> maps;
  auto const plain = answer_all(*net, input);
  auto const end = walk(net->stages, input, [&](Stage const& stage, State& state) {
    if (!net->heads.contains(stage.name)) return true;
    earlier.push_back(net->heads.at(stage.name).run(state, earlier));
    maps.push_back(rows_of(small, earlier.back().logits));
    int const exit = static_cast<int>(maps.size()) - 1;
    std::vector<std::int64_t> stay;
    std::int64_t position = 0;
    for (int const at : wanted) {
      if (at < exit) continue;
      if (at > exit) stay.push_back(position);
      ++position;
    }
    small.task.keep(state, earlier, torch::tensor(stay));
    return true;
  });
  maps.push_back(rows_of(small, net->last.run(end, earlier).logits));

  auto const early = answer_early(*net, input, small.task, Confidence::max_probability, scripted(wanted));
  CHECK(early.exit == wanted);
  double changed = 0;
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    auto const r = static_cast<std::int64_t>(row);
    auto const left_with = maps[static_cast<std::size_t>(wanted[row])][r];
    CHECK(torch::equal(early.logits[r], left_with));
    for (int later = wanted[row]; later < exits; ++later)
      CHECK(torch::equal(maps[static_cast<std::size_t>(later)][r], left_with));
    if (wanted[row] == exits - 1)
      changed = std::max(changed, (rows_of(small, plain.back().logits)[r] - left_with).abs().max().item<double>());
  }
  CHECK(changed > 1e-3);
}

TEST_CASE("samples whose pixels have all left are dropped without a trace", "[interacting]") {
  torch::NoGradGuard no_grad;
  auto const small = segmenter();
  auto const net = make_trained(small, seed);
  auto const input = small.input(4, seed);
  auto const wanted = script_of(4, small.rows_per_sample);
  auto const pixels = small.rows_per_sample;
  auto const together = answer_early(*net, input, small.task, Confidence::max_probability, scripted(wanted));
  CHECK(together.exit == wanted);
  for (int sample = 0; sample < 4; ++sample) {
    INFO("sample " << sample);
    auto const from = wanted.begin() + sample * pixels;
    auto const alone = answer_early(*net, part(input, sample, sample + 1), small.task, Confidence::max_probability,
                                    scripted({from, from + pixels}));
    CHECK(torch::allclose(together.logits.narrow(0, sample * pixels, pixels), alone.logits, 1e-4, 1e-5));
  }
}

TEST_CASE("cost follows the active share", "[interacting]") {
  auto const small = segmenter();
  auto const net = make_trained(small, seed);
  auto const input = small.input(6, seed);
  auto const wanted = script_of(6, small.rows_per_sample);
  auto const early = answer_early(*net, input, small.task, Confidence::max_probability, scripted(wanted));
  double const second = share_going_on(wanted, 1), third = share_going_on(wanted, 2);
  REQUIRE(second < 1);
  REQUIRE(third < second);
  std::vector<double> const stages = {1, 1, second, third}, heads = {1, second, third};
  REQUIRE(early.stage_share.size() == stages.size());
  for (std::size_t i = 0; i < stages.size(); ++i) CHECK(early.stage_share[i] == Approx(stages[i]).epsilon(1e-12));
  for (std::size_t k = 0; k < heads.size(); ++k) CHECK(early.exit_share[k] == Approx(heads[k]).epsilon(1e-12));

  auto const costs = count_cost(*net, part(input, 0, 1));
  double const expected = costs.stages[0].mac + costs.stages[1].mac + costs.heads.at("0").mac +
                          second * (costs.stages[2].mac + costs.heads.at("1").mac) +
                          third * (costs.stages[3].mac + costs.last.mac);
  CHECK(mean_cost(*net, costs, early, Convention::mac) == Approx(expected).epsilon(1e-12));

  // A stage that cannot work on part of its positions is paid in full for every sample that is still there: 4 of 6.
  net->stages[3].cost_at = {};
  auto const in_full = answer_early(*net, input, small.task, Confidence::max_probability, scripted(wanted));
  CHECK(in_full.stage_share[3] == Approx(4 / 6.0).epsilon(1e-12));
  CHECK(in_full.stage_share[2] == Approx(second).epsilon(1e-12));
}

TEST_CASE("cost falls when more pixels leave", "[interacting]") {
  auto const small = segmenter();
  auto const net = make_trained(small, seed);
  auto const input = small.input(4, seed);
  auto const costs = count_cost(*net, part(input, 0, 1));
  double before = std::numeric_limits<double>::infinity();
  long left_before = -1;
  std::vector<double> thresholds = {1};
  for (double const share : {0.75, 0.5, 0.25}) thresholds.push_back(quantile(small, *net, input, share));
  thresholds.push_back(0);
  for (double const threshold : thresholds) {
    auto const early =
        answer_early(*net, input, small.task, Confidence::max_probability, surer_than_at_first(threshold));
    double const cost = mean_cost(*net, costs, early, Convention::mac);
    long const left = std::count(early.exit.begin(), early.exit.end(), 0);
    INFO("threshold " << threshold << ": " << left << " pixels left, cost " << cost);
    CHECK(left > left_before);
    CHECK(cost < before);
    before = cost;
    left_before = left;
  }
  CHECK(left_before == 4 * small.rows_per_sample);
}

}  // namespace eexit
