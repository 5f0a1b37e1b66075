// Zero Time Waste (Wołczyk et al. 2021): cascading heads, then an ensemble of them trained on the frozen cascade
// (facts: methods 5). b: batch, j: heads so far, k: classes.
#include "core/methods/heads.h"
#include "core/plan/kinds.h"

namespace eexit::method {

namespace {

struct Cascade {
  HeadShape head;
  bool layer_norm = true, detach = true;
};

// A head that also reads the logits of the one before it.
struct CascadingHead : torch::nn::Module {
  CascadingHead(std::string const& exit, Shape const& shape, Cascade const& rule, bool first, int classes)
      : detach(rule.detach) {
    head = register_module("head", std::make_shared<ExitHead>(exit, shape, rule.head, classes, first ? 0 : classes));
    if (!first && rule.layer_norm)
      norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({classes})));
  }
  // before_bk: undefined at the first head.
  Tensor forward(Tensor const& x, Tensor const& before_bk) {
    if (!before_bk.defined()) return head->forward(x);
    auto const given = detach ? before_bk.detach() : before_bk;
    return head->forward(x, norm ? norm(given) : given);
  }
  bool detach;
  std::shared_ptr<ExitHead> head;
  torch::nn::LayerNorm norm{nullptr};
};

// An answer's memo: the head's own logits, which heads after it read whatever is answered; behind them, once there is
// an ensemble, their log-probabilities.
Heads make_heads(Sites const& sites, Cascade const& rule, int classes, Builder& builder) {
  Heads made;
  for (auto const& [name, shape] : sites) {
    bool const first = made.heads.empty();
    auto module = builder.add("head." + name, [&, &exit = name, &features = shape] {
      return std::make_shared<CascadingHead>(exit, features, rule, first, classes);
    });
    made.heads[name] = {module, [module, classes](State const& state, Earlier const& earlier) {
                          auto const before = earlier.empty() ? Tensor() : earlier.back().memo.narrow(1, 0, classes);
                          auto const logits = module->forward(state.x, before);
                          return Answer{logits, logits};
                        }};
  }
  return made;
}

// Combines the log-probabilities of an exit's head and of those before it.
struct Ensemble : torch::nn::Module {
  Ensemble(std::int64_t heads, int classes, bool by_geometry) : geometric(by_geometry) {
    weight_j = register_parameter("weight", 0.01 * torch::randn({heads}));
    bias_k = register_parameter("bias", torch::zeros({classes}));
  }
  Tensor forward(Tensor const& log_bjk) const {
    auto const share_j1 = weight_j.exp().unsqueeze(1);
    if (geometric) return (share_j1 * log_bjk).mean(1) + bias_k;
    // 1e-30, not the published 1e-40: a denormal that flushing to zero would turn into the logarithm of 0.
    auto const sum_bk = (share_j1 * log_bjk.exp()).sum(1) + bias_k.exp();
    return (sum_bk / sum_bk.sum(1, true) + 1e-30).log();
  }
  bool geometric;
  Tensor weight_j, bias_k;
};

struct Ensembles : torch::nn::Module {
  std::shared_ptr<Ensemble> add(std::string const& exit, std::int64_t heads, int classes, bool geometric) {
    return register_module(exit, std::make_shared<Ensemble>(heads, classes, geometric));
  }
};

void attach(Heads& heads, Sites const& sites, bool geometric, int classes, Builder& builder) {
  auto const ensembles = std::make_shared<Ensembles>();
  std::int64_t count = 0;
  for (auto const& [name, shape] : sites) {
    ++count;
    auto& head = heads.heads.at(name);
    auto const ensemble =
        builder.add("extra." + name, [&, &exit = name] { return ensembles->add(exit, count, classes, geometric); });
    head.run = [ensemble, classes, own = head.run](State const& state, Earlier const& earlier) {
      auto const logits = own(state, earlier).logits;
      auto const log_bk = torch::log_softmax(at_least_f32(logits), 1);
      std::vector<Tensor> all;
      for (auto const& answer : earlier) all.push_back(answer.memo.narrow(1, classes, classes));
      all.push_back(log_bk);
      return Answer{ensemble->forward(torch::stack(all, 1)), torch::cat({at_least_f32(logits), log_bk}, 1)};
    };
  }
  heads.extra = ensembles;
}

}  // namespace

Method ztw(JsonReader& reader) {
  Cascade const rule{.head = read_head(reader),
                     .layer_norm = reader.flag("layer_norm", true, "normalise the logits that the next head reads"),
                     .detach = reader.flag("detach", true, "no gradient from a head into the one before it")};
  auto const kind = reader.one_of("ensemble", "geometric", {"geometric", "arithmetic", "none"},
                                  "how an exit's head and those before it are combined; none: the cascade alone");
  int const epochs =
      reader.integer_where(kind != "none", "epochs", 1, {1, 1000000}, "of the ensemble, after the regime's phases");
  reader.done();
  bool const combined = kind != "none", geometric = kind == "geometric";
  return {.make_heads = [rule](Sites const& sites, int classes,
                               Builder& builder) { return make_heads(sites, rule, classes, builder); },
          .appended = Appended{.parameters = {"ensemble", "epochs"},
                               .phases =
                                   [=](TrainSpec const& spec) {
                                     std::vector<Phase> phases;
                                     if (combined) phases.push_back(appended_phase("ensemble", spec, epochs));
                                     return phases;
                                   },
                               .attach =
                                   [=](Heads& heads, Sites const& sites, int classes, Builder& builder) {
                                     if (combined) attach(heads, sites, geometric, classes, builder);
                                   }}};
}

}  // namespace eexit::method
