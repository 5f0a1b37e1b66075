// Learning to weight samples (Han et al. 2022): heads as in shallow-deep networks, and a small network that gives each
// sample a weight at each exit, learned so that a step with these weights serves samples where they would exit (facts:
// methods 6). b: batch, k: exits.
#include "core/methods/l2w.h"

#include <ATen/Context.h>
#include <torch/csrc/autograd/forward_grad.h>

#include <cmath>

#include "core/base/error.h"
#include "core/methods/heads.h"

namespace eexit {

namespace {

// Share of the samples that each exit is given.
std::vector<double> shares(std::size_t exits, double p) {
  std::vector<double> q;
  double sum = 0;
  for (std::size_t k = 1; k <= exits; ++k) sum += q.emplace_back(std::pow(p / 20, static_cast<double>(k)));
  for (auto& each : q) each /= sum;
  return q;
}

Tensor meta_loss(Earlier const& answers, Tensor const& losses_bk, double p) {
  auto const rows = allocate(answers, p);
  std::vector<Tensor> means;
  for (std::size_t k = 0; k < rows.size(); ++k)
    if (rows[k].size(0) > 0) means.push_back(losses_bk.select(1, static_cast<std::int64_t>(k)).index({rows[k]}).mean());
  return torch::stack(means).mean();
}

std::vector<Tensor> gradients(Tensor const& loss, std::vector<Tensor> const& of) {
  auto made = torch::autograd::grad({loss}, of, {}, std::nullopt, false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < made.size(); ++i)
    if (!made[i].defined()) made[i] = torch::zeros_like(of[i]);
  return made;
}

// Forward-mode differentiation while it lives. Fused kernels of attention have no derivative in that mode.
class ForwardMode {
 public:
  ForwardMode()
      : flash_(at::globalContext().userEnabledFlashSDP()),
        efficient_(at::globalContext().userEnabledMemEfficientSDP()),
        cudnn_(at::globalContext().userEnabledCuDNNSDP()) {
    use(false, false, false);
    level = torch::autograd::ForwardADLevel::get_next_idx();
  }
  ForwardMode(ForwardMode const&) = delete;
  ForwardMode& operator=(ForwardMode const&) = delete;
  ~ForwardMode() {
    torch::autograd::ForwardADLevel::release_idx(level);
    use(flash_, efficient_, cudnn_);
  }
  std::uint64_t level;

