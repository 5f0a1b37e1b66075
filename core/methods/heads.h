// The small classifiers that stand at exits, shared by the methods (facts: methods 2).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/methods/method.h"
#include "core/net/layers.h"

namespace eexit {

struct HeadShape {
  std::string kind = "pooled";
  int pool = 4;      // side that pooled, conv and auto pool to
  int layers = 1;    // conv: convolutions; token: linear maps
  int width = 1024;  // token: of hidden layers; msdnet: of its convolutions, 0 for as wide as the features
};

// Reads head, pool, layers and width; `fallback`: the kind where none is written.
HeadShape read_head(JsonReader&, std::string const& fallback = "pooled");

// From features to `outputs` numbers a sample.
// pooled: mixed pooling to pool x pool, flatten, linear. average: global average pooling, linear. On features [C] both
// are the linear map alone. conv: 1 to 5 convolutions, each 3x3 without padding and after a ReLU, then as pooled.
// token: the first token, through layers - 1 hidden layers with GELU, then linear. msdnet: ConvPool, linear. auto:
// token on features [tokens, width], else pooled: one method for architectures of both kinds.
struct ExitHead : torch::nn::Module {
  // `more`: numbers a sample joined to the features before the last linear map. SpecError naming exit, head and shape
  // where the head does not fit.
  ExitHead(std::string const& exit, Shape const&, HeadShape const&, std::int64_t outputs, std::int64_t more = 0);
  Tensor forward(Tensor const& x, Tensor const& more_bm = {});
  // Reads these channels of [C, H, W] or [C] alone from now on, out of `count`.
  void narrow(Tensor const& kept, std::int64_t count);

 private:
  std::int64_t add_convolutions(std::string const& exit, Shape const&, int layers);

  HeadShape head_;
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<std::shared_ptr<Linear>> hidden_;
  std::shared_ptr<MixedPool> pool_;
  std::shared_ptr<ConvPool> features_;
  std::shared_ptr<Linear> linear_;
};

// One head a site, alone with its features: what most methods have.
Heads plain_heads(Sites const&, HeadShape const&, int classes, Builder&);

}  // namespace eexit
