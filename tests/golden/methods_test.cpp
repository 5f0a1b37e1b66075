// Methods against an independent implementation in Python, in double precision (tests/golden/methods/make.py): logits
// of every exit, loss, and the gradient of every parameter.
#include <cmath>

#include "core/arch/arch.h"
#include "core/execute/build.h"
#include "core/execute/optimizer.h"
#include "core/execute/shaping.h"
#include "core/methods/heads.h"
#include "core/methods/l2w.h"
#include "core/net/weights.h"
#include "core/tasks/classify.h"
#include "tests/contract/readers.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr int classes = 5;
ImageShape const shape = {.channels = 1, .height = 12, .width = 12};
std::vector<std::string> const sites = {"stem", "0", "1"};

using Golden = std::map<std::string, Tensor>;

Golden golden(std::string const& name) {
  auto const path = std::string(EEXIT_TESTS_DIR) + "/golden/methods/" + name + ".safetensors";
  Golden tensors;
  for (auto const& [key, tensor] : decode_tensors(read_file(path), path, /*need_digest=*/false).tensors)
    tensors[key] = from_bytes(tensor);
  return tensors;
}

// The same formulas as in Python: nothing but results is stored.
Tensor formula(std::vector<std::int64_t> const& sizes, std::function<double(double)> const& of_index) {
  auto made = torch::empty(sizes, torch::kFloat64);
  auto* values = made.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < made.numel(); ++i) values[i] = of_index(static_cast<double>(i));
  return made;
}

double sum_of(std::string const& name) {
  double sum = 0;
  for (unsigned char const c : name) sum += c;
  return sum;
}

bool is_scale(std::string const& name) {
  for (auto const* end : {"bn1.weight", "bn2.weight", "shortcut_bn.weight", "norm.weight"})
    if (name.ends_with(end)) return true;
  return false;
}

void fill(torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  module.to(torch::kFloat64);
  for (auto& item : module.named_parameters()) {
    double const own = 0.11 * sum_of(item.key()), above = is_scale(item.key()) ? 1 : 0;
    item.value().copy_(
        formula(item.value().sizes().vec(), [&](double i) { return above + 0.4 * std::sin(0.37 * i + own); }));
  }
}

Tensor input(std::vector<std::int64_t> const& sizes) {
  return formula(sizes, [](double i) { return std::sin(1.3 * i + 0.02 * i * i); });
}

Tensor target() { return torch::tensor({1, 4, 2, 0, 3, 1}, torch::kInt64); }

// |a - b| <= 1e-5 max(|b|, 1e-3 largest), as for all numeric goldens; all of it is in double precision.
void check_close(Tensor const& ours, Tensor const& theirs) {
  REQUIRE(ours.sizes() == theirs.sizes());
  if (theirs.numel() == 0) return;
  auto const largest = theirs.abs().max().item<double>();
  auto const allowed = 1e-5 * theirs.abs().clamp_min(std::max(1e-3 * largest, 1e-12));
  CHECK(((ours.detach() - theirs).abs() <= allowed).all().item<bool>());
}

struct Subject {
  Method method;
  std::shared_ptr<ExitNet> net;
  State input = {.x = eexit::input({6, 1, 12, 12}), .side = {}, .active = {}};
};

Subject subject(std::string const& name, std::string const& params, bool appended = false) {
  Choice const choice{name, params};
  Choice const arch{"resnet", R"({"depth": 8, "width": 2})"};
  Subject made{
      .method = read_method(choice),
      .net = build_net(arch, shape, classes, 1, HeadsToBuild{.method = choice, .after = sites, .appended = appended})};
  fill(*made.net);
  set_learning(*made.net, {"stage.", "head.", "last.", "extra."});
  return made;
}

std::vector<Tensor> losses_of(Earlier const& answers) {
  std::vector<Tensor> losses;
  for (auto const& answer : answers) losses.push_back(classify().loss(answer.logits, target(), 0));
  return losses;
}

