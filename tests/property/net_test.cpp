// The walk and what it gives: answers, gradients, names, and networks that do not depend on what else was built.
#include <set>

#include "tests/support/nets/nets.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr std::uint64_t seed = 3;

std::map<std::string, Tensor> copies(ExitNet const& net) {
  std::map<std::string, Tensor> all;
  for (auto const& item : net.named_parameters()) all[item.key()] = item.value().detach().clone();
  for (auto const& item : net.named_buffers()) all[item.key()] = item.value().detach().clone();
  return all;
}

std::vector<std::string> parts_in_order(ExitNet const& net) {
  std::vector<std::string> parts;
  for (auto const& stage : net.stages) {
    parts.push_back("stage." + stage.name);
    if (net.heads.contains(stage.name)) parts.push_back("head." + stage.name);
  }
  parts.emplace_back("last");
  return parts;
}

bool is_trunk(std::string const& name) { return name.starts_with("stage.") || name.starts_with("last."); }

}  // namespace

TEST_CASE("every exit gives every row a finite answer", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    auto const answers = answer_all(*net, small.input(4, seed));
    REQUIRE(answers.size() == net->exit_names().size());
    REQUIRE(answers.size() >= 3);
    CHECK(net->exit_names().back() == "last");
    for (auto const& answer : answers) {
      auto shape = small.answer_shape;
      shape.insert(shape.begin(), 4);
      CHECK(answer.logits.sizes() == c10::IntArrayRef(shape));
      CHECK(answer.logits.isfinite().all().item<bool>());
      auto const rows_rk = rows_of(small, answer.logits);
      CHECK(rows_rk.size(0) == 4 * small.rows_per_sample);
      CHECK(rows_rk.size(1) == small.classes);
      auto const loss_r = small.task.loss(answer.logits, small.target(4, seed), 0.1);
      CHECK(loss_r.sizes() == c10::IntArrayRef{4 * small.rows_per_sample});
      CHECK(loss_r.isfinite().all().item<bool>());
    }
    CHECK(small.task.labels(small.target(4, seed)).size() == static_cast<std::size_t>(4 * small.rows_per_sample));
  }
}

// Samples, not rows: pixels and tokens see others of their own sample by design, whether the task interacts or not.
TEST_CASE("a sample's answers do not depend on the batch it is in", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const input = small.input(9, seed);
    auto const order = torch::tensor({4, 1, 7}, torch::kInt64);
    auto const all = answer_all(*net, input);
    auto const some = answer_all(*net, take_rows(input, order));
    for (std::size_t k = 0; k < all.size(); ++k)
      CHECK(torch::allclose(some[k].logits, all[k].logits.index({order}), 1e-4, 1e-5));
  }
}

TEST_CASE("a token's answer does not depend on later tokens", "[net]") {
  torch::NoGradGuard no_grad;
  auto const small = small_net("language");
  auto const net = make_trained(small, seed);
  auto input = small.input(3, seed);
  auto const before = answer_all(*net, input);
  input.x = input.x.clone();
  input.x.select(1, 4).fill_(0).sub_(-1);
  auto const after = answer_all(*net, input);
  for (std::size_t k = 0; k < before.size(); ++k) {
    CHECK(torch::allclose(after[k].logits.narrow(1, 0, 4), before[k].logits.narrow(1, 0, 4), 1e-4, 1e-5));
    CHECK_FALSE(torch::allclose(after[k].logits.narrow(1, 4, 2), before[k].logits.narrow(1, 4, 2), 1e-4, 1e-5));
  }
}

TEST_CASE("answer_all equals running stage by stage", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const answers = answer_all(*net, small.input(5, seed));
    Earlier by_hand;
    auto state = small.input(5, seed);
    for (auto const& stage : net->stages) {
      state = stage.run(state);
      if (net->heads.contains(stage.name)) by_hand.push_back(net->heads.at(stage.name).run(state, by_hand));
    }
    by_hand.push_back(net->last.run(state, by_hand));
    REQUIRE(by_hand.size() == answers.size());
    for (std::size_t k = 0; k < answers.size(); ++k) CHECK(torch::equal(answers[k].logits, by_hand[k].logits));
  }
}

TEST_CASE("the walk stops when the tap says so", "[net]") {
  auto const net = make(small_net("batch_norm_cnn"), seed);
  std::vector<std::string> seen;
  walk(net->stages, small_net("batch_norm_cnn").input(1, seed), [&](Stage const& stage, State&) {
    seen.push_back(stage.name);
    return stage.name != "0";
  });
  CHECK(seen == std::vector<std::string>{"stem", "0"});
}

