// Pruning (facts: pruning 7): what is chosen, what stays at 0, and networks that really become smaller.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/execute/build.h"
#include "core/execute/optimizer.h"
#include "core/execute/prune.h"
#include "core/net/cost.h"
#include "core/net/masks.h"
#include "core/net/shrink.h"
#include "core/net/weights.h"
#include "core/plan/protocol.h"
#include "core/store/exit_file.h"
#include "core/tasks/classify.h"
#include "tests/contract/readers.h"
#include "tests/support/plans.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

struct Quiet {
  Quiet() { set_log_level(Level::quiet); }
  ~Quiet() { set_log_level(Level::normal); }
};

constexpr ImageShape digit = {.channels = 1, .height = 28, .width = 28};

std::shared_ptr<ExitNet> resnet(std::string const& params, std::vector<std::string> const& after,
                                std::string const& head = "{}") {
  Choice const method{"sdn", head};
  return build_net({"resnet", params}, digit, 10, 1, HeadsToBuild{.method = method, .after = after});
}

Prune whole_net(Prune::By by, double rate) { return {.by = by, .rate = rate, .within = {"stage.", "head.", "last."}}; }

// As after training: BatchNorm has statistics and scales of its own.
void disturb(ExitNet& net) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  for (auto const& module : net.modules())
    if (auto* const norm = module->as<torch::nn::BatchNorm2d>()) {
      norm->running_mean.normal_();
      norm->running_var.uniform_(0.5, 2);
      norm->weight.uniform_(0.5, 1.5);
      norm->bias.normal_();
    }
}

std::vector<Tensor> logits_of(ExitNet& net, int rows = 4) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(9);
  net.eval();
  std::vector<Tensor> all;
  auto const x = torch::randn({rows, digit.channels, digit.height, digit.width});
  for (auto const& answer : answer_all(net, {.x = x})) all.push_back(answer.logits);
  return all;
}

struct Counts {
  long left = 0, weights = 0;
};

Counts counts_of(std::map<std::string, TensorBytes> const& file, std::string const& within = "") {
  Counts counts;
  for (auto const& [name, tensor] : file) {
    if (!name.starts_with("mask." + within)) continue;
    counts.weights += static_cast<long>(tensor.bytes.size());
    for (char const bit : tensor.bytes) counts.left += bit != 0;
  }
  return counts;
}

std::map<std::string, TensorBytes> weights(Store const& store, std::string const& key) {
  return read_tensors(store.phase(key) / "weights.safetensors").tensors;
}

Plan pruning_plan(Store const& store, std::string const& regime, std::vector<std::string> edits = {}) {
  edits.insert(edits.begin(),
               {R"(/defaults/arch={"name": "resnet", "depth": 8, "width": 4})",
                R"(/defaults/placement={"after": ["stem", 0]})", "/defaults/regime=" + regime,
                R"(/defaults/train={"protocol": {"name": "equal_epochs", "total": 2, "backbone": 1}, "batch": 64})",
                "/eval/plain=false"});
  return fixture_plan(store, edits);
}

}  // namespace

TEST_CASE("layers in the order of ResNet-56 with six heads: the linear ones at 10, 19, 29, 38, 48, 57, 64") {
  auto const net = resnet(R"({"depth": 56})", {"3", "7", "11", "15", "19", "23"});
  auto const layers = layers_of(*net);
  REQUIRE(layers.size() == 64);
  std::vector<int> linear;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].second.dim() == 2) linear.push_back(static_cast<int>(i) + 1);
  CHECK(linear == std::vector<int>{10, 19, 29, 38, 48, 57, 64});
}

TEST_CASE("biases and norms are never pruned but with their channels") {
  for (auto const by : {Prune::By::magnitude, Prune::By::layer, Prune::By::random, Prune::By::gradient}) {
    auto const net = resnet(R"({"depth": 8})", {"0"});
    add_masks(*net, whole_net(by, 0.5));
    REQUIRE(net->masks.size() == layers_of(*net).size());
    for (auto const& [name, mask] : net->masks) CHECK(mask.dim() >= 2);
  }
}