Tensor loss_of(Subject const& of, Earlier const& answers) {
  auto const losses_bk = torch::stack(losses_of(answers), 1);
  auto const weights_k =
      torch::full({losses_bk.size(1)}, 1.0 / static_cast<double>(losses_bk.size(1)), torch::kFloat64);
  auto loss = of.method.weigh ? of.method.weigh(*of.net, losses_bk, weights_k) : losses_bk.mean();
  return of.method.extra_loss ? loss + of.method.extra_loss(answers) : loss;
}

void check_logits(Earlier const& answers, Golden const& expected) {
  for (std::size_t k = 0; k < answers.size(); ++k) {
    INFO("exit " << k);
    check_close(answers[k].logits, expected.at("logits." + std::to_string(k)));
  }
}

// Parameters whose gradient the golden has, and none besides but those that start with `without`.
void check_gradients(ExitNet const& net, Golden const& expected, std::string const& prefix = "grad.",
                     std::string const& without = "none") {
  std::size_t seen = 0;
  for (auto const& item : net.named_parameters()) {
    INFO(prefix << item.key());
    auto const found = expected.find(prefix + item.key());
    if (found == expected.end()) {
      CHECK((item.key().starts_with(without) || !item.value().requires_grad()));
      continue;
    }
    ++seen;
    REQUIRE(item.value().grad().defined());
    check_close(item.value().grad(), found->second);
  }
  CHECK(seen == static_cast<std::size_t>(std::count_if(expected.begin(), expected.end(), [&](auto const& each) {
          return each.first.starts_with(prefix);
        })));
}

}  // namespace

TEST_CASE("methods agree with an independent implementation: logits, loss, every gradient", "[golden]") {
  struct Case {
    std::string file, method, params;
  };
  for (auto const& [file, method, params] :
       {Case{"sdn", "sdn", "{}"}, Case{"branchynet", "branchynet", R"({"weights": [0.5]})"},
        Case{"gpf", "gpf", R"({"state_width": 7})"}, Case{"ztw", "ztw", R"({"ensemble": "none"})"},
        Case{"l2w", "l2w", R"({"hidden": 9})"}}) {
    INFO(file);
    auto const expected = golden(file);
    auto const made = subject(method, params);
    auto const answers = answer_all(*made.net, made.input);
    check_logits(answers, expected);
    auto const loss = loss_of(made, answers);
    check_close(loss, expected.at("loss"));
    loss.backward();
    check_gradients(*made.net, expected, "grad.", method == "l2w" ? "extra." : "none");
  }
}

TEST_CASE("ensembles on a frozen cascade agree with an independent implementation", "[golden]") {
  for (std::string const kind : {"geometric", "arithmetic"}) {
    INFO(kind);
    auto const expected = golden("ztw_" + kind);
    auto const made = subject("ztw", R"({"ensemble": ")" + kind + "\"}", true);
    set_learning(*made.net, {"extra."});
    auto const answers = answer_all(*made.net, made.input);
    check_logits(answers, expected);
    auto const loss = loss_of(made, answers);
    check_close(loss, expected.at("loss"));
    loss.backward();
    check_gradients(*made.net, expected);
  }
}

TEST_CASE("heads of every shape agree with an independent implementation", "[golden]") {
  auto const expected = golden("heads");
  struct Case {
    std::string name;
    Shape features;
    HeadShape head;
  };
  std::vector<Case> cases = {{"pooled", {4, 12, 12}, {}},
                             {"average", {4, 12, 12}, {.kind = "average"}},
                             {"msdnet", {4, 12, 12}, {.kind = "msdnet", .width = 6}}};
  for (int layers = 1; layers <= 5; ++layers)
    cases.push_back({"conv" + std::to_string(layers), {4, 12, 12}, {.kind = "conv", .layers = layers}});
  for (int layers = 1; layers <= 3; ++layers)
    cases.push_back({"token" + std::to_string(layers), {5, 8}, {.kind = "token", .layers = layers, .width = 6}});
  for (auto const& [name, features, head] : cases) {
    INFO(name);
    ExitHead module("0", features, head, classes);
    fill(module);
    auto sizes = features;
    sizes.insert(sizes.begin(), 6);
    check_close(module.forward(input(sizes)), expected.at("out." + name));
  }
}

