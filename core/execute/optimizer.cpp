#include "core/execute/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>

#include <cmath>

#include "core/base/error.h"

namespace eexit {

namespace {

// What gradients are scaled by so that their joint L2 norm is at most this.
Tensor clipping(std::vector<Tensor> const& gradients, double largest_norm) {
  auto const norm = torch::stack(at::_foreach_norm(gradients, 2)).norm();
  return (largest_norm / (norm + 1e-6)).clamp_max(1);
}

}  // namespace

Optimizer::Optimizer(Optim const& rule, std::vector<std::pair<std::string, Tensor>> parameters,
                     std::map<std::string, Tensor> const& masks)
    : rule_(rule) {
  torch::NoGradGuard no_grad;
  bool const adamw = std::holds_alternative<AdamW>(rule);
  auto const [decay, decay_norms] =
      std::visit([](auto const& r) { return std::pair(r.weight_decay, r.decay_norms); }, rule);
  groups_.resize(2);
  groups_[0].weight_decay = decay;
  groups_[1].weight_decay = 0;
  for (auto& [name, parameter] : parameters) {
    // Norms' weights and all biases have one dimension, learned shares none.
    auto& group = groups_[parameter.dim() <= 1 && !decay_norms ? 1 : 0];
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    auto const mask = masks.find(name);
    group.masks.push_back(mask == masks.end() ? Tensor() : mask->second);
    group.first.push_back(torch::zeros_like(parameter));
    if (!adamw) continue;
    group.second.push_back(torch::zeros_like(parameter));
    group.steps.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat32)));
  }
  std::erase_if(groups_, [](Group const& group) { return group.names.empty(); });
}

void Optimizer::match_strides() {
  // The fused kernels walk memory and ignore strides: a gradient or state laid out otherwise gives wrong updates
  // silently.
  for (auto& group : groups_)
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      auto& parameter = group.parameters[i];
      auto& gradient = parameter.mutable_grad();
      if (!gradient.defined()) gradient = torch::zeros_like(parameter);
      if (gradient.strides() != parameter.strides()) gradient = torch::empty_like(parameter).copy_(gradient);
      require(group.first[i].strides() == parameter.strides(), "optimiser state and parameter differ in strides");
    }
}

void Optimizer::mask_gradients() {
  for (auto& group : groups_)
    for (std::size_t i = 0; i < group.masks.size(); ++i)
      if (auto& gradient = group.parameters[i].mutable_grad(); gradient.defined() && group.masks[i].defined())
        gradient.mul_(group.masks[i]);
}

void Optimizer::step(double rate) {
  torch::NoGradGuard no_grad;
  mask_gradients();
  match_strides();
  ++steps_;
  for (auto& group : groups_) {
    std::vector<Tensor> gradients;
    for (auto const& parameter : group.parameters) gradients.push_back(parameter.grad());
    if (auto const* sgd = std::get_if<Sgd>(&rule_)) {
      // Momentum starts from zeros, which equals starting from the first gradient without dampening.
      at::_fused_sgd_(group.parameters, gradients, sgd->momentum == 0 ? std::vector<Tensor>{} : group.first,
                      group.weight_decay, sgd->momentum, rate, /*dampening=*/0, sgd->nesterov, /*maximize=*/false,
                      /*is_first_step=*/false);
    } else {
      auto const& adamw = std::get<AdamW>(rule_);
      at::_foreach_add_(group.steps, 1);
      at::_fused_adamw_(group.parameters, gradients, group.first, group.second, {}, group.steps, rate, adamw.betas[0],
                        adamw.betas[1], group.weight_decay, adamw.eps, /*amsgrad=*/false, /*maximize=*/false);
    }
  }
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> all;
  for (auto const& group : groups_) all.insert(all.end(), group.parameters.begin(), group.parameters.end());
  return all;
}

