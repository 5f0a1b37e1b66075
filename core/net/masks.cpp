#include "core/net/masks.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/net/layers.h"

namespace eexit {

namespace {

using Parameters = std::vector<std::pair<std::string, Tensor>>;

bool may_change(std::string const& name, Prune const& prune) {
  return starts_with_any(name, prune.within) && !starts_with_any(name, prune.without);
}

// What goes with a channel: what writes it, with its bias, and the norm over it.
std::vector<std::string> parameters_of(Channels const& group) {
  std::vector<std::string> names;
  for (auto const* modules : {&group.written, &group.scaled})
    for (auto const& module : *modules)
      for (auto const* part : {".weight", ".bias"}) names.push_back(module + part);
  return names;
}

}  // namespace

Parameters layers_of(ExitNet const& net) {
  std::vector<std::string> order;
  for (auto const& stage : net.stages)
    for (auto const* kind : {"stage.", "head."}) order.push_back(kind + stage.name + ".");
  order.emplace_back("last.");
  std::vector<Parameters> by_part(order.size());
  for (auto const& item : net.named_modules()) {
    auto const& module = *item.value();
    auto const* conv = module.as<torch::nn::Conv2d>();
    auto const* linear = module.as<Linear>();
    if (conv == nullptr && linear == nullptr) continue;
    auto const name = item.key() + ".weight";
    auto const part =
        std::find_if(order.begin(), order.end(), [&](auto const& prefix) { return name.starts_with(prefix); });
    if (part != order.end())
      by_part[static_cast<std::size_t>(part - order.begin())].emplace_back(name, conv ? conv->weight : linear->weight);
  }
  Parameters all;
  for (auto const& part : by_part) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Parameters prunable(ExitNet const& net, Prune const& prune) {
  auto layers = layers_of(net);
  std::erase_if(layers, [&](auto const& layer) { return !may_change(layer.first, prune); });
  return layers;
}

std::vector<Channels> prunable_channels(ExitNet const& net, Prune const& prune) {
  std::vector<Channels> groups;
  for (auto const& group : net.channels) {
    bool const all = std::all_of(group.written.begin(), group.written.end(),
                                 [&](auto const& module) { return may_change(module + ".weight", prune); });
    if (all) groups.push_back(group);
  }
  return groups;
}

void add_masks(ExitNet& net, Prune const& prune) {
  std::vector<std::string> names;
  if (prune.by == Prune::By::channels)
    for (auto const& group : prunable_channels(net, prune))
      for (auto& name : parameters_of(group)) names.push_back(std::move(name));
  else
    for (auto const& [name, weight] : prunable(net, prune)) names.push_back(name);
  auto const parameters = net.named_parameters();
  for (auto const& name : names) {
    auto const* parameter = parameters.find(name);
    if (parameter != nullptr && !net.masks.contains(name))
      net.masks[name] = torch::ones_like(*parameter, parameter->options().dtype(torch::kBool).requires_grad(false));
  }
}

void hold_masks(ExitNet& net) {
  torch::NoGradGuard no_grad;
  auto parameters = net.named_parameters();
  for (auto const& [name, mask] : net.masks) parameters[name].mul_(mask);
}

}  // namespace eexit
