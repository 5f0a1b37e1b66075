#include "core/execute/shaping.h"

#include "core/net/layers.h"

namespace eexit {

namespace {

// The same values; gradients on their way back are multiplied by `share`.
Tensor scaled_back(Tensor const& x, double share) {
  if (!x.requires_grad()) return x;
  auto same = x.view_as(x);
  same.register_hook([share](Tensor const& gradient) { return gradient * share; });
  return same;
}

State scaled_back(State const& state, double share) {
  State scaled{.x = scaled_back(state.x, share), .side = {}, .active = state.active};
  for (auto const& side : state.side) scaled.side.push_back(scaled_back(side, share));
  return scaled;
}

State detached(State const& state) {
  State copy{.x = state.x.detach(), .side = {}, .active = state.active};
  for (auto const& side : state.side) copy.side.push_back(side.detach());
  return copy;
}

}  // namespace

Tensor distillation(Distill const& rule, Earlier const& answers) {
  auto const exits = answers.size();
  std::vector<Tensor> logits;
  for (auto const& answer : answers) logits.push_back(at_least_f32(answer.logits));
  auto sum = torch::zeros({}, logits.front().options());
  int pairs = 0;
  for (std::size_t pupil = 0; pupil + 1 < exits; ++pupil) {
    auto const first = rule.kind == Distill::Kind::last ? exits - 1 : pupil + 1;
    auto const end = rule.kind == Distill::Kind::next ? pupil + 2 : exits;
    for (auto teacher = first; teacher < end; ++teacher, ++pairs)
      sum = sum - (logits[teacher].detach().softmax(1) * logits[pupil].log_softmax(1)).sum(1).mean();
  }
  return pairs > 0 ? sum * (rule.weight / pairs) : sum;
}

std::function<State(std::size_t, State&)> branch_of(TapRule taps, std::size_t exits) {
  switch (taps) {
    case TapRule::plain:
      return {};
    case TapRule::detached:
      return [](std::size_t, State const& onward) { return detached(onward); };
    case TapRule::equilibrium:
      break;
  }
  return [exits](std::size_t exit, State& onward) {
    auto const later = static_cast<double>(exits - exit - 1);
    auto const head = scaled_back(onward, 1 / (later + 1));
    onward = scaled_back(onward, later / (later + 1));
    return head;
  };
}

}  // namespace eexit
