#include "core/net/shrink.h"

#include <algorithm>

#include "core/base/error.h"

namespace eexit {

namespace {

using Parameters = torch::OrderedDict<std::string, Tensor>;

// A parameter or buffer becomes smaller where it stands: modules hold the same tensor.
void replace(Tensor& tensor, Tensor const& smaller) {
  bool const four = smaller.dim() == 4;
  tensor.set_data(smaller.contiguous(four ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous));
}

void narrow_outputs(ExitNet& net, Parameters& tensors, std::string const& module, Tensor const& kept) {
  for (auto const* part : {".weight", ".bias", ".running_mean", ".running_var"})
    if (auto* tensor = tensors.find(module + part)) {
      replace(*tensor, tensor->data().index_select(0, kept.to(tensor->device())));
      auto const mask = net.masks.find(module + part);
      if (mask != net.masks.end()) mask->second = mask->second.index_select(0, kept.to(mask->second.device()));
    }
}

// Of each channel whether anything of it is left: whatever writes or scales it must be masked throughout, or it answers
// with what its norm adds.
Tensor left_of(ExitNet const& net, Parameters const& parameters, Channels const& group) {
  auto left_c = torch::zeros({group.count}, torch::kBool);
  for (auto const* modules : {&group.written, &group.scaled})
    for (auto const& module : *modules)
      for (auto const* part : {".weight", ".bias"}) {
        if (!parameters.contains(module + part)) continue;
        auto const mask = net.masks.find(module + part);
        if (mask == net.masks.end()) return torch::ones({group.count}, torch::kBool);
        left_c.logical_or_(mask->second.reshape({group.count, -1}).any(1).to(torch::kCPU));
      }
  return left_c;
}

}  // namespace

void narrow_inputs(Tensor& weight, Tensor const& kept_channels, std::int64_t count, std::int64_t each) {
  auto const device = weight.device();
  auto const kept = kept_channels.to(device);
  auto columns =
      (kept.unsqueeze(1) * each + torch::arange(each, torch::TensorOptions(torch::kInt64).device(device))).flatten();
  auto const further = weight.size(1) - count * each;
  require(further >= 0, "a layer reads fewer inputs than there are channels");
  if (further > 0)
    columns = torch::cat(
        {columns, torch::arange(count * each, weight.size(1), torch::TensorOptions(torch::kInt64).device(device))});
  replace(weight, weight.data().index_select(1, columns));
}

bool shrink(ExitNet& net) {
  torch::NoGradGuard no_grad;
  auto const parameters = net.named_parameters();
  auto tensors = parameters;
  for (auto const& buffer : net.named_buffers()) tensors.insert(buffer.key(), buffer.value());
  bool any = false;
  for (auto& group : net.channels) {
    auto const kept = left_of(net, parameters, group).nonzero().squeeze(1);
    if (kept.size(0) == group.count) continue;
    any = true;
    for (auto const* modules : {&group.written, &group.scaled})
      for (auto const& module : *modules) narrow_outputs(net, tensors, module, kept);
    for (auto const& module : group.read) {
      auto& weight = tensors[module + ".weight"];
      auto const before = weight.size(1);
      auto const each = weight.dim() == 2 ? before / group.count : 1;
      narrow_inputs(weight, kept, group.count, each);
      auto const own = net.masks.find(module + ".weight");
      if (own != net.masks.end()) narrow_inputs(own->second, kept, group.count, each);
    }
    for (auto const& stage : group.seen) {
      auto const head = net.heads.find(stage);
      if (head == net.heads.end()) continue;
      if (!head->second.narrow)
        throw SpecError("exit after stage " + stage +
                        ": this method's heads cannot read fewer channels; expected one "
                        "whose heads stand alone, such as sdn");
      head->second.narrow(kept, group.count);
    }
    group.count = kept.size(0);
  }
  return any;
}

}  // namespace eexit
