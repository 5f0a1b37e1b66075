// The fused optimisers against torch::optim, on what trips them up: a channels-last parameter with an NCHW gradient.
#include "core/execute/optimizer.h"
#include "core/base/error.h"
#include "core/net/weights.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

using Named = std::vector<std::pair<std::string, Tensor>>;

// A convolution's weight, a vector, and a matrix.
Named parameters() {
  torch::manual_seed(1);
  Named made = {{"conv.weight", torch::randn({4, 3, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast)},
                {"conv.bias", torch::randn({4})},
                {"linear.weight", torch::randn({5, 4})}};
  for (auto& [name, parameter] : made) parameter.set_requires_grad(true);
  return made;
}

void set_gradients(Named& parameters, int step) {
  torch::manual_seed(static_cast<std::uint64_t>(100 + step));
  for (auto& [name, parameter] : parameters) {
    auto const gradient = torch::randn(parameter.sizes());
    REQUIRE(gradient.is_contiguous());
    parameter.mutable_grad() = gradient;
  }
}

double rate(int step) { return 0.05 / (1 + step); }

struct Variant {
  std::string name;
  Optim rule;
};

std::vector<Variant> variants() {
  return {{"sgd", Sgd{.momentum = 0, .weight_decay = 0}},
          {"sgd, weight decay", Sgd{.momentum = 0, .weight_decay = 0.02}},
          {"sgd, momentum", Sgd{.momentum = 0.9, .weight_decay = 0}},
          {"sgd, nesterov", Sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 0.02}},
          {"sgd, norms not decayed", Sgd{.momentum = 0.9, .weight_decay = 0.02, .decay_norms = false}},
          {"adamw", AdamW{.weight_decay = 0.1}},
          {"adamw, norms not decayed", AdamW{.weight_decay = 0.1, .decay_norms = false}}};
}

// The same rule from torch::optim, vectors in a group of their own.
std::unique_ptr<torch::optim::Optimizer> reference(Optim const& rule, Named const& parameters) {
  std::vector<Tensor> decayed, others;
  bool const all = std::visit([](auto const& r) { return r.decay_norms; }, rule);
  for (auto const& [name, parameter] : parameters) (all || parameter.dim() > 1 ? decayed : others).push_back(parameter);
  auto const groups = [&](auto const& options) {
    using Options = std::remove_cvref_t<decltype(options)>;
    std::vector<torch::optim::OptimizerParamGroup> made;
    made.emplace_back(decayed, std::make_unique<Options>(options));
    auto plain = std::make_unique<Options>(options);
    plain->weight_decay(0);
    if (!others.empty()) made.emplace_back(others, std::move(plain));
    return made;
  };
  if (auto const* sgd = std::get_if<Sgd>(&rule)) {
    auto const options =
        torch::optim::SGDOptions(1).momentum(sgd->momentum).nesterov(sgd->nesterov).weight_decay(sgd->weight_decay);
    // A group's 0 counts as not set and would be filled in from the defaults, so these say 0 too.
    return std::make_unique<torch::optim::SGD>(groups(options), torch::optim::SGDOptions(options).weight_decay(0));
  }
  auto const& adamw = std::get<AdamW>(rule);
  auto const options = torch::optim::AdamWOptions(1)
                           .betas(std::tuple(adamw.betas[0], adamw.betas[1]))
                           .eps(adamw.eps)
                           .weight_decay(adamw.weight_decay);
  return std::make_unique<torch::optim::AdamW>(groups(options), options);
}

void set_rate(torch::optim::Optimizer& optimizer, double value) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(value);
}

}  // namespace

TEST_CASE("20 steps equal torch::optim", "[optimizer]") {
  for (auto const& variant : variants()) {
    INFO(variant.name);
    auto mine = parameters(), theirs = parameters();
    Optimizer optimizer(variant.rule, mine);
    auto const expected = reference(variant.rule, theirs);
    for (int step = 0; step < 20; ++step) {
      set_gradients(mine, step);
      set_gradients(theirs, step);
      optimizer.step(rate(step));
      set_rate(*expected, rate(step));
      expected->step();
    }
    auto const start = parameters();
    for (std::size_t i = 0; i < mine.size(); ++i) {
      INFO(mine[i].first);
      auto const& want = theirs[i].second;
      auto const error = (mine[i].second - want).abs().max().item<double>();
      CHECK(error <= 1e-6 * want.abs().max().item<double>());
      CHECK_FALSE(torch::equal(mine[i].second, start[i].second));
    }
    CHECK(mine[0].second.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

TEST_CASE("an optimiser goes on from its state as if it had not stopped", "[optimizer]") {
  for (auto const& variant : variants()) {
    INFO(variant.name);
    auto straight = parameters(), stopped = parameters();
    Optimizer whole(variant.rule, straight);
    for (int step = 0; step < 12; ++step) {
      set_gradients(straight, step);
      whole.step(rate(step));
    }
    std::map<std::string, TensorBytes> saved;
    {
      Optimizer first_half(variant.rule, stopped);
      for (int step = 0; step < 5; ++step) {
        set_gradients(stopped, step);
        first_half.step(rate(step));
      }
      for (auto const& [name, tensor] : first_half.state()) saved[name] = to_bytes(tensor);
    }
    // As a checkpoint brings it back: contiguous, whatever it was.
    std::map<std::string, Tensor> loaded;
    for (auto const& [name, bytes] : saved) loaded[name] = from_bytes(bytes);
    Optimizer second_half(variant.rule, stopped);
    second_half.load_state(loaded);
    for (int step = 5; step < 12; ++step) {
      set_gradients(stopped, step);
      second_half.step(rate(step));
    }
    for (std::size_t i = 0; i < straight.size(); ++i) {
      INFO(straight[i].first);
      CHECK(torch::equal(straight[i].second, stopped[i].second));
    }
  }
}

TEST_CASE("a state with something missing is refused by name", "[optimizer]") {
  for (Optim const& rule : {Optim(Sgd{}), Optim(AdamW{})}) {
    auto mine = parameters();
    Optimizer optimizer(rule, mine);
    set_gradients(mine, 0);
    optimizer.step(0.1);
    auto const state = optimizer.state();
    REQUIRE(state.size() > mine.size());
    for (auto const& [name, tensor] : state) {
      INFO(name);
      auto damaged = state;
      damaged.erase(name);
      auto fresh = parameters();
      Optimizer other(rule, fresh);
      auto const message = test::message_of<RunError>([&] { other.load_state(damaged); });
      INFO(message);
      CHECK(message.find(name) != std::string::npos);
    }
  }
}

TEST_CASE("clipping bounds the joint norm and leaves small gradients alone", "[optimizer]") {
  auto mine = parameters();
  Optimizer optimizer(Sgd{}, mine);
  set_gradients(mine, 0);
  double squares = 0;
  for (auto const& [name, parameter] : mine) squares += parameter.grad().square().sum().item<double>();
  auto const before = mine[0].second.grad().clone();
  optimizer.clip(2 * std::sqrt(squares));
  CHECK(torch::allclose(mine[0].second.grad(), before, 1e-6, 0));
  optimizer.clip(0.5);
  squares = 0;
  for (auto const& [name, parameter] : mine) squares += parameter.grad().square().sum().item<double>();
  CHECK(std::sqrt(squares) == Approx(0.5).epsilon(1e-4));
  optimizer.zero_grad();
  for (auto const& [name, parameter] : mine) CHECK_FALSE(parameter.grad().defined());
}

}  // namespace eexit