TEST_CASE(
    "rounds by floor: exactly the recursion, masks inside those before, whatever the criterion and what is kept") {
  Quiet const quiet;
  for (std::string const by : {"magnitude", "random", "gradient", "layer"}) {
    INFO(by);
    test::TemporaryFolder const folder;
    Store const store(folder.path);
    auto const plan =
        pruning_plan(store, R"({"name": "prune_together", "rounds": 4, "rate": 0.3, "by": ")" + by + R"("})",
                     {R"(/defaults/train/optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01})",
                      "/defaults/train/keep=" + std::string(by == "magnitude" ? "mean" : "last")});
    do_plan(plan, store);
    auto const& run = plan.runs.front();
    REQUIRE(store.run_done(run.id));
    REQUIRE(run.phases.size() == 9);
    long left = 0;
    std::map<std::string, long> by_layer;
    std::map<std::string, TensorBytes> before;
    for (auto const& phase : run.phases) {
      auto const file = weights(store, phase.key);
      auto const now = counts_of(file);
      if (auto const* prune = std::get_if<Prune>(&phase.phase)) {
        if (prune->occurrence == 0) left = now.weights;
        left -= static_cast<long>(0.3 * static_cast<double>(left));
        if (by != "layer") CHECK(now.left == left);
        for (auto const& [name, mask] : file) {
          if (by != "layer" || !name.starts_with("mask.")) continue;
          auto& of_layer = by_layer.try_emplace(name, static_cast<long>(mask.bytes.size())).first->second;
          of_layer -= static_cast<long>(0.3 * static_cast<double>(of_layer));
          CHECK(counts_of({{name, mask}}).left == of_layer);
        }
      }
      for (auto const& [name, mask] : file) {
        if (!name.starts_with("mask.")) continue;
        auto const value = unpack<float>(file.at(name.substr(5)));
        auto const earlier = before.find(name);
        bool held = true, nested = true;
        for (std::size_t i = 0; i < mask.bytes.size(); ++i) {
          held = held && (mask.bytes[i] != 0 || value[i] == 0.f);
          nested = nested && (earlier == before.end() || earlier->second.bytes[i] != 0 || mask.bytes[i] == 0);
        }
        INFO(name);
        CHECK(held);
        CHECK(nested);
      }
      before = file;
    }
    auto const last = weights(store, run.phases.back().key), pruned = weights(store, run.phases[7].key);
    CHECK(last.at("last.weight").bytes != pruned.at("last.weight").bytes);
  }
}

TEST_CASE("twenty rounds of 10 % come to the sheet's 0.8784") {
  auto const net = resnet(R"({"depth": 20})", {"1", "4"});
  auto const phase = whole_net(Prune::By::magnitude, 0.1);
  add_masks(*net, phase);
  long all = 0, left = 0;
  for (auto const& [name, mask] : net->masks) all += mask.numel();
  for (int round = 0; round < 20; ++round) mask_least(*net, phase, weight_sizes(prunable(*net, phase)));
  for (auto const& [name, mask] : net->masks) left += mask.sum().item<long>();
  CHECK(std::abs(1 - static_cast<double>(left) / static_cast<double>(all) - 0.8784) <
        20.0 / static_cast<double>(all) + 5e-5);
}

TEST_CASE("saved and loaded, a pruned network answers the same to the bit") {
  auto const net = resnet(R"({"depth": 8})", {"0"}), other = resnet(R"({"depth": 8})", {"0"});
  auto const phase = whole_net(Prune::By::magnitude, 0.7);
  add_masks(*net, phase);
  add_masks(*other, phase);
  mask_least(*net, phase, weight_sizes(prunable(*net, phase)));
  hold_masks(*net);
  std::map<std::string, TensorBytes> file;
  for (auto const& [name, tensor] : tensors_of(*net)) file[name] = to_bytes(tensor);
  load_tensors(*other, file, {""}, "test");
  auto const expected = logits_of(*net), found = logits_of(*other);
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(torch::equal(found[k], expected[k]));
  for (auto const& [name, mask] : net->masks) CHECK(torch::equal(other->masks.at(name), mask));
}

TEST_CASE("by gradient: the least |gradient x weight| of the mean loss over exits") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = pruning_plan(store, R"({"name": "prune_together", "rounds": 1, "by": "gradient", "batches": 4})",
                                 {"/defaults/train/batch=16"});
  auto run = plan.runs.front();
  auto splits = std::make_shared<Splits>(*run.splits);
  splits->train.resize(64);  // four batches: each row once
  run.splits = splits;
  auto const& phase = std::get<Prune>(run.phases[1].phase);
  auto const net = build_net(run, 1);
  auto const layers = prunable(*net, phase);
  OpenData data(torch::kCPU);
  Task const task = classify();
  TrainSetting const setting{.task = task, .images = data.images(run.data.source, Split::train)};
  net->eval();
  auto const batch = plain_batch(setting.images, splits->train);
  auto loss = torch::zeros({});
  for (auto const& answer : answer_all(*net, batch.input))
    loss = loss + task.loss(answer.logits, batch.target_b, 0).mean() / 3;
  std::vector<Tensor> parameters, worth;
  for (auto const& [name, weight] : layers) parameters.push_back(weight);
  auto const gradients = torch::autograd::grad({loss}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) worth.push_back((gradients[i] * parameters[i]).detach().abs());
  auto const by_hand = build_net(run, 1);
  mask_least(*by_hand, phase, worth);
  prune(*net, run, phase, setting);
  long differing = 0, pruned = 0;
  for (auto const& [name, mask] : net->masks) {
    differing += (mask != by_hand->masks.at(name)).sum().item<long>();
    pruned += mask.logical_not().sum().item<long>();
  }
  CHECK(pruned > 100);
  CHECK(differing <= 2);  // sums of batches are rounded in another order
}

