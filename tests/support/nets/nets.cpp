#include "tests/support/nets/nets.h"

#include "core/base/error.h"
#include "core/net/cost.h"

namespace eexit {

#define ENTRY(name) SmallNet name();
namespace nets {
#include "tests/support/nets/list.inc"
}
#undef ENTRY

std::vector<SmallNet> small_nets() {
  std::vector<SmallNet> all;
#define ENTRY(net)            \
  all.push_back(nets::net()); \
  all.back().name = #net;
#include "tests/support/nets/list.inc"
#undef ENTRY
  return all;
}

SmallNet small_net(std::string const& name) {
  for (auto& net : small_nets())
    if (net.name == name) return net;
  throw std::logic_error("no small net " + name);
}

std::shared_ptr<ExitNet> make(SmallNet const& small, std::uint64_t seed, bool with_heads) {
  Builder builder(seed);
  auto backbone = small.backbone(builder);
  auto heads = with_heads ? small.heads(builder) : Heads{};
  auto net = std::make_shared<ExitNet>(std::move(backbone), std::move(heads.heads), std::move(heads.extra));
  net->eval();
  return net;
}

std::shared_ptr<ExitNet> make_trained(SmallNet const& small, std::uint64_t seed) {
  torch::AutoGradMode record(true);
  auto net = make(small, seed);
  set_learning(*net, {""});
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  auto const input = small.input(16, seed + 1000);
  auto const target = small.target(16, seed + 1000);
  for (int step = 0; step < 6; ++step) {
    optimizer.zero_grad();
    joint_loss(small, answer_all(*net, input), target).backward();
    optimizer.step();
  }
  optimizer.zero_grad();
  net->eval();
  // So few steps leave all rows about as unsure as each other. Answers that are spread out make tests sharper.
  torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_of(*net, {"head.", "last."}))
    if (parameter.dim() > 1) Tensor(parameter).mul_(4);
  return net;
}

Tensor joint_loss(SmallNet const& small, Earlier const& answers, Tensor const& target) {
  auto total = torch::zeros({});
  for (auto const& answer : answers) total = total + small.task.loss(answer.logits, target, 0).mean();
  return total;
}

Tensor rows_of(SmallNet const& small, Tensor const& logits) {
  // Tasks look at `active` alone, and at nothing when it is undefined.
  return small.task.rows(logits, State{.x = logits, .side = {}, .active = {}});
}

ExitTable table_of(SmallNet const& small, ExitNet& net, State const& input, Tensor const& target,
                   Measure const& measure) {
  torch::NoGradGuard no_grad;
  auto const answers = answer_all(net, input);
  auto const samples = static_cast<int>(input.x.size(0));
  ExitTable table;
  table.rows = samples * small.rows_per_sample;
  table.exits = static_cast<int>(answers.size());
  auto const cells = static_cast<std::size_t>(table.rows) * answers.size();
  table.label = small.task.labels(target);
  table.predicted.resize(cells);
  table.confidence.resize(cells);
  for (int row = 0; row < table.rows; ++row) table.sample.push_back(row / small.rows_per_sample);
  Earlier so_far;
  for (int exit = 0; exit < table.exits; ++exit) {
    so_far.push_back(answers[static_cast<std::size_t>(exit)]);
    auto const logits_rk = rows_of(small, so_far.back().logits);
    auto const predicted = small.task.predict(logits_rk);
    auto const confidence = small.task.confidence(measure, logits_rk, so_far);
    for (int row = 0; row < table.rows; ++row) {
      table.predicted[table.at(row, exit)] = predicted.at(static_cast<std::size_t>(row));
      table.confidence[table.at(row, exit)] = confidence.at(static_cast<std::size_t>(row));
    }
  }
  auto const costs = count_cost(net, part(input, 0, 1));
  double so_far_cost = 0;
  for (std::size_t i = 0; i < net.stages.size(); ++i) {
    table.plain_cost += costs.stages[i].mac;
    so_far_cost += costs.stages[i].mac;
    auto const head = costs.heads.find(net.stages[i].name);
    if (head != costs.heads.end()) table.cost.push_back(so_far_cost += head->second.mac);
  }
  table.cost.push_back(so_far_cost + costs.last.mac);
  table.plain_cost += costs.last.mac;
  check(table);
  return table;
}

State part(State const& state, std::int64_t first, std::int64_t last) {
  return take_rows(state, torch::arange(first, last));
}

Tensor normals(int batch, std::vector<std::int64_t> const& shape, std::uint64_t seed) {
  std::vector<Tensor> samples;
  for (int i = 0; i < batch; ++i) {
    torch::manual_seed(seed * 1000 + static_cast<std::uint64_t>(i));
    samples.push_back(torch::randn(shape));
  }
  return torch::stack(samples);
}

Tensor integers(int batch, std::vector<std::int64_t> const& shape, std::int64_t below, std::uint64_t seed) {
  std::vector<Tensor> samples;
  for (int i = 0; i < batch; ++i) {
    torch::manual_seed(seed * 1000 + static_cast<std::uint64_t>(i));
    samples.push_back(torch::randint(below, shape));
  }
  return torch::stack(samples);
}

}  // namespace eexit
