#include "core/net/early.h"

#include <numeric>

#include "core/base/error.h"

namespace eexit {

namespace {

// Rows still on their way, and what the policy has seen of every row.
struct Travellers {
  std::vector<int> rows;  // numbers of the rows still computed, rising
  std::size_t exits;
  std::vector<double> confidence;  // [all rows][exits]
  std::vector<int> predicted;      // [all rows][exits]

  void start(std::size_t count) {
    rows.resize(count);
    std::iota(rows.begin(), rows.end(), 0);
    confidence.resize(count * exits);
    predicted.resize(count * exits);
  }
};

double active_share(State const& state, std::int64_t samples) {
  double const present = static_cast<double>(state.x.size(0)) / static_cast<double>(samples);
  return state.active.defined() ? present * state.active.to(torch::kFloat64).mean().item<double>() : present;
}

// A stage is paid for by the samples present, times what it costs on the positions still active.
double paid_share(Stage const& stage, State const& state, std::int64_t samples) {
  double const present = static_cast<double>(state.x.size(0)) / static_cast<double>(samples);
  if (!stage.cost_at || !state.active.defined() || present == 0) return present;
  return present * stage.cost_at(active_share(state, samples) / present);
}

}  // namespace

Answers answer_early(ExitNet const& net, State input, Task const& task, Measure const& measure, Policy const& policy) {
  torch::NoGradGuard no_grad;
  auto const samples = input.x.size(0);
  std::size_t const exits = net.exit_names().size();
  require(measure.temperature.empty() || measure.temperature.size() == exits, "one temperature an exit");
  Answers answers{.logits = {},
                  .exit = {},
                  .predicted = {},
                  .confidence = {},
                  .stage_share = std::vector<double>(net.stages.size(), 0.0),
                  .exit_share = std::vector<double>(exits, 0.0)};
  Travellers going{.rows = {}, .exits = exits, .confidence = {}, .predicted = {}};
  std::vector<Tensor> left_logits;
  std::vector<std::int64_t> left_rows;
  Earlier earlier;
  std::size_t exit = 0;
  bool first = true;

  // Lets the rows that stop at this exit leave; returns the positions of those that stay.
  auto const decide = [&](Head const& head, State const& state, bool accept_all) {
    earlier.push_back(head.run(state, earlier));
    Tensor const logits_rk = task.rows(earlier.back().logits, state);
    if (first) {
      going.start(static_cast<std::size_t>(logits_rk.size(0)));
      answers.exit.resize(going.rows.size());
      answers.predicted.resize(going.rows.size());
      answers.confidence.resize(going.rows.size());
      first = false;
    }
    require(static_cast<std::size_t>(logits_rk.size(0)) == going.rows.size(), "a task's rows lost count");
    auto const predicted = task.predict(logits_rk);
    auto const confidence = task.confidence(measure, logits_rk, earlier);
    std::vector<std::int64_t> leave, stay;
    for (std::size_t i = 0; i < going.rows.size(); ++i) {
      auto const row = static_cast<std::size_t>(going.rows[i]);
      going.confidence[row * exits + exit] = confidence[i];
      going.predicted[row * exits + exit] = predicted[i];
      bool const stops =
          accept_all || policy({&going.confidence[row * exits], exit + 1}, {&going.predicted[row * exits], exit + 1});
      if (!stops) {
        stay.push_back(static_cast<std::int64_t>(i));
        continue;
      }
      leave.push_back(static_cast<std::int64_t>(i));
      left_rows.push_back(going.rows[i]);
      answers.exit[row] = static_cast<int>(exit);
      answers.predicted[row] = predicted[i];
      answers.confidence[row] = confidence[i];
    }
    if (!leave.empty())
      left_logits.push_back(stay.empty() ? logits_rk : logits_rk.index({torch::tensor(leave).to(logits_rk.device())}));
    ++exit;
    return stay;
  };

  // Shares are of what enters a stage; before the first stage nothing has left.
  std::size_t stage_number = 0;
  if (!net.stages.empty()) answers.stage_share[0] = paid_share(net.stages[0], input, samples);
  State const end = walk(net.stages, std::move(input), [&](Stage const& stage, State& state) {
    bool goes_on = true;
    auto const head = net.heads.find(stage.name);
    if (head != net.heads.end()) {
      answers.exit_share[exit] = active_share(state, samples);
      auto const stay = decide(head->second, state, false);
      goes_on = !stay.empty();
      if (goes_on && stay.size() < going.rows.size()) {
        task.keep(state, earlier, torch::tensor(stay).to(state.x.device()));
        std::vector<int> rest;
        rest.reserve(stay.size());
        for (auto const i : stay) rest.push_back(going.rows[static_cast<std::size_t>(i)]);
        going.rows = std::move(rest);
      } else if (!goes_on) {
        going.rows.clear();
      }
    }
    if (goes_on && ++stage_number < net.stages.size())
      answers.stage_share[stage_number] = paid_share(net.stages[stage_number], state, samples);
    return goes_on;
  });
  if (first || !going.rows.empty()) {
    answers.exit_share[exits - 1] = active_share(end, samples);
    decide(net.last, end, true);
  }

  auto order = torch::empty({static_cast<std::int64_t>(left_rows.size())}, torch::kInt64);
  for (std::size_t i = 0; i < left_rows.size(); ++i) order[left_rows[i]] = static_cast<std::int64_t>(i);
  if (!left_logits.empty()) {
    auto const all = torch::cat(left_logits);
    answers.logits = all.index({order.to(all.device())});
  }
  return answers;
}

}  // namespace eexit