TEST_CASE("a fine-tuning that was stopped ends with the bytes of one that was not, masks and all") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = pruning_plan(store, R"({"name": "prune_together", "rounds": 1, "rate": 0.5})",
                                 {R"(/defaults/train/protocol={"name": "equal_epochs", "total": 3, "backbone": 1})"});
  do_plan(plan, store);
  auto const& run = plan.runs.front();
  REQUIRE(store.run_done(run.id));
  auto const net = build_net(run, 2);
  load_tensors(*net, weights(store, run.phases[1].key), {""}, "parent");
  place(*net, torch::kCPU);
  OpenData data(torch::kCPU);
  auto const& images = data.images(run.data.source, Split::train);
  Method const method = read_method(run.method);
  std::vector<TrainJob> const jobs = {{.run = run,
                                       .phase = run.phases[2],
                                       .net = *net,
                                       .method = method,
                                       .folder = folder.path / "stopped",
                                       .label = "test"}};
  make_folder(folder.path / "stopped");
  int calls = 0;
  Task task = classify();
  task.loss = [&, loss = task.loss](Tensor const& logits, Tensor const& target, double smoothing) {
    if (!torch::GradMode::is_enabled() && ++calls == 1) throw Interrupted("stop");  // after the first of two epochs
    return loss(logits, target, smoothing);
  };
  TrainEnd const end = {.done = [](std::size_t, TrainResult const&) {},
                        .diverged = [](std::size_t, std::string const& reason, long) { FAIL(reason); }};
  CHECK_THROWS_AS(train(jobs, {.task = task, .images = images}, end), Interrupted);
  // Another process goes on, with nothing but the checkpoints.
  auto const fresh = build_net(run, 2);
  place(*fresh, torch::kCPU);
  std::vector<TrainJob> const again = {{.run = run,
                                        .phase = run.phases[2],
                                        .net = *fresh,
                                        .method = method,
                                        .folder = folder.path / "stopped",
                                        .label = "test"}};
  train(again, {.task = task, .images = images}, end);
  for (auto const& [name, expected] : weights(store, run.phases[2].key)) {
    INFO(name);
    CHECK(to_bytes(tensors_of(*fresh).at(name)).bytes == expected.bytes);
  }
}

TEST_CASE("equal weights go in the order of layers") {
  auto const net = resnet(R"({"depth": 8, "width": 2})", {});
  torch::NoGradGuard no_grad;
  for (auto const& [name, weight] : layers_of(*net)) Tensor(weight).fill_(name == "last.weight" ? 0.5f : 1.f);
  auto const phase = whole_net(Prune::By::magnitude, 0.1);
  add_masks(*net, phase);
  long all = 0;
  for (auto const& [name, mask] : net->masks) all += mask.numel();
  mask_least(*net, phase, weight_sizes(prunable(*net, phase)));
  auto const pruned = static_cast<long>(0.1 * static_cast<double>(all));
  auto const classifier = net->masks.at("last.weight").numel();
  REQUIRE(pruned > classifier);
  CHECK(net->masks.at("last.weight").sum().item<long>() == 0);
  auto rest = pruned - classifier;
  for (auto const& [name, weight] : layers_of(*net)) {
    if (name == "last.weight") continue;
    auto const flat = net->masks.at(name).flatten();
    auto const here = std::min<long>(rest, flat.numel());
    INFO(name);
    CHECK(flat.logical_not().sum().item<long>() == here);
    CHECK_FALSE(flat.slice(0, 0, here).any().item<bool>());
    rest -= here;
  }
}

