#include "core/net/net.h"

#include <set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

State take_rows(State const& state, Tensor const& rows) {
  // x.index keeps channels-last; index_select would silently drop it.
  State taken{.x = state.x.index({rows}), .side = {}, .active = {}};
  for (auto const& side : state.side) taken.side.push_back(side.index({rows}));
  if (state.active.defined()) taken.active = state.active.index({rows});
  return taken;
}

namespace {

// Registered names must hold no dot, so the parts hang below containers: stage -> stem -> ...
struct Container : torch::nn::Module {
  void add(std::string const& name, ModulePtr const& module) {
    if (module) register_module(name, module);
  }
};

void require_unique(torch::nn::Module const& net) {
  std::set<torch::nn::Module const*> seen;
  for (auto const& module : net.modules(false))
    require(seen.insert(module.get()).second, "a module is registered twice");
}

}  // namespace

ExitNet::ExitNet(Backbone backbone, std::map<std::string, Head> heads_in, ModulePtr extra_in)
    : stages(std::move(backbone.stages)),
      heads(std::move(heads_in)),
      last(std::move(backbone.last)),
      extra(std::move(extra_in)),
      channels(std::move(backbone.channels)),
      unlabelled(std::move(backbone.unlabelled)) {
  auto stage_parts = std::make_shared<Container>();
  auto head_parts = std::make_shared<Container>();
  std::set<std::string> stage_names;
  for (auto const& stage : stages) {
    require(stage_names.insert(stage.name).second, "two stages share a name");
    stage_parts->add(stage.name, stage.module);
  }
  for (auto const& [name, head] : heads) {
    require(stage_names.contains(name), "a head stands after a stage that does not exist");
    head_parts->add(name, head.module);
  }
  register_module("stage", stage_parts);
  register_module("head", head_parts);
  if (last.module) register_module("last", last.module);
  if (extra) register_module("extra", extra);
  require_unique(*this);
}

std::vector<std::string> ExitNet::exit_names() const {
  std::vector<std::string> names;
  for (auto const& stage : stages)
    if (heads.contains(stage.name)) names.push_back(stage.name);
  names.emplace_back("last");
  return names;
}

State walk(std::span<Stage const> stages, State state, std::function<bool(Stage const&, State&)> const& tap,
           std::function<void(Stage const&)> const& before) {
  for (auto const& stage : stages) {
    if (before) before(stage);
    state = stage.run(std::move(state));
    if (!tap(stage, state)) break;
  }
  return state;
}

Earlier answer_all(ExitNet const& net, State input, Taps const& taps) {
  return answer_all(net, net.stages, std::move(input), taps);
}

Earlier answer_all(ExitNet const& net, std::span<Stage const> stages, State input, Taps const& taps) {
  Earlier answers;
  bool const recording = torch::GradMode::is_enabled();
  torch::AutoGradMode trunk(recording && taps.record_trunk);
  auto const tap = [&](Stage const& stage, State& state) {
    auto const head = net.heads.find(stage.name);
    if (head == net.heads.end()) return true;
    torch::AutoGradMode record(recording);
    if (taps.before) taps.before("head." + stage.name);
    answers.push_back(head->second.run(taps.branch ? taps.branch(answers.size(), state) : state, answers));
    return true;
  };
  auto const before = [&](Stage const& stage) {
    if (taps.before) taps.before("stage." + stage.name);
  };
  auto const end = walk(stages, std::move(input), tap, before);
  if (taps.before) taps.before("last");
  answers.push_back(net.last.run(end, answers));
  return answers;
}

void set_learning(ExitNet& net, std::vector<std::string> const& prefixes) {
  net.eval();
  for (auto& item : net.named_modules())
    if (starts_with_any(item.key() + ".", prefixes)) item.value()->train(true);
  for (auto& item : net.named_parameters()) {
    bool const learns = starts_with_any(item.key(), prefixes);
    item.value().set_requires_grad(learns);
    if (!learns) item.value().mutable_grad() = Tensor();
  }
}

std::vector<std::pair<std::string, Tensor>> parameters_of(ExitNet const& net,
                                                          std::vector<std::string> const& prefixes) {
  std::vector<std::pair<std::string, Tensor>> chosen;
  for (auto const& item : net.named_parameters())
    if (starts_with_any(item.key(), prefixes)) chosen.emplace_back(item.key(), item.value());
  return chosen;
}

void place(ExitNet& net, torch::Device device) {
  net.to(device);
  for (auto& parameter : net.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.data().contiguous(torch::MemoryFormat::ChannelsLast));
  // contiguous() leaves the strides of 1x1 and depthwise kernels as they are, since both layouts fit them: on maps of
  // 1x1 no stride would then say channels-last, and convolutions would take the slow way of the other layout. Images of
  // one channel keep the plain layout, and so does their first convolution (layout_of).
  for (auto const& module : net.modules())
    if (auto* const conv = module->as<torch::nn::Conv2d>(); conv != nullptr && conv->options.in_channels() > 1) {
      auto& weight = conv->weight;
      weight.set_data(weight.data().to(weight.scalar_type(), false, false, torch::MemoryFormat::ChannelsLast));
    }
  auto const parameters = net.named_parameters();
  for (auto& [name, mask] : net.masks)
    mask = torch::empty_like(parameters[name], parameters[name].options().dtype(torch::kBool).requires_grad(false))
               .copy_(mask);
}

}  // namespace eexit
