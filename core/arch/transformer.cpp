#include "core/arch/transformer.h"

namespace eexit::arch {

FeedForward::FeedForward(std::int64_t width, std::int64_t inner, double dropout)
    : up(register_module("up", std::make_shared<Linear>(width, inner))),
      down(register_module("down", std::make_shared<Linear>(inner, width))),
      rate(dropout) {}

Tensor FeedForward::forward(Tensor const& x_d) const {
  auto const inner = torch::dropout(torch::gelu(up->forward(x_d)), rate, is_training());
  return torch::dropout(down->forward(inner), rate, is_training());
}

void truncated_normal(Tensor const& weight, double std) {
  torch::NoGradGuard no_grad;
  Tensor(weight).normal_(0, std).clamp_(-2, 2);
}

std::string text_of(std::int64_t height, std::int64_t width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

}  // namespace eexit::arch