TEST_CASE("a layer that would lose its last weight is named, unless it may") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = pruning_plan(store, R"({"name": "prune_together", "rounds": 1, "rate": 1})");
  do_plan(plan, store);
  auto const& run = plan.runs.front();
  CHECK_FALSE(store.run_done(run.id));
  CHECK(read_file(store.phase(run.phases[1].key) / "failed.json")
            .find("prune 1: stage.stem.conv1.weight would lose its last weight") != std::string::npos);
  auto const allowed =
      pruning_plan(store, R"({"name": "prune_together", "rounds": 1, "rate": 1, "allow_empty": true})");
  do_plan(allowed, store);
  CHECK(store.run_done(allowed.runs.front().id));
}

TEST_CASE("what is spared is not pruned") {
  auto const net = resnet(R"({"depth": 8})", {"0"});
  auto phase = whole_net(Prune::By::magnitude, 0.5);
  phase.without = {"stage.stem.", "last."};
  for (auto const& [name, weight] : prunable(*net, phase)) CHECK_FALSE(starts_with_any(name, phase.without));
  CHECK(prunable(*net, phase).size() == layers_of(*net).size() - 2);
}

TEST_CASE("masked numbers stay exactly 0 through momentum, weight decay and moments; the others move as ever") {
  for (Optim const& rule : {Optim(Sgd{.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1}),
                            Optim(AdamW{.lr = 0.1, .weight_decay = 0.1})}) {
    auto const start = torch::randn({4, 5});
    auto const mask = torch::arange(20).reshape({4, 5}) % 3 != 0;
    auto masked = (start * mask).requires_grad_(true), free = (start * mask).requires_grad_(true);
    Optimizer held(rule, {{"w", masked}}, {{"w", mask}}), plain(rule, {{"w", free}});
    for (int step = 0; step < 5; ++step) {
      auto const gradient = torch::randn({4, 5});
      masked.mutable_grad() = gradient.clone();
      free.mutable_grad() = gradient.clone();
      held.step(0.1);
      plain.step(0.1);
    }
    CHECK((masked.detach().index({mask.logical_not()}) == 0).all().item<bool>());
    CHECK(torch::equal(masked.detach().index({mask}), free.detach().index({mask})));
    CHECK((free.detach().index({mask.logical_not()}) != 0).any().item<bool>());
  }
}

TEST_CASE("prune_separately: heads are pruned and fine-tuned on a backbone that stays to the byte") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = pruning_plan(store, R"({"name": "prune_separately", "rounds": 2, "rate": 0.3})");
  do_plan(plan, store);
  auto const& run = plan.runs.front();
  REQUIRE(store.run_done(run.id));
  REQUIRE(run.phases.size() == 9);
  auto const backbone = weights(store, run.phases[4].key), last = weights(store, run.phases[8].key);
  for (auto const& [name, tensor] : backbone) {
    INFO(name);
    CHECK(last.at(name).bytes == tensor.bytes);
  }
  auto const heads = counts_of(last, "head.");
  long left = heads.weights;
  for (int round = 0; round < 2; ++round) left -= static_cast<long>(0.3 * static_cast<double>(left));
  CHECK(heads.left == left);
  CHECK(counts_of(backbone, "head.").weights == 0);
}

TEST_CASE("both ways of pruning make as many gradient steps, or spend as many MACs") {
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  for (std::string const protocol : {"equal_epochs", "equal_macs"}) {
    auto const plan = pruning_plan(
        store, R"({"name": "prune_together"})",
        {R"(/grid/regime=[{"name": "prune_together", "rounds": 3}, {"name": "prune_separately", "rounds": 3}])",
         R"(/defaults/train/protocol={"name": ")" + protocol + R"(", "total": 4, "backbone": 2})"});
    std::vector<long> steps;
    std::vector<double> macs;
    for (auto const& run : plan.runs) {
      long sum = 0;
      double spent = 0;
      for (auto const& phase : run.phases) {
        sum += phase.steps;
        spent += phase.macs;
      }
      steps.push_back(sum);
      macs.push_back(spent);
    }
    if (protocol == "equal_epochs") {
      CHECK(steps[0] == steps[1]);
      CHECK(macs[0] > macs[1]);
    } else {
      CHECK(steps[0] < steps[1]);
      CHECK(macs[0] == Approx(macs[1]).epsilon(0.02));
    }
  }
}

