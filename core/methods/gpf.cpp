// Global past-future early exit (Liao et al. 2021), as its authors' code has it (facts: methods 4). b: batch, d: width
// of a state, h: heads, k: classes.
#include <cmath>

#include "core/base/error.h"
#include "core/methods/heads.h"

namespace eexit::method {

namespace {

// What all exits share: imitators of states to come, and the projections of states to logits and to a gate.
struct Shared : torch::nn::Module {
  Shared(Sites const& sites, std::int64_t width, int classes)
      : heads(static_cast<std::int64_t>(sites.size())), d(width) {
    // The first state is nobody's future.
    for (std::size_t j = 1; j < sites.size(); ++j)
      imitators.push_back(register_module("imitator_" + sites[j].first, std::make_shared<Linear>(width, width)));
    double const deviation = 1 / std::sqrt(static_cast<double>(width));
    auto const add = [&](std::string const& name) {
      return std::pair(register_parameter(name + "_weight", deviation * torch::randn({heads, width, classes})),
                       register_parameter(name + "_bias", torch::zeros({heads, classes})));
    };
    std::tie(value_hdk, value_hk) = add("value");
    std::tie(gate_hdk, gate_hk) = add("gate");
    mix = register_module("mix", std::make_shared<Linear>(classes, classes));
  }

  // States that exit `i` expects of the exits after it, side by side [b, (heads - 1 - i) d].
  Tensor futures(std::int64_t i, Tensor const& state_bd) const {
    std::vector<Tensor> all;
    for (auto j = i + 1; j < heads; ++j)
      all.push_back(torch::relu(imitators[static_cast<std::size_t>(j - 1)]->forward(state_bd)));
    return all.empty() ? state_bd.narrow(1, 0, 0) : torch::cat(all, 1);
  }

  // Sum of the projections of states `from` to `to` - 1, which stand side by side.
  static Tensor project(Tensor const& states, Tensor const& weight_hdk, Tensor const& bias_hk, std::int64_t from,
                        std::int64_t to) {
    auto const weight = weight_hdk.narrow(0, from, to - from).flatten(0, 1);
    return at::linear(states, weight.t()) + bias_hk.narrow(0, from, to - from).sum(0);
  }

  // past: states of exits 0 to i; future: those expected.
  Tensor logits(std::int64_t i, Tensor const& past, Tensor const& future) const {
    auto const known = project(past, value_hdk, value_hk, 0, i + 1);
    auto const gate = project(past, gate_hdk, gate_hk, 0, i + 1) / static_cast<double>(i + 1);
    auto const share = torch::sigmoid(mix->forward(torch::relu(gate)));
    if (i + 1 == heads) return share * known;
    return share * known + (1 - share) * project(future, value_hdk, value_hk, i + 1, heads);
  }

  std::int64_t heads, d;
  std::vector<std::shared_ptr<Linear>> imitators;
  Tensor value_hdk, value_hk, gate_hdk, gate_hk;
  std::shared_ptr<Linear> mix;
};

// memo of exit i: its state, then the states that it expects of the exits after it.
Answer answer(Shared& shared, std::int64_t i, Tensor const& state_bd, Earlier const& earlier, double dropout) {
  auto const d = shared.d;
  auto const futures = shared.futures(i, state_bd);
  std::vector<Tensor> past;
  for (std::int64_t j = 0; j < i; ++j)
    past.push_back(earlier[static_cast<std::size_t>(j)].memo.narrow(1, 0, d).detach());
  past.push_back(state_bd);
  // One draw for the whole sequence, as for one tensor of states.
  auto const states = torch::dropout(torch::cat({torch::cat(past, 1), futures}, 1), dropout, shared.is_training());
  auto const known = d * (i + 1);
  return {shared.logits(i, states.narrow(1, 0, known), states.narrow(1, known, futures.size(1))),
          torch::cat({state_bd, futures}, 1)};
}

// Mean over exits but the last head, and over samples and futures, of 1 - cosine between what an exit expects and what
// came; 0 with one head.
Tensor imitation(Earlier const& answers, std::int64_t d) {
  auto const heads = static_cast<std::int64_t>(answers.size()) - 1;
  auto loss = torch::zeros({}, at_least_f32(answers[0].logits).options());
  for (std::int64_t i = 0; i + 1 < heads; ++i) {
    auto const& memo = answers[static_cast<std::size_t>(i)].memo;
    std::vector<Tensor> came;
    for (auto j = i + 1; j < heads; ++j)
      came.push_back(at_least_f32(answers[static_cast<std::size_t>(j)].memo).narrow(1, 0, d).detach());
    auto const expected = at_least_f32(memo).narrow(1, d, memo.size(1) - d).reshape({memo.size(0), heads - 1 - i, d});
    auto const similar = torch::cosine_similarity(expected, torch::stack(came, 1), 2);
    loss = loss + (1 - similar).mean();
  }
  return heads > 1 ? loss / static_cast<double>(heads - 1) : loss;
}

Heads make_heads(Sites const& sites, HeadShape const& head, std::int64_t width, double dropout, int classes,
                 Builder& builder) {
  auto const shared = builder.add("extra", [&] { return std::make_shared<Shared>(sites, width, classes); });
  Heads made{.heads = {}, .extra = shared};
  for (std::size_t i = 0; i < sites.size(); ++i) {
    auto const& [name, shape] = sites[i];
    auto module = builder.add("head." + name, [&, &exit = name, &features = shape] {
      return std::make_shared<ExitHead>(exit, features, head, width);
    });
    made.heads[name] = {module, [=, number = static_cast<std::int64_t>(i)](State const& state, Earlier const& earlier) {
                          return answer(*shared, number, torch::relu(module->forward(state.x)), earlier, dropout);
                        }};
  }
  return made;
}

}  // namespace

Method gpf(JsonReader& reader) {
  auto const head = read_head(reader);
  auto const width = reader.integer("state_width", 128, {1, 65536}, "numbers in the state of an exit");
  auto const dropout = reader.number("dropout", 0, {0, 0.99}, "of states, in training");
  reader.done();
  return {.make_heads = [=](Sites const& sites, int classes,
                            Builder& builder) { return make_heads(sites, head, width, dropout, classes, builder); },
          // Exit k of K has the weight k / (K (K + 1) / 2).
          .weigh =
              [](ExitNet const&, Tensor const& losses_bk, Tensor const& weights_k) {
                auto const depth = torch::arange(1, losses_bk.size(1) + 1, losses_bk.options());
                return (losses_bk.mean(0) * depth).sum() / depth.sum() * weights_k.sum();
              },
          .extra_loss = [width](Earlier const& answers) { return imitation(answers, width); },
          .own_weights = true};
}

}  // namespace eexit::method