 private:
  static void use(bool flash, bool efficient, bool cudnn) {
    at::globalContext().setSDPUseFlash(flash);
    at::globalContext().setSDPUseMemEfficient(efficient);
    at::globalContext().setSDPUseCuDNN(cudnn);
  }
  bool flash_, efficient_, cudnn_;
};

// How the losses of the first `rows` samples change when the learned parameters move along `direction`.
Tensor change(NextStep const& step, std::int64_t rows, std::vector<Tensor> const& direction) {
  torch::NoGradGuard no_grad;
  ForwardMode const forward;
  for (std::size_t i = 0; i < direction.size(); ++i)
    step.learned[i]._set_fw_grad(direction[i], forward.level, /*is_inplace_op=*/false);
  auto const tangent_bk = step.losses(step.answer(0, rows), 0, rows)._fw_grad(forward.level);
  require(tangent_bk.defined(), "l2w: no loss depends on what learns");
  return tangent_bk.clone();
}

}  // namespace

std::vector<Tensor> allocate(Earlier const& answers, double p) {
  auto const q = shares(answers.size(), p);
  auto const& first = answers.front().logits;
  auto left = torch::arange(first.size(0), torch::TensorOptions(torch::kInt64).device(first.device()));
  auto const all = static_cast<double>(left.size(0));
  std::vector<Tensor> rows;
  for (std::size_t k = 0; k + 1 < answers.size(); ++k) {
    auto const count = std::min(static_cast<std::int64_t>(all * q[k]), left.size(0));
    auto const surest = std::get<0>(answers[k].logits.detach().index({left}).to(torch::kFloat64).softmax(1).max(1));
    auto const order = std::get<1>(surest.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
    rows.push_back(left.index({order.narrow(0, 0, count)}));
    left = left.index({std::get<0>(order.narrow(0, count, left.size(0) - count).sort())});
  }
  rows.push_back(left);
  return rows;
}

Tensor meta_gradient(NextStep const& step, Earlier const& answers, Tensor const& weights_bk, double p) {
  auto const half = weights_bk.size(0);
  auto const losses_bk = step.losses(answers, 0, half);
  auto loss = ((weights_bk * losses_bk).mean(0) * step.weights_k).sum();
  if (step.further) loss = loss + step.further(answers);
  auto const slopes = step.look_ahead(gradients(loss, step.learned));
  auto const others = step.answer(half, step.rows);
  auto const meta = meta_loss(others, step.losses(others, half, step.rows), p);
  std::vector<Tensor> direction;
  if (meta.requires_grad()) direction = gradients(meta, step.learned);
  step.back();
  if (direction.empty()) return {};
  for (std::size_t i = 0; i < direction.size(); ++i) direction[i].mul_(slopes[i]);
  return change(step, half, direction) * step.weights_k / static_cast<double>(half);
}

namespace method {

namespace {

struct Rule {
  HeadShape head;
  int hidden = 500, layers = 1, interval = 1;
  double strength = 0.3, rate = 1e-3, p = 15;
};

// From the losses of a sample at all exits to numbers in (-1, 1), one an exit.
struct WeightNet : torch::nn::Module {
  WeightNet(std::int64_t exits, Rule const& rule) : strength(rule.strength) {
    auto width = exits;
    for (int i = 1; i <= rule.layers; ++i) {
      layers.push_back(register_module("hidden" + std::to_string(i), std::make_shared<Linear>(width, rule.hidden)));
      width = rule.hidden;
    }
    out = register_module("out", std::make_shared<Linear>(width, exits));
  }
  // Of mean 1 over samples and exits.
  Tensor weights(Tensor const& losses_bk) const {
    auto x = losses_bk;
    for (auto const& layer : layers) x = torch::relu(layer->forward(x));
    auto const raw_bk = torch::tanh(out->forward(x));
    return 1 + strength * (raw_bk - raw_bk.mean());
  }
  double strength;
  std::vector<std::shared_ptr<Linear>> layers;
  std::shared_ptr<Linear> out;
};

WeightNet const& weight_net(ExitNet const& net) { return *net.extra->as<WeightNet>(); }

Tensor weigh(ExitNet const& net, Tensor const& losses_bk, Tensor const& weights_k) {
  return ((weight_net(net).weights(losses_bk.detach()).detach() * losses_bk).mean(0) * weights_k).sum();
}

// The meta step: gradients of the weight network from what its weights of the first half do to the second.
bool before_step(ExitNet& net, NextStep const& step, Rule const& rule) {
  // A half of one sample has no batch statistics.
  if (step.number == 0 || step.number % rule.interval != 0 || step.rows < 4) return false;
  auto const half = step.rows / 2;
  auto const answers = step.answer(0, half);
  auto const weights_bk = weight_net(net).weights(step.losses(answers, 0, half).detach());
  auto const by_weight = meta_gradient(step, answers, weights_bk.detach(), rule.p);
  if (!by_weight.defined()) return false;  // all samples fell to an exit that is frozen
  (by_weight * weights_bk).sum().backward();
  return true;
}

}  // namespace

Method l2w(JsonReader& reader) {
  Rule const rule{.head = read_head(reader),
                  .hidden = reader.integer("hidden", 500, {1, 65536}, "width of the weight network's hidden layers"),
                  .layers = reader.integer("hidden_layers", 1, {1, 16}, "of the weight network"),
                  .interval = reader.integer("interval", 1, {1, 1000000}, "steps between its own steps"),
                  .strength = reader.number("strength", 0.3, {0, 0.5}, "how far weights may be from 1"),
                  .rate = reader.number("rate", 1e-3, {0, 1000}, "learning rate of the weight network, by Adam"),
                  .p = reader.number("p", 15, {1e-3, 1000},
                                     "20: samples are allocated to exits evenly; below: more to early exits")};
  reader.done();
  // Half of a batch goes through the network forward and backward (3 passes), the other half too, and the first once
  // more in forward mode (2).
  double const passes = (0.5 * 3 + 0.5 * 3 + 0.5 * 2) / rule.interval;
  return {.make_heads =
              [rule](Sites const& sites, int classes, Builder& builder) {
                auto made = plain_heads(sites, rule.head, classes, builder);
                made.extra = builder.add("extra", [&] {
                  return std::make_shared<WeightNet>(static_cast<std::int64_t>(sites.size()) + 1, rule);
                });
                return made;
              },
          .weigh = weigh,
          .own = OwnLearning{
              .optim = AdamW{.lr = rule.rate, .weight_decay = 0},
              .before_step = [rule](ExitNet& net, NextStep const& step) { return before_step(net, step, rule); },
              .passes = passes}};
}

}  // namespace method

}  // namespace eexit
