// A vision transformer: patches and one class token, which heads read. b: batch, n: tokens, d: width, h: attention
// heads.
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int classes = 6, width = 16, attention_heads = 2, patch = 4, tokens = 5;

struct Embed : torch::nn::Module {
  Embed()
      : patches(register_module("patches", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, width, patch).stride(patch)))),
        token(register_parameter("token", 0.02 * torch::randn({1, 1, width}))),
        place(register_parameter("place", 0.02 * torch::randn({1, tokens, width}))) {}
  Tensor forward(Tensor const& x_bchw) {
    auto const x_bnd = patches(x_bchw).flatten(2).transpose(1, 2);
    return torch::cat({token.expand({x_bchw.size(0), 1, width}), x_bnd}, 1) + place;
  }
  torch::nn::Conv2d patches;
  Tensor token, place;
};

struct Block : torch::nn::Module {
  Block()
      : norm1(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        norm2(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        qkv(register_module("qkv", std::make_shared<Linear>(width, 3 * width))),
        out(register_module("out", std::make_shared<Linear>(width, width))),
        up(register_module("up", std::make_shared<Linear>(width, 2 * width))),
        down(register_module("down", std::make_shared<Linear>(2 * width, width))) {}
  Tensor forward(Tensor const& x_bnd) {
    auto const b = x_bnd.size(0), n = x_bnd.size(1);
    auto const split = qkv->forward(norm1(x_bnd))
                           .reshape({b, n, 3, attention_heads, width / attention_heads})
                           .permute({2, 0, 3, 1, 4});
    auto const mixed = at::scaled_dot_product_attention(split[0], split[1], split[2]);
    auto const y_bnd = x_bnd + out->forward(mixed.transpose(1, 2).reshape({b, n, width}));
    return y_bnd + down->forward(torch::gelu(up->forward(norm2(y_bnd))));
  }
  torch::nn::LayerNorm norm1, norm2;
  std::shared_ptr<Linear> qkv, out, up, down;
};

struct TokenHead : torch::nn::Module {
  TokenHead()
      : norm(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        linear(register_module("linear", std::make_shared<Linear>(width, classes))) {}
  Tensor forward(Tensor const& x_bnd) { return linear->forward(norm(x_bnd.select(1, 0))); }
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> linear;
};

// One yes-or-no question a class: binary cross-entropy, and the surest yes as confidence whatever measure is asked.
Tensor one_against_rest(Tensor const& logits_rk, Tensor const& target_r, double smoothing) {
  auto const wanted_rk =
      torch::one_hot(target_r, classes).to(logits_rk.scalar_type()) * (1 - smoothing) + smoothing / classes;
  return torch::binary_cross_entropy_with_logits(logits_rk, wanted_rk, {}, {}, at::Reduction::None).mean(1);
}

std::vector<double> surest_yes(Measure const& measure, Tensor const& logits_rk, Earlier const& earlier) {
  auto const best_r =
      (std::get<0>(logits_rk.to(torch::kFloat64).max(1)) / measure.at(earlier.size() - 1)).sigmoid().contiguous();
  return {best_r.const_data_ptr<double>(), best_r.const_data_ptr<double>() + best_r.numel()};
}

}  // namespace

SmallNet class_token() {
  auto task = classify();
  task.loss = one_against_rest;
  task.confidence = surest_yes;
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                net.stages.push_back(
                    plain_stage("embed", builder.add("stage.embed", [] { return std::make_shared<Embed>(); })));
                for (int i = 0; i < 3; ++i) {
                  auto const name = std::to_string(i);
                  net.stages.push_back(
                      plain_stage(name, builder.add("stage." + name, [] { return std::make_shared<Block>(); })));
                }
                net.last = plain_head(builder.add("last", [] { return std::make_shared<TokenHead>(); }));
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                for (std::string const name : {"0", "1"})
                  made.heads[name] =
                      plain_head(builder.add("head." + name, [] { return std::make_shared<TokenHead>(); }));
                return made;
              },
          .input =
              [](int batch, std::uint64_t seed) {
                return State{.x = normals(batch, {3, 2 * patch, 2 * patch}, seed), .side = {}, .active = {}};
              },
          .target = [](int batch, std::uint64_t seed) { return integers(batch, {}, classes, seed); },
          .task = std::move(task),
          .classes = classes,
          .answer_shape = {classes}};
}

}  // namespace eexit::nets
