#include "core/arch/transformer.h"

#include "core/base/error.h"

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

void require_whole_patches(std::string const& arch, int height, int width, int patch) {
  if (height % patch == 0 && width % patch == 0) return;
  auto const side = std::to_string(patch);
  throw SpecError("arch " + arch + ": images of " + std::to_string(height) + " x " + std::to_string(width) +
                  " cannot be cut into patches of " + side + " x " + side);
}

}  // namespace eexit::arch
