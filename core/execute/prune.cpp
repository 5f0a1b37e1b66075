#include "core/execute/prune.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/error.h"
#include "core/base/signals.h"
#include "core/execute/timing.h"
#include "core/net/masks.h"

namespace eexit {

namespace {

using Layers = std::vector<std::pair<std::string, Tensor>>;

// |gradient x weight| of the mean loss over exits (Molchanov et al. 2017, by weight), its gradient summed over batches
// of training rows as they are, in eval mode.
std::vector<Tensor> by_gradient(ExitNet& net, Run const& run, Prune const& phase, Layers const& layers,
                                TrainSetting const& setting) {
  auto const& rows = run.splits->train;
  Random random(stream_seed(run.seed, {phase.name, std::to_string(phase.occurrence), "rows"}));
  auto const order = permutation(static_cast<int>(rows.size()), random);
  torch::AutoGradMode const record(true);
  net.eval();
  std::vector<Tensor> weights, sums;
  for (auto const& [name, weight] : layers) {
    weight.set_requires_grad(true);
    weights.push_back(weight);
    sums.push_back(torch::zeros_like(weight));
  }
  auto const size = static_cast<std::size_t>(run.train.batch);
  for (std::size_t batch = 0; batch < static_cast<std::size_t>(phase.batches); ++batch) {
    throw_if_stop_requested();
    std::vector<int> some;
    for (std::size_t i = 0; i < size; ++i)
      some.push_back(rows[static_cast<std::size_t>(order[(batch * size + i) % order.size()])]);
    auto const feed = plain_rows(setting.images)(some);
    auto const answers = answer_all(net, feed.input);
    std::vector<Tensor> losses;
    for (auto const& answer : answers) losses.push_back(setting.task.loss(answer.logits, feed.target_b, 0).mean());
    auto const gradients = torch::autograd::grad({torch::stack(losses).mean()}, weights, {}, {}, false, true);
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < sums.size(); ++i)
      if (gradients[i].defined()) sums[i].add_(gradients[i]);
  }
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i].mul_(weights[i].detach()).abs_();
  return sums;
}

// What each weight is worth, higher = kept.
std::vector<Tensor> worths(ExitNet& net, Run const& run, Prune const& phase, Layers const& layers,
                           TrainSetting const& setting) {
  if (phase.by == Prune::By::gradient) return by_gradient(net, run, phase, layers, setting);
  if (phase.by != Prune::By::random) return weight_sizes(layers);
  std::vector<Tensor> worth;
  for (auto const& [name, weight] : layers) {
    torch::manual_seed(stream_seed(run.seed, {phase.name, std::to_string(phase.occurrence), name}));
    worth.push_back(torch::rand(weight.sizes()));
  }
  return worth;
}

long alive(ExitNet const& net, std::string const& name) { return net.masks.at(name).sum().item<std::int64_t>(); }

// Masks the floor(rate x left) least of these layers' weights, all ranked together.
void mask_together(ExitNet& net, Layers const& layers, std::vector<Tensor> const& worth, double rate) {
  std::vector<Tensor> flat;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto const mask = net.masks.at(layers[i].first).to(torch::kCPU);
    auto const cpu = worth[i].to(torch::kCPU, torch::kFloat32);
    flat.push_back(
        torch::where(mask, cpu, torch::full_like(cpu, std::numeric_limits<float>::infinity())).reshape({-1}));
  }
  auto const all = torch::cat(flat);
  long left = 0;
  for (auto const& [name, weight] : layers) left += alive(net, name);
  auto const pruned = static_cast<long>(std::floor(rate * static_cast<double>(left)));
  auto const order = std::get<1>(torch::sort(all, /*stable=*/true, 0, /*descending=*/false));
  auto const keep = torch::ones_like(all, torch::kBool).index_fill_(0, order.narrow(0, 0, pruned), false);
  std::int64_t at = 0;
  for (auto const& [name, weight] : layers) {
    auto& mask = net.masks.at(name);
    mask.logical_and_(keep.narrow(0, at, weight.numel()).reshape(weight.sizes()).to(mask.device()));
    at += weight.numel();
  }
}

void refuse_empty(ExitNet const& net, Prune const& phase, Layers const& layers) {
  if (phase.allow_empty) return;
  for (auto const& [name, weight] : layers)
    if (alive(net, name) == 0)
      throw RunError(phase.name + " " + std::to_string(phase.occurrence + 1) + ": " + name +
                         " would lose its last weight; lower the rate or the rounds, spare it (without), or say "
                         "allow_empty",
                     Exit::data);
}

void choose(ExitNet& net, Run const& run, Prune const& phase, TrainSetting const& setting) {
  if (phase.by == Prune::By::channels) return mask_channels(net, phase);
  auto const layers = prunable(net, phase);
  mask_least(net, phase, worths(net, run, phase, layers, setting));
  refuse_empty(net, phase, layers);
}

}  // namespace

std::vector<Tensor> weight_sizes(std::vector<std::pair<std::string, Tensor>> const& layers) {
  std::vector<Tensor> sizes;
  for (auto const& [name, weight] : layers) sizes.push_back(weight.detach().abs());
  return sizes;
}

void mask_least(ExitNet& net, Prune const& phase, std::vector<Tensor> const& worth) {
  auto const layers = prunable(net, phase);
  if (phase.by != Prune::By::layer) return mask_together(net, layers, worth, phase.rate);
  for (std::size_t i = 0; i < layers.size(); ++i) mask_together(net, {layers[i]}, {worth[i]}, phase.rate);
}

void mask_channels(ExitNet& net, Prune const& phase) {
  auto const groups = prunable_channels(net, phase);
  auto const parameters = net.named_parameters();
  for (auto const& group : groups) {
    auto square_c = torch::zeros({group.count}, torch::kFloat64);
    for (auto const& module : group.written)
      square_c += parameters[module + ".weight"].detach().to(torch::kCPU, torch::kFloat64).flatten(1).square().sum(1);
    auto left_c = net.masks.at(group.written.front() + ".weight").flatten(1).any(1).to(torch::kCPU);
    square_c.masked_fill_(left_c.logical_not(), std::numeric_limits<double>::infinity());
    auto const left = left_c.sum().item<std::int64_t>();
    auto const pruned = static_cast<std::int64_t>(std::floor(phase.rate * static_cast<double>(left)));
    if (pruned == left)
      throw RunError(phase.name + ": channels " + group.name + " would all be removed; lower the rate", Exit::data);
    auto const order = std::get<1>(torch::sort(square_c, /*stable=*/true, 0, /*descending=*/false));
    for (auto& [name, mask] : net.masks) {
      auto const module = name.substr(0, name.rfind('.'));
      bool const own = std::count(group.written.begin(), group.written.end(), module) > 0 ||
                       std::count(group.scaled.begin(), group.scaled.end(), module) > 0;
      if (own) mask.index_fill_(0, order.narrow(0, 0, pruned).to(mask.device()), false);
    }
  }
}

TrainResult prune(ExitNet& net, Run const& run, Prune const& phase, TrainSetting const& setting) {
  double const begun = wall_seconds();
  torch::NoGradGuard no_grad;
  choose(net, run, phase, setting);
  hold_masks(net);
  double const pruned = wall_seconds() - begun;
  auto const val = measure(net, setting.task, plain_rows(setting.images), run.splits->val, run.train.batch);
  return {.seconds = wall_seconds() - begun, .step_seconds = pruned, .val = val};
}

}  // namespace eexit
