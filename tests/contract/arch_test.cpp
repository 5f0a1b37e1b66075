// What every architecture promises, with the heads of every method on it. Small instances and the images they take are
// listed by tests/golden/arch/<name>.json, "contract"; without, the default at both of these shapes.
#include <algorithm>
#include <set>

#include "core/arch/arch.h"
#include "core/methods/method.h"
#include "core/net/cost.h"
#include "tests/contract/contract.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr int classes = 7;

// Heads of `method` at every stage that may carry one: all but the last.
std::shared_ptr<ExitNet> build(MakeBackbone const& backbone, Method const* method, ImageShape const& shape,
                               std::uint64_t seed) {
  Builder builder(seed);
  auto parts = backbone(shape, classes, builder);
  Heads made;
  if (method != nullptr) {
    auto const after = shapes_after(parts.stages, blank_images(shape));
    Sites sites;
    for (std::size_t i = 0; i + 1 < parts.stages.size(); ++i)
      sites.emplace_back(parts.stages[i].name, after.at(parts.stages[i].name));
    made = method->make_heads(sites, classes, builder);
  }
  auto net = std::make_shared<ExitNet>(std::move(parts), made.heads, made.extra);
  net->eval();
  return net;
}

State images(ImageShape const& shape, int rows) {
  torch::manual_seed(17);
  return {
      .x =
          torch::randn({rows, shape.channels, shape.height, shape.width}).contiguous(torch::MemoryFormat::ChannelsLast),
      .side = {},
      .active = {}};
}

// A method with its own heads, or where these need other features than the architecture has, and say so, those that
// fit.
Method method_for(Entry<MethodMaker> const& entry, MakeBackbone const& backbone, ImageShape const& shape) {
  for (std::string const heads : {"{}", R"({"head": "auto"})"}) {
    auto reader = reader_of(heads);
    auto method = entry.make(reader);
    try {
      build(backbone, &method, shape, 1);
      return method;
    } catch (SpecError const& error) {
      CHECK(std::string(error.what()).starts_with("exit after stage stem: head "));
    }
  }
  throw std::logic_error("no kind of head fits");
}

// Calls check(net, shape, method) for every architecture, method and shape.
template <class Check>
void for_every_net(Check const& check) {
  for (auto const& arch : archs()) {
    auto const contract = contract_of(arch.name);
    for (auto const& entry : methods()) {
      for (auto const& shape : contract.shapes) {
        INFO(arch.name << " with " << entry.name << " at " << shape.channels << "x" << shape.height);
        auto reader = reader_of(contract.arch);
        auto const backbone = arch.make(reader);
        auto const method = method_for(entry, backbone, shape);
        check(*build(backbone, &method, shape, 1), shape, method);
      }
    }
  }
}

// Nothing flows back through weights that are all zero, as some architectures start their classifiers.
void move_zeros(ExitNet& net) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(18);
  for (auto const& value : net.parameters())
    if (value.dim() > 1 && value.abs().max().item<double>() == 0) Tensor(value).normal_(0, 0.1);
}

// What the losses of the exits do not reach: what a method learns by its own rule, and the last part of a network that
// learns without labels, which its own loss reaches.
bool by_own_rule(ExitNet const& net, Method const& method, std::string const& name) {
  return (method.own && name.starts_with("extra.")) || (net.unlabelled.loss && name.starts_with("last."));
}

}  // namespace

TEST_CASE("architectures and methods refuse what they do not know", "[contract]") {
  check_refusals(archs());
  check_refusals(methods());
}

TEST_CASE("every exit of every architecture and method gives finite answers", "[contract]") {
  for_every_net([](ExitNet& net, ImageShape const& shape, Method const&) {
    torch::NoGradGuard no_grad;
    auto const answers = answer_all(net, images(shape, 5));
    CHECK(net.exit_names().size() == net.stages.size());
    REQUIRE(answers.size() == net.stages.size());
    auto const order = torch::tensor({3, 0}, torch::kInt64);
    auto const some = answer_all(net, take_rows(images(shape, 5), order));
    for (std::size_t k = 0; k < answers.size(); ++k) {
      CHECK(answers[k].logits.sizes() == c10::IntArrayRef({5, classes}));
      CHECK(answers[k].logits.isfinite().all().item<bool>());
      CHECK(torch::allclose(some[k].logits, answers[k].logits.index({order}), 1e-4, 1e-5));
    }
  });
}

TEST_CASE("joint training reaches every parameter of every architecture and method", "[contract]") {
  for_every_net([](ExitNet& net, ImageShape const& shape, Method const& method) {
    set_learning(net, {"stage.", "head.", "last.", "extra."});
    move_zeros(net);
    auto const target = torch::randint(classes, {8});
    auto loss = torch::zeros({});
    for (auto const& answer : answer_all(net, images(shape, 8)))
      loss = loss + torch::nn::functional::cross_entropy(answer.logits, target);
    loss.backward();
    std::set<void const*> storages;
    for (auto const& item : net.named_parameters()) {
      INFO(item.key());
      if (by_own_rule(net, method, item.key())) continue;
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      CHECK(item.value().grad().abs().max().item<double>() > 0);
      CHECK(storages.insert(item.value().storage().data()).second);
    }
  });
}