namespace {

// In place; returns the derivative by the gradient, the same for all numbers.
Tensor look_ahead_sgd(Sgd const& rule, Tensor& parameter, Tensor const& gradient, Tensor const& momentum,
                      double weight_decay, double rate) {
  auto const g = gradient + weight_decay * parameter;
  auto const m = rule.momentum * momentum + g;
  auto const nesterov = rule.nesterov ? 1 + rule.momentum : 1.0;
  parameter.sub_(rate * (rule.nesterov ? g + rule.momentum * m : m));
  return torch::full_like(parameter, -rate * nesterov);
}

// The derivative of m / (sqrt(v) + eps) by g, with m and v the moments after this step, corrected for their start.
Tensor look_ahead_adamw(AdamW const& rule, Tensor& parameter, Tensor const& g, Tensor const& first,
                        Tensor const& second, double weight_decay, double rate, long step) {
  auto const [b1, b2] = rule.betas;
  double const start1 = 1 - std::pow(b1, step), start2 = 1 - std::pow(b2, step);
  auto const m = (b1 * first + (1 - b1) * g) / start1;
  auto const root = ((b2 * second + (1 - b2) * g * g) / start2).sqrt();
  auto const below = root + rule.eps;
  parameter.mul_(1 - rate * weight_decay).sub_(rate * m / below);
  // Where both moments are 0 so is the gradient, and the root has no derivative: the moment's alone counts.
  auto const root_by_g = torch::where(root > 0, (1 - b2) / start2 * g / root, torch::zeros_like(root));
  return -rate * ((1 - b1) / start1 / below - m / (below * below) * root_by_g);
}

}  // namespace

std::vector<Tensor> Optimizer::look_ahead(std::vector<Tensor> const& gradients, double rate,
                                          std::optional<double> largest_norm) {
  torch::NoGradGuard no_grad;
  auto masked = gradients;
  for (std::size_t at = 0; auto const& group : groups_)
    for (auto const& mask : group.masks) {
      if (mask.defined()) masked[at] = masked[at] * mask;
      ++at;
    }
  auto const factor = largest_norm ? clipping(masked, *largest_norm) : torch::ones({});
  std::vector<Tensor> slopes;
  for (auto& group : groups_)
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      auto const gradient = masked.at(slopes.size()) * factor;
      if (auto const* sgd = std::get_if<Sgd>(&rule_))
        slopes.push_back(look_ahead_sgd(*sgd, group.parameters[i], gradient, group.first[i], group.weight_decay, rate));
      else
        slopes.push_back(look_ahead_adamw(std::get<AdamW>(rule_), group.parameters[i], gradient, group.first[i],
                                          group.second[i], group.weight_decay, rate, steps_ + 1));
      slopes.back().mul_(factor);
      if (group.masks[i].defined()) slopes.back().mul_(group.masks[i]);
    }
  return slopes;
}

void Optimizer::zero_grad() {
  for (auto& group : groups_)
    for (auto& parameter : group.parameters) parameter.mutable_grad() = Tensor();
}

void Optimizer::clip(double largest_norm) {
  torch::NoGradGuard no_grad;
  mask_gradients();
  std::vector<Tensor> gradients;
  for (auto const& group : groups_)
    for (auto const& parameter : group.parameters)
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  if (gradients.empty()) return;
  at::_foreach_mul_(gradients, clipping(gradients, largest_norm));
}

std::map<std::string, Tensor> Optimizer::state() const {
  std::map<std::string, Tensor> state;
  bool const adamw = std::holds_alternative<AdamW>(rule_);
  for (auto const& group : groups_)
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      state[(adamw ? "first." : "momentum.") + group.names[i]] = group.first[i];
      if (adamw) state["second." + group.names[i]] = group.second[i];
    }
  state["steps"] = torch::tensor(steps_, torch::kInt64);
  return state;
}

void Optimizer::load_state(std::map<std::string, Tensor> const& saved) {
  torch::NoGradGuard no_grad;
  auto const get = [&](std::string const& name) {
    auto const found = saved.find(name);
    if (found == saved.end()) throw RunError("optimiser state lacks " + name);
    return found->second;
  };
  // copy_ keeps the strides of the state made like its parameter.
  auto const fill = [&](Tensor& state, std::string const& name) {
    auto const value = get(name);
    if (value.sizes() != state.sizes()) throw RunError("optimiser state " + name + " has another shape");
    state.copy_(value);
  };
  bool const adamw = std::holds_alternative<AdamW>(rule_);
  steps_ = get("steps").item<std::int64_t>();
  for (auto& group : groups_)
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      fill(group.first[i], (adamw ? "first." : "momentum.") + group.names[i]);
      if (!adamw) continue;
      fill(group.second[i], "second." + group.names[i]);
      group.steps[i].fill_(static_cast<double>(steps_));
    }
}

}  // namespace eexit
