// A text encoder over padded sequences. Heads are cascaded: each reads what the head before it answered and noted, and
// all use one shared projection. b: batch, t: positions, d: width, h: attention heads, k: classes.
#include "core/net/layers.h"
#include "core/tasks/classify.h"
#include "tests/support/nets/nets.h"

namespace eexit::nets {

namespace {

constexpr int classes = 4, width = 12, attention_heads = 2, longest = 7, words = 20;
enum Side { real };  // bool [b, t]: false where the sequence is padded

struct Embed : torch::nn::Module {
  Embed()
      : word(register_module("word", torch::nn::Embedding(words, width))),
        place(register_parameter("place", 0.1 * torch::randn({1, longest, width}))),
        norm(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))) {}
  Tensor forward(Tensor const& ids_bt) { return norm(word(ids_bt) + place); }
  torch::nn::Embedding word;
  Tensor place;
  torch::nn::LayerNorm norm;
};

struct Block : torch::nn::Module {
  Block()
      : norm1(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        norm2(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        qkv(register_module("qkv", std::make_shared<Linear>(width, 3 * width))),
        out(register_module("out", std::make_shared<Linear>(width, width))),
        up(register_module("up", std::make_shared<Linear>(width, 2 * width))),
        down(register_module("down", std::make_shared<Linear>(2 * width, width))) {}
  State run(State state) {
    auto const b = state.x.size(0), t = state.x.size(1);
    auto const split =
        qkv->forward(state.x).reshape({b, t, 3, attention_heads, width / attention_heads}).permute({2, 0, 3, 1, 4});
    auto const seen_b11t = state.side[real].unsqueeze(1).unsqueeze(1);
    auto const mixed = at::scaled_dot_product_attention(split[0], split[1], split[2], seen_b11t);
    auto const y_btd = norm1(state.x + out->forward(mixed.transpose(1, 2).reshape({b, t, width})));
    state.x = norm2(y_btd + down->forward(torch::gelu(up->forward(y_btd))));
    return state;
  }
  torch::nn::LayerNorm norm1, norm2;
  std::shared_ptr<Linear> qkv, out, up, down;
};

Tensor mean_of_real(State const& state) {
  auto const real_bt1 = state.side[real].unsqueeze(2).to(state.x.scalar_type());
  return (state.x * real_bt1).sum(1) / real_bt1.sum(1);
}

// From the pooled state, the answer of the head before and what it noted.
struct CascadedHead : torch::nn::Module {
  explicit CascadedHead(bool first)
      : linear(register_module("linear", std::make_shared<Linear>(width + (first ? 0 : classes + width), classes))) {}
  std::shared_ptr<Linear> linear;
};

Head cascaded(std::shared_ptr<CascadedHead> const& head, std::shared_ptr<Linear> const& shared) {
  return {head, [head, shared](State const& state, Earlier const& earlier) {
            auto memo_bd = torch::tanh(shared->forward(mean_of_real(state)));
            if (earlier.empty()) return Answer{head->linear->forward(memo_bd), memo_bd};
            auto const& before = earlier.back();
            auto const logits_bk = head->linear->forward(torch::cat({memo_bd, before.logits, before.memo}, 1));
            return Answer{logits_bk, memo_bd + before.memo};
          }};
}

struct Pooler : torch::nn::Module {
  Pooler()
      : dense(register_module("dense", std::make_shared<Linear>(width, width))),
        linear(register_module("linear", std::make_shared<Linear>(width, classes))) {}
  std::shared_ptr<Linear> dense, linear;
};

// Confidence in the mean of all exits' probabilities so far, each at its own temperature: it sees earlier answers.
std::vector<double> confidence_of_mean(Measure const& measure, Tensor const&, Earlier const& earlier) {
  auto sum_rk = torch::zeros_like(earlier.front().logits, torch::kFloat64);
  for (std::size_t exit = 0; exit < earlier.size(); ++exit)
    sum_rk += (earlier[exit].logits.to(torch::kFloat64) / measure.at(exit)).softmax(1);
  return softmax_confidence(measure.kind, (sum_rk / static_cast<double>(earlier.size())).log(), {});
}

State padded(int batch, std::uint64_t seed) {
  auto const ids_bt = integers(batch, {longest}, words, seed);
  auto const length_b1 = integers(batch, {1}, longest, seed + 1) + 1;
  auto const real_bt = torch::arange(longest).unsqueeze(0) < length_b1;
  return {.x = ids_bt.masked_fill(real_bt.logical_not(), 0), .side = {real_bt}, .active = {}};
}

}  // namespace

SmallNet cascaded_text() {
  auto task = classify();
  task.confidence = confidence_of_mean;
  return {.backbone =
              [](Builder& builder) {
                Backbone net;
                net.stages.push_back(
                    plain_stage("embed", builder.add("stage.embed", [] { return std::make_shared<Embed>(); })));
                for (int i = 0; i < 4; ++i) {
                  auto const name = std::to_string(i);
                  auto block = builder.add("stage." + name, [] { return std::make_shared<Block>(); });
                  net.stages.push_back({.name = name, .module = block, .run = [block](State state) {
                                          return block->run(std::move(state));
                                        }});
                }
                auto pooler = builder.add("last", [] { return std::make_shared<Pooler>(); });
                net.last = {pooler, [pooler](State const& state, Earlier const&) {
                              auto const pooled_bd = torch::tanh(pooler->dense->forward(mean_of_real(state)));
                              return Answer{pooler->linear->forward(pooled_bd), {}};
                            }};
                return net;
              },
          .heads =
              [](Builder& builder) {
                Heads made;
                auto shared = builder.add("extra", [] { return std::make_shared<Linear>(width, width); });
                made.extra = shared;
                for (std::string const name : {"0", "1", "2"})
                  made.heads[name] = cascaded(
                      builder.add("head." + name, [&] { return std::make_shared<CascadedHead>(name == "0"); }), shared);
                return made;
              },
          .input = padded,
          .target = [](int batch, std::uint64_t seed) { return integers(batch, {}, classes, seed); },
          .task = std::move(task),
          .classes = classes,
          .answer_shape = {classes}};
}

}  // namespace eexit::nets