TEST_CASE("what a network learns without labels reaches every parameter, and is better the smaller its loss",
          "[contract]") {
  for (auto const& arch : archs()) {
    INFO(arch.name);
    auto const contract = contract_of(arch.name);
    auto reader = reader_of(contract.arch);
    auto const& shape = contract.shapes.front();
    auto const net = build(arch.make(reader), nullptr, shape, 1);
    if (!net->unlabelled.loss) continue;
    auto const x = images(shape, 8);
    auto const answer = answer_all(*net, x).back();
    auto const loss_b = net->unlabelled.loss(x, answer);
    CHECK(loss_b.sizes() == c10::IntArrayRef({8}));
    CHECK(net->unlabelled.right(x, answer).item<double>() <= 8);
    loss_b.mean().backward();
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("channels that an architecture says can be removed are those of its layers", "[contract]") {
  int archs_with_them = 0;
  for (auto const& arch : archs()) {
    INFO(arch.name);
    auto const contract = contract_of(arch.name);
    auto reader = reader_of(contract.arch);
    auto const net = build(arch.make(reader), nullptr, contract.shapes.front(), 1);
    archs_with_them += !net->channels.empty();
    auto const parameters = net->named_parameters();
    std::set<std::string> written;
    for (auto const& group : net->channels) {
      INFO(group.name);
      CHECK_FALSE(group.written.empty());
      CHECK_FALSE(group.read.empty());
      for (auto const& module : group.written) {
        CHECK(parameters[module + ".weight"].size(0) == group.count);
        CHECK(written.insert(module).second);
      }
      for (auto const& module : group.scaled) CHECK(parameters[module + ".weight"].size(0) == group.count);
      for (auto const& module : group.read) CHECK(parameters[module + ".weight"].size(1) % group.count == 0);
    }
  }
  CHECK(archs_with_them == 2);
}

TEST_CASE("heads learn on a trunk that stays the same to the bit", "[contract]") {
  for_every_net([](ExitNet& net, ImageShape const& shape, Method const& method) {
    std::map<std::string, Tensor> before;
    for (auto const& item : net.named_parameters()) before[item.key()] = item.value().detach().clone();
    for (auto const& item : net.named_buffers()) before[item.key()] = item.value().detach().clone();
    std::vector<std::string> const learns = {"head.", "extra."};
    set_learning(net, learns);
    if (parameters_of(net, learns).empty()) return;  // they are fitted
    auto loss = torch::zeros({});
    for (auto const& answer : answer_all(net, images(shape, 4), {.record_trunk = false}))
      loss = loss + answer.logits.square().mean();
    loss.backward();
    for (auto const& [name, parameter] : parameters_of(net, learns)) {
      INFO(name);
      if (by_own_rule(net, method, name)) continue;
      torch::NoGradGuard no_grad;
      REQUIRE(parameter.grad().defined());
      Tensor(parameter).sub_(parameter.grad());
      CHECK_FALSE(torch::equal(parameter, before.at(name)));
    }
    auto const unchanged = [&](auto const& item) {
      INFO(item.key());
      if (item.key().starts_with("stage.") || item.key().starts_with("last."))
        CHECK(torch::equal(item.value(), before.at(item.key())));
    };
    for (auto const& item : net.named_parameters()) unchanged(item);
    for (auto const& item : net.named_buffers()) unchanged(item);
  });
}

TEST_CASE("costs of every architecture and method rise strictly", "[contract]") {
  for_every_net([](ExitNet& net, ImageShape const& shape, Method const&) {
    auto const costs = count_cost(net, blank_images(shape));
    for (auto const convention : {Convention::mac, Convention::fv}) {
      double so_far = 0, before = 0;
      for (std::size_t i = 0; i + 1 < net.stages.size(); ++i) {
        INFO(net.stages[i].name);
        so_far += in(convention, costs.stages[i]) + in(convention, costs.heads.at(net.stages[i].name));
        CHECK(so_far > before);
        before = so_far;
      }
      CHECK(so_far + in(convention, costs.stages.back()) + in(convention, costs.last) > before);
    }
  });
}

TEST_CASE("weights of an architecture come from the seed alone", "[contract]") {
  for (auto const& arch : archs()) {
    for (auto const& entry : methods()) {
      INFO(arch.name << " with " << entry.name);
      auto const contract = contract_of(arch.name);
      auto reader = reader_of(contract.arch);
      auto const backbone = arch.make(reader);
      auto const& shape = contract.shapes.at(0);
      auto const method = method_for(entry, backbone, shape);
      auto const with = build(backbone, &method, shape, 1), plain = build(backbone, nullptr, shape, 1),
                 other = build(backbone, nullptr, shape, 2);
      auto const named = with->named_parameters();
      bool differs = false;
      for (auto const& item : plain->named_parameters()) {
        INFO(item.key());
        REQUIRE(named.contains(item.key()));
        CHECK(torch::equal(item.value(), named[item.key()]));
        differs = differs || !torch::equal(item.value(), other->named_parameters()[item.key()]);
      }
      CHECK(differs);
    }
  }
}

TEST_CASE("a momentum asked for is that of every BatchNorm", "[contract]") {
  int archs_with_it = 0;
  for (auto const& arch : archs()) {
    INFO(arch.name);
    auto declared = empty_reader();
    arch.make(declared);
    auto const fields = declared.fields();
    if (std::none_of(fields.begin(), fields.end(), [](Field const& field) { return field.name == "norm_momentum"; }))
      continue;
    ++archs_with_it;
    auto reader = reader_of(R"({"norm_momentum": 0.5})");
    auto const net = build(arch.make(reader), nullptr, {.channels = 3, .height = 32, .width = 32}, 1);
    int norms = 0;
    for (auto const& module : net->modules())
      if (auto* const norm = module->as<torch::nn::BatchNorm2d>()) {
        ++norms;
        CHECK(norm->options.momentum() == 0.5);
      }
    CHECK(norms > 10);
  }
  CHECK(archs_with_it == 3);
}

}  // namespace eexit