namespace {

// A step of `optimizer` to come, on the whole batch.
NextStep step_of(Subject const& of, Optimizer& optimizer, double rate, std::vector<Tensor>& before) {
  return {.number = 1,
          .rows = 6,
          .answer =
              [&of](std::int64_t first, std::int64_t last) {
                return answer_all(*of.net, take_rows(of.input, torch::arange(first, last)));
              },
          .losses =
              [](Earlier const& answers, std::int64_t first, std::int64_t last) {
                std::vector<Tensor> losses;
                for (auto const& answer : answers)
                  losses.push_back(classify().loss(answer.logits, target().narrow(0, first, last - first), 0));
                return torch::stack(losses, 1);
              },
          .weights_k = torch::full({4}, 0.25, torch::kFloat64),
          .further = [](Earlier const&) { return torch::zeros({}, torch::kFloat64); },
          .learned = optimizer.parameters(),
          .look_ahead =
              [&optimizer, rate, &before](std::vector<Tensor> const& gradients) {
                before.clear();
                for (auto const& parameter : optimizer.parameters()) before.push_back(parameter.detach().clone());
                return optimizer.look_ahead(gradients, rate);
              },
          .back =
              [&optimizer, &before] {
                torch::NoGradGuard no_grad;
                auto const parameters = optimizer.parameters();
                for (std::size_t i = 0; i < before.size(); ++i) parameters[i].detach().copy_(before[i]);
              }};
}

struct MetaCase {
  std::string name;
  Optim rule;
  double rate;
  int steps = 0;  // done before
};

std::vector<MetaCase> meta_cases() {
  return {{"sgd", Sgd{.momentum = 0, .weight_decay = 0}, 0.1},
          {"momentum", Sgd{.momentum = 0.9, .weight_decay = 5e-4}, 0.1, 1},
          {"nesterov", Sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 5e-4}, 0.1, 1},
          {"adamw", AdamW{.weight_decay = 0.05}, 0.01, 4}};
}

// State as in Python, by formula.
void fill_state(Optimizer& optimizer, int steps) {
  auto state = optimizer.state();
  for (auto& [name, value] : state) {
    if (name == "steps") {
      value = torch::tensor(static_cast<std::int64_t>(steps), torch::kInt64);
      continue;
    }
    double const own = 0.11 * sum_of(name.substr(name.find('.') + 1));
    bool const second = name.starts_with("second.");
    value = formula(value.sizes().vec(), [&](double i) {
      return second ? 1e-3 * (1.5 + std::sin(0.3 * i + own)) : 0.01 * std::cos(0.3 * i + own);
    });
  }
  optimizer.load_state(state);
}

}  // namespace

TEST_CASE("l2w's meta gradient agrees with double backward through one step of every optimiser", "[golden]") {
  auto const expected = golden("l2w");
  auto const weights_bk = formula({3, 4}, [](double i) { return 1 + 0.1 * std::sin(0.7 * i); });
  for (auto const& [name, rule, rate, steps] : meta_cases()) {
    INFO(name);
    auto const made = subject("l2w", R"({"hidden": 9})");
    Optimizer optimizer(rule, parameters_of(*made.net, {"stage.", "head.", "last."}));
    if (steps > 0) fill_state(optimizer, steps);
    std::vector<Tensor> before;
    auto const step = step_of(made, optimizer, rate, before);
    check_close(meta_gradient(step, step.answer(0, 3), weights_bk, 15), expected.at("meta_gradient." + name));
  }
}

