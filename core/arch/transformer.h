// What the transformers for images share. x_..d: the last dimension is the width.
#pragma once

#include <string>

#include "core/net/layers.h"

namespace eexit::arch {

// Linear to `inner`, exact GELU, linear back; dropout after both.
struct FeedForward : torch::nn::Module {
  FeedForward(std::int64_t width, std::int64_t inner, double dropout);
  Tensor forward(Tensor const& x_d) const;
  std::shared_ptr<Linear> up, down;
  double rate;
};

// N(0, std^2) cut at 2, not at two standard deviations: what weights of published transformers were drawn from.
void truncated_normal(Tensor const& weight, double std);

// SpecError naming the sizes where `patch` does not divide both sides.
void require_whole_patches(std::string const& arch, int height, int width, int patch);

}  // namespace eexit::arch