TEST_CASE("a network without its masked channels answers as it did, and is what a narrower one costs") {
  for (std::string const head :
       {R"({"head": "pooled", "pool": 2})", R"({"head": "average"})", R"({"head": "conv"})", R"({"head": "msdnet"})"})
    for (std::string const arch : {R"({"depth": 20})", R"({"type": "imagenet", "depth": 50, "width": 8})"}) {
      INFO(arch << " " << head);
      auto const net = resnet(arch, {"stem", "1", "4"}, head);
      disturb(*net);
      for (double const rate : {0.3, 0.25}) {
        auto const phase = whole_net(Prune::By::channels, rate);
        add_masks(*net, phase);
        mask_channels(*net, phase);
        hold_masks(*net);
      }
      place(*net, torch::kCPU);
      auto const masked = logits_of(*net);
      auto const before = net->parameters().size();
      REQUIRE(shrink(*net));
      place(*net, torch::kCPU);
      CHECK(net->parameters().size() == before);
      auto const small = logits_of(*net);
      for (std::size_t k = 0; k < small.size(); ++k) CHECK(torch::allclose(small[k], masked[k], 1e-5, 1e-5));
      CHECK_FALSE(shrink(*net));
    }
  // Half the channels everywhere: the network of half the width.
  auto const net = resnet(R"({"depth": 20})", {"1", "4"}), narrow = resnet(R"({"depth": 20, "width": 8})", {"1", "4"});
  auto const phase = whole_net(Prune::By::channels, 0.5);
  add_masks(*net, phase);
  mask_channels(*net, phase);
  shrink(*net);
  auto const left = count_cost(*net, blank_images(digit)), expected = count_cost(*narrow, blank_images(digit));
  for (std::size_t i = 0; i < left.stages.size(); ++i) CHECK(left.stages[i].mac == expected.stages[i].mac);
  for (auto const& [name, cost] : left.heads) CHECK(cost.mac == expected.heads.at(name).mac);
  CHECK(left.last.mac == expected.last.mac);
}

TEST_CASE("channels pruned through the whole program: costs are those of what is left") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan =
      pruning_plan(store, R"({"name": "prune_together", "rounds": 2, "rate": 0.3, "by": "channels", "after": "mixed",
        "epochs": [1, 1]})",
                   {R"(/defaults/train/protocol={"name": "equal_epochs", "total": 3})"});
  do_plan(plan, store);
  auto const& run = plan.runs.front();
  REQUIRE(store.run_done(run.id));
  auto const net = finished_net(run, store.phase(run.phases.back().key) / "weights.safetensors", torch::kCPU);
  auto const cost = count_cost(*net, blank_images(run.facts->shape));
  double sum = cost.last.mac;
  for (auto const& stage : cost.stages) sum += stage.mac;
  for (auto const& [name, head] : cost.heads) sum += head.mac;
  CHECK(run.exit_cost.back().mac == sum);
  CHECK(sum < 0.6 * run.plain.mac);
  long params = 0;
  for (auto const& parameter : net->parameters()) params += static_cast<long>(parameter.numel());
  CHECK(run.params == params);
  CHECK(run.base.mac == run.plain.mac);
  // Training goes by what it costs then: weights of exits by cost are the same whatever is pruned later.
  REQUIRE(run.whole_cost.size() == 3);
  CHECK(run.whole_cost.back().mac > run.plain.mac);
}

TEST_CASE("names that no weight has, and prunings that are left nothing, are refused at their place") {
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const message = [&](std::string const& regime) {
    return test::message_of<SpecError>([&] { pruning_plan(store, regime); });
  };
  CHECK(message(R"({"name": "prune_together", "without": ["stage.sten."]})")
            .find("/defaults/regime: without: no weight's name begins with \"stage.sten.\"") != std::string::npos);
  CHECK(message(R"({"name": "prune_separately", "without": ["head."]})")
            .find("nothing is left to prune of head.: without spares all of it") != std::string::npos);
  auto const with = [&](std::string const& method) {
    return test::message_of<SpecError>([&] {
      pruning_plan(store, R"({"name": "prune_together", "by": "channels", "rounds": 1, "rate": 0.5})",
                   {"/defaults/method=" + method});
    });
  };
  CHECK(with(R"({"name": "gpf"})").find("this method's heads cannot read fewer channels") != std::string::npos);
  CHECK(with(R"({"name": "sdn"})") == "nothing thrown");
}

TEST_CASE("macs by layer sum to the network's") {
  auto const net = resnet(R"({"depth": 14})", {"0", "3"}, R"({"head": "conv"})");
  double by_layer = 0;
  for (auto const& [name, macs] : macs_by_layer(*net, blank_images(digit))) {
    INFO(name);
    CHECK(macs > 0);
    by_layer += macs;
  }
  auto const cost = count_cost(*net, blank_images(digit));
  double sum = cost.last.mac;
  for (auto const& stage : cost.stages) sum += stage.mac;
  for (auto const& [name, head] : cost.heads) sum += head.mac;
  CHECK(by_layer == sum);
}

}  // namespace eexit
