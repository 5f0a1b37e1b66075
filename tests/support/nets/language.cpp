// A causal language model: one answer a token, the next one. Tokens cannot leave one by one, because those that go on
// attend to them: all answers, a fixed exit for the whole batch, and costs.
// b: batch, t: positions, d: width, k: vocabulary, r: rows (b * t).
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int vocabulary = 11, width = 12, attention_heads = 2, context = 6;

struct Embed : torch::nn::Module {
  Embed()
      : word(register_module("word", torch::nn::Embedding(vocabulary, width))),
        place(register_parameter("place", 0.1 * torch::randn({1, context, width}))) {}
  Tensor forward(Tensor const& ids_bt) { return word(ids_bt) + place; }
  torch::nn::Embedding word;
  Tensor place;
};

struct Block : torch::nn::Module {
  Block()
      : norm1(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        norm2(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        qkv(register_module("qkv", std::make_shared<Linear>(width, 3 * width))),
        out(register_module("out", std::make_shared<Linear>(width, width))),
        up(register_module("up", std::make_shared<Linear>(width, 2 * width))),
        down(register_module("down", std::make_shared<Linear>(2 * width, width))) {}
  Tensor forward(Tensor const& x_btd) {
    auto const b = x_btd.size(0), t = x_btd.size(1);
    auto const split = qkv->forward(norm1(x_btd))
                           .reshape({b, t, 3, attention_heads, width / attention_heads})
                           .permute({2, 0, 3, 1, 4});
    auto const mixed = at::scaled_dot_product_attention(split[0], split[1], split[2], {}, 0.0, /*is_causal=*/true);
    auto const y_btd = x_btd + out->forward(mixed.transpose(1, 2).reshape({b, t, width}));
    return y_btd + down->forward(torch::gelu(up->forward(norm2(y_btd))));
  }
  torch::nn::LayerNorm norm1, norm2;
  std::shared_ptr<Linear> qkv, out, up, down;
};

struct VocabularyHead : torch::nn::Module {
  VocabularyHead()
      : norm(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        linear(register_module("linear", std::make_shared<Linear>(width, vocabulary))) {}
  Tensor forward(Tensor const& x_btd) { return linear->forward(norm(x_btd)); }
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> linear;
};

Tensor every_token(Tensor const& logits_btk, State const&) { return logits_btk.flatten(0, 1); }

Tensor cross_entropy_tokens(Tensor const& logits_btk, Tensor const& target_bt, double smoothing) {
  return torch::nn::functional::cross_entropy(
      logits_btk.flatten(0, 1), target_bt.flatten(),
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone).label_smoothing(smoothing));
}

void keep_all_or_none(State& state, Earlier& earlier, Tensor const& stay) {
  auto const rows = state.x.size(0) * state.x.size(1);
  if (stay.size(0) != 0 && stay.size(0) != rows)
    throw std::logic_error("tokens cannot leave one by one: those that go on attend to them");
  if (stay.size(0) == 0) drop_samples(state, earlier, stay);
}

}  // namespace

SmallNet language() {
  Task task{.loss = cross_entropy_tokens,
            .rows = every_token,
            .labels = classify().labels,
            .predict = argmax_rows,
            .confidence = softmax_confidence,
            .keep = keep_all_or_none,
            .score = share_right};
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                net.stages.push_back(
                    plain_stage("embed", builder.add("stage.embed", [] { return std::make_shared<Embed>(); })));
                for (std::string const name : {"0", "1", "2"})
                  net.stages.push_back(
                      plain_stage(name, builder.add("stage." + name, [] { return std::make_shared<Block>(); })));
                net.last = plain_head(builder.add("last", [] { return std::make_shared<VocabularyHead>(); }));
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                for (std::string const name : {"0", "1"})
                  made.heads[name] =
                      plain_head(builder.add("head." + name, [] { return std::make_shared<VocabularyHead>(); }));
                return made;
              },
          .input =
              [](int batch, std::uint64_t seed) {
                return State{.x = integers(batch, {context}, vocabulary, seed), .side = {}, .active = {}};
              },
          .target = [](int batch, std::uint64_t seed) { return integers(batch, {context}, vocabulary, seed + 1); },
          .task = std::move(task),
          .classes = vocabulary,
          .rows_per_sample = context,
          .answer_shape = {context, vocabulary},
          .leaves_one_by_one = false};
}

}  // namespace eexit::nets