TEST_CASE("joint training reaches every parameter", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    set_learning(*net, {"stage.", "head.", "last.", "extra."});
    joint_loss(small, answer_all(*net, small.input(8, seed)), small.target(8, seed)).backward();
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      CHECK(item.value().grad().abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("heads learn and the frozen trunk stays the same to the bit, buffers included", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make_trained(small, seed);
    auto const before = copies(*net);
    std::vector<std::string> const learns = {"head.", "extra."};
    set_learning(*net, learns);
    std::vector<Tensor> parameters;
    for (auto const& [name, parameter] : parameters_of(*net, learns)) parameters.push_back(parameter);
    torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.01));
    std::vector<std::string> called;
    auto const answers =
        answer_all(*net, small.input(8, seed),
                   {.record_trunk = false, .before = [&](auto const& name) { called.push_back(name); }});
    CHECK(called == parts_in_order(*net));
    CHECK_FALSE(answers.back().logits.requires_grad());
    joint_loss(small, answers, small.target(8, seed)).backward();
    optimizer.step();
    int changed = 0;
    for (auto const& [name, value] : copies(*net)) {
      INFO(name);
      if (is_trunk(name)) {
        CHECK(torch::equal(value, before.at(name)));
      } else {
        CHECK_FALSE(torch::equal(value, before.at(name)));
        ++changed;
      }
    }
    CHECK(changed > 0);
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().grad().defined() != is_trunk(item.key()));
    }
  }
}

TEST_CASE("a trunk that is not recorded gets no gradient although it could learn", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    set_learning(*net, {""});
    auto const answers = answer_all(*net, small.input(8, seed), {.record_trunk = false});
    joint_loss(small, answers, small.target(8, seed)).backward();
    CHECK_FALSE(answers.back().logits.requires_grad());
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().grad().defined() != is_trunk(item.key()));
    }
  }
}

TEST_CASE("frozen heads get no gradient and stay the same to the bit while the trunk learns", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make_trained(small, seed);
    auto const before = copies(*net);
    set_learning(*net, {"stage.", "last."});
    joint_loss(small, answer_all(*net, small.input(8, seed)), small.target(8, seed)).backward();
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().grad().defined() == is_trunk(item.key()));
    }
    for (auto const& [name, value] : copies(*net)) {
      INFO(name);
      if (!is_trunk(name)) CHECK(torch::equal(value, before.at(name)));
    }
  }
}

TEST_CASE("BatchNorm statistics of what learns do move", "[net]") {
  auto const small = small_net("batch_norm_cnn");
  auto const net = make_trained(small, seed);
  auto const before = copies(*net);
  set_learning(*net, {"head.0."});
  answer_all(*net, small.input(8, seed));
  for (auto const& item : net->named_buffers()) {
    INFO(item.key());
    CHECK(torch::equal(item.value(), before.at(item.key())) != item.key().starts_with("head.0."));
  }
}

TEST_CASE("names tell the part, and no parameter is there twice", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    std::set<void const*> storages;
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      auto const& name = item.key();
      CHECK((is_trunk(name) || name.starts_with("head.") || name.starts_with("extra.")));
      CHECK(storages.insert(item.value().storage().data()).second);
    }
    CHECK(storages.size() == net->parameters().size());
    CHECK(parameters_of(*net, {""}).size() == storages.size());
    for (auto const& [name, head] : net->heads) {
      INFO(name);
      CHECK_FALSE(parameters_of(*net, {"head." + name + "."}).empty());
    }
  }
}

TEST_CASE("a module given twice is refused", "[net]") {
  auto const small = small_net("cascaded_text");
  Builder builder(seed);
  auto backbone = small.backbone(builder);
  auto heads = small.heads(builder);
  backbone.stages[2].module = backbone.stages[1].module;
  CHECK_THROWS_AS(ExitNet(backbone, heads.heads, heads.extra), std::logic_error);
  backbone = small.backbone(builder);
  heads.heads["0"].module = heads.extra;
  CHECK_THROWS_AS(ExitNet(backbone, heads.heads, heads.extra), std::logic_error);
}

TEST_CASE("a backbone has the same weights with and without heads, whatever is built first", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const with = copies(*make(small, seed));
    auto const plain = copies(*make(small, seed, false));
    // Nor on what else was drawn before.
    torch::manual_seed(99);
    Builder builder(seed);
    auto heads = small.heads(builder);
    auto const heads_first = copies(ExitNet(small.backbone(builder), heads.heads, heads.extra));
    CHECK(plain.size() < with.size());
    for (auto const& [name, value] : plain) {
      INFO(name);
      CHECK(is_trunk(name));
      CHECK(torch::equal(value, with.at(name)));
    }
    for (auto const& [name, value] : with) {
      INFO(name);
      CHECK(torch::equal(value, heads_first.at(name)));
    }
    auto const other = copies(*make(small, seed + 1, false));
    CHECK_FALSE(torch::equal(plain.begin()->second, other.begin()->second));
  }
}

TEST_CASE("placing changes layouts, not answers", "[net]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    auto const before = answer_all(*net, small.input(4, seed));
    place(*net, torch::kCPU);
    auto const after = answer_all(*net, small.input(4, seed));
    for (std::size_t k = 0; k < before.size(); ++k)
      CHECK(torch::allclose(after[k].logits, before[k].logits, 1e-4, 1e-5));
    for (auto const& parameter : net->parameters())
      if (parameter.dim() == 4) CHECK(parameter.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

TEST_CASE("taking rows keeps channels-last", "[net]") {
  auto const input = small_net("batch_norm_cnn").input(6, seed);
  REQUIRE(input.x.is_contiguous(torch::MemoryFormat::ChannelsLast));
  auto const taken = take_rows(input, torch::tensor({5, 0, 2}, torch::kInt64));
  CHECK(taken.x.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(torch::equal(taken.x[0], input.x[5]));
}

}  // namespace eexit