TEST_CASE("l2w's meta gradient equals central differences", "[golden]") {
  auto const made = subject("l2w", R"({"hidden": 9})");
  for (auto const& [name, rule, rate, steps] : meta_cases()) {
    INFO(name);
    Optimizer optimizer(rule, parameters_of(*made.net, {"stage.", "head.", "last."}));
    if (steps > 0) fill_state(optimizer, steps);
    std::vector<Tensor> before;
    auto const step = step_of(made, optimizer, rate, before);
    auto const weights_bk = formula({3, 4}, [](double i) { return 1 + 0.1 * std::sin(0.7 * i); });
    auto const gradient = meta_gradient(step, step.answer(0, 3), weights_bk, 15);
    // The meta loss after a step with these weights, from the same pieces.
    auto const meta = [&](Tensor const& weights) {
      auto const loss = (weights * step.losses(step.answer(0, 3), 0, 3)).mean();
      step.look_ahead(torch::autograd::grad({loss}, step.learned));
      auto const answers = step.answer(3, 6);
      auto const losses = step.losses(answers, 3, 6);
      auto const rows = allocate(answers, 15);
      double sum = 0;
      int given = 0;
      for (std::size_t k = 0; k < rows.size(); ++k)
        if (rows[k].size(0) > 0) {
          sum += losses.select(1, static_cast<std::int64_t>(k)).index({rows[k]}).mean().item<double>();
          ++given;
        }
      step.back();
      return sum / given;
    };
    for (int n = 0; n < 3; ++n)
      for (int k = 0; k < 4; ++k) {
        constexpr double h = 1e-6;  // kinks of pooling and ReLU lie further off
        auto up = weights_bk.clone(), down = weights_bk.clone();
        up[n][k] += h;
        down[n][k] -= h;
        INFO(n << ", " << k);
        CHECK(std::abs((meta(up) - meta(down)) / (2 * h) - gradient[n][k].item<double>()) < 1e-6);
      }
  }
}

TEST_CASE("distillation and gradients at exits agree with an independent implementation", "[golden]") {
  auto const expected = golden("shaping");
  {
    auto const made = subject("sdn", "{}");
    auto const answers = answer_all(*made.net, made.input);
    check_logits(answers, expected);
    check_close(distillation({.kind = Distill::Kind::last}, answers), expected.at("loss.distill_last"));
    check_close(distillation({.kind = Distill::Kind::next}, answers), expected.at("loss.distill_next"));
    check_close(distillation({.kind = Distill::Kind::later, .weight = 3}, answers),
                3 * expected.at("loss.distill_later"));
  }
  for (auto const& [rule, prefix] :
       {std::pair(TapRule::equilibrium, "grad."), std::pair(TapRule::detached, "grad_detached.")}) {
    INFO(prefix);
    auto const made = subject("sdn", "{}");
    auto const losses =
        torch::stack(losses_of(answer_all(*made.net, made.input, {.branch = branch_of(rule, 4)})), 1).mean(0);
    (rule == TapRule::equilibrium ? losses.sum() : losses.mean()).backward();
    check_gradients(*made.net, expected, prefix, rule == TapRule::detached ? "head." : "none");
  }
}

TEST_CASE("samples of a meta half are allocated to exactly one exit each", "[golden]") {
  torch::manual_seed(3);
  Earlier answers;
  for (int k = 0; k < 4; ++k) answers.push_back({torch::randn({40, classes}), {}});
  for (double const p : {5.0, 15.0, 20.0, 30.0}) {
    auto const rows = allocate(answers, p);
    REQUIRE(rows.size() == 4);
    auto const all = std::get<0>(torch::cat(rows).sort());
    CHECK(torch::equal(all, torch::arange(40)));
    if (p == 20) CHECK(rows[0].size(0) == 10);
    if (p < 20) CHECK(rows[0].size(0) >= rows[1].size(0));
  }
}

}  // namespace eexit
