// Early exit by class means (facts: class-means 12): by hand, as it is fitted, and through the whole program.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/execute/build.h"
#include "core/execute/fit.h"
#include "core/exits/policy.h"
#include "core/exits/statistics.h"
#include "core/methods/clusters.h"
#include "core/methods/means.h"
#include "core/net/cost.h"
#include "core/net/weights.h"
#include "core/report/judge.h"
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

// One exit on features [2] with these means and mean distances of two classes.
struct Hand {
  Hand(Tensor const& mean_kd, Tensor const& distance_k, std::string const& params = "{}") {
    auto reader = reader_of(params);
    auto const method = find(methods(), "method", "class_means", "method").make(reader);
    Builder builder(1);
    heads = method.make_heads({{"0", {mean_kd.size(1)}}}, static_cast<int>(mean_kd.size(0)), builder);
    auto* const means = heads.heads.at("0").module->as<ClassMeans>();
    means->mean_kd.copy_(mean_kd);
    means->distance_k.copy_(distance_k);
  }
  Tensor logits(Tensor const& x_bd) const {
    torch::NoGradGuard no_grad;
    return heads.heads.at("0").run({.x = x_bd, .side = {}, .active = {}}, {}).logits;
  }
  Heads heads;
};

// A narrow ResNet-8 whose backbone is trained alone, with means at three places.
Plan means_plan(Store const& store, std::vector<std::string> edits) {
  edits.insert(edits.begin(),
               {R"(/defaults/arch={"name": "resnet", "depth": 8, "width": 4})",
                R"(/defaults/placement={"after": ["stem", 0, 1]})", R"(/defaults/method={"name": "class_means"})",
                R"(/defaults/regime={"name": "phases", "phases": ["backbone"]})",
                R"(/defaults/train={"protocol": {"name": "equal_epochs", "total": 2}, "batch": 64})"});
  return fixture_plan(store, edits);
}

std::map<std::string, TensorBytes> weights(Store const& store, std::string const& key) {
  return read_tensors(store.phase(key) / "weights.safetensors").tensors;
}

ExitTable table_of(Store const& store, Run const& run, std::string const& split) {
  return StoredExits(exits_of(store, run)).table(split, Confidence::max_probability, run, Convention::mac);
}

}  // namespace

TEST_CASE("distances to two means by hand") {
  // x = (3, 4): 5 from (0, 0), 4 from (3, 0); over mean distances 2 and 4 they are 2.5 and 1.
  Hand const hand(torch::tensor({{0.f, 0.f}, {3.f, 0.f}}), torch::tensor({2.f, 4.f}));
  auto const logits = hand.logits(torch::tensor({{3.f, 4.f}}));
  CHECK(torch::allclose(logits, torch::tensor({{-2.5f, -1.f}})));
  CHECK(softmax_confidence(Confidence::max_probability, logits, {{logits, {}}}).front() ==
        Approx(1 / (1 + std::exp(-1.5))));
}

TEST_CASE("equal means give equal probabilities") {
  Hand const hand(torch::ones({4, 2}), torch::full({4}, 3.f));
  auto const q = hand.logits(torch::tensor({{5.f, 1.f}, {0.f, 0.f}})).softmax(1);
  CHECK(torch::equal(q, torch::full({2, 4}, 0.25f)));
}

TEST_CASE("raw decisions change the answer and no confidence") {
  // Nearest is class 0 (1 against 2); over mean distances 1 and 4 it is class 1 (1 against 0.5).
  auto const mean = torch::tensor({{0.f, 0.f}, {3.f, 0.f}}), distance = torch::tensor({1.f, 4.f});
  auto const x = torch::tensor({{1.f, 0.f}});
  auto const by_q = Hand(mean, distance).logits(x), raw = Hand(mean, distance, R"({"decision": "raw"})").logits(x);
  CHECK(argmax_rows(by_q) == std::vector<int>{1});
  CHECK(argmax_rows(raw) == std::vector<int>{0});
  for (auto const kind : {Confidence::max_probability, Confidence::entropy, Confidence::margin})
    CHECK(softmax_confidence(kind, by_q, {{by_q, {}}}) == softmax_confidence(kind, raw, {{raw, {}}}));
}

TEST_CASE("means are exact, whatever the order of the rows, and so are mean distances") {
  torch::NoGradGuard no_grad;
  constexpr int rows = 90, classes = 3;
  torch::manual_seed(3);
  auto const x = torch::randn({rows, 2, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast) + 100;
  auto const label = torch::arange(rows) % classes;
  auto const fitted = [&](Tensor const& order) {
    Builder builder(1);
    Heads heads;
    auto const means = std::make_shared<ClassMeans>("0", Shape{2, 3, 3}, 0, classes);
    heads.heads["0"] = {means, {}};
    ExitNet net({.stages = {{.name = "0", .module = nullptr, .run = [](State s) { return s; }}}, .last = {}},
                heads.heads);
    FitRows const shown{.label_r = label.index({order}), .classes = classes, .walk = [&](auto const& look) {
                          for (int from = 0; from < rows; from += 40)
                            look("0", {.x = x.index({order.slice(0, from, std::min(from + 40, rows))})}, from);
                        }};
    fitting_of({}).fit(net, shown);
    return std::pair(means->mean_kd.clone(), means->distance_k.clone());
  };
  auto const [mean, distance] = fitted(torch::arange(rows));
  auto const features = x.permute({0, 2, 3, 1}).flatten(1).to(torch::kFloat64);
  for (int k = 0; k < classes; ++k) {
    auto const expected = features.index({label == k}).mean(0);
    CHECK(torch::allclose(mean[k].to(torch::kFloat64), expected, 1e-7, 0));
    CHECK(distance[k].item<double>() == Approx((features - expected).norm(2, {1}).mean().item<double>()).epsilon(1e-5));
  }
  auto const [again, far] = fitted(torch::randperm(rows));
  CHECK(torch::allclose(again, mean, 1e-7, 0));
  CHECK(torch::allclose(far, distance, 1e-6, 0));
}

TEST_CASE("an exit where all features are alike is refused by name") {
  torch::NoGradGuard no_grad;
  auto const means = std::make_shared<ClassMeans>("0", Shape{2}, 0, 2);
  ExitNet net({.stages = {{.name = "0", .module = nullptr, .run = [](State s) { return s; }}}, .last = {}},
              {{"0", {means, {}}}});
  FitRows const shown{.label_r = torch::tensor({0, 1}), .classes = 2, .walk = [](auto const& look) {
                        look("0", {.x = torch::ones({2, 2})}, 0);
                      }};
  CHECK(test::message_of<RunError>([&] {
          fitting_of({}).fit(net, shown);
        }).starts_with("exit after stage 0: all features are at the mean of class 0"));
}

TEST_CASE("what a distance costs, and what means take") {
  Hand const hand(torch::zeros({10, 48}), torch::ones({10}));
  auto const cost = count_cost([&] { hand.logits(torch::zeros({1, 48})); });
  CHECK(2 * cost.mac == 10 * (3 * 48 - 1));
  auto const refused = [](Shape const& shape, std::string const& params) {
    auto reader = reader_of(params);
    auto const method = find(methods(), "method", "class_means", "method").make(reader);
    Builder builder(1);
    return test::message_of<SpecError>([&] { method.make_heads({{"stem", shape}}, 1000, builder); });
  };
  // Facts 10.4: 1000 classes x 64 x 112 x 112 numbers of four bytes are 3.2 GB.
  CHECK(refused({64, 112, 112}, "{}") ==
        "means of 1000 classes at 1 exits take 3062.5 MiB, more than memory allows (1024 MiB); most of it after stage "
        "stem, [64, 112, 112]: 3062.5 MiB; average features (side), leave exits out or raise memory");
  CHECK(refused({64, 112, 112}, R"({"side": 4})") == "nothing thrown");
  CHECK(refused({5, 8}, R"({"side": 2})").find("of tokens the mean alone can be taken") != std::string::npos);
}

TEST_CASE("class means on a trained backbone: no weight changes, and none leaving early is the plain network") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = means_plan(store, {});
  do_plan(plan, store);
  auto const& run = plan.runs.at(0);
  auto const& plain = plan.runs.at(1);
  REQUIRE(store.run_done(run.id));
  REQUIRE(store.run_done(plain.id));
  // The backbone phase is the plain network's own.
  CHECK(run.phases.front().key == plain.phases.back().key);
  auto const before = weights(store, run.phases[0].key), after = weights(store, run.phases[1].key);
  for (auto const& [name, tensor] : before) {
    INFO(name);
    CHECK(after.at(name).bytes == tensor.bytes);
  }
  CHECK(after.size() == before.size() + 6);
  auto const table = table_of(store, run, "test"), alone = table_of(store, plain, "test");
  int right = 0;
  for (int row = 0; row < table.rows; ++row) {
    CHECK(table.predicted[table.at(row, 3)] == alone.predicted[alone.at(row, 0)]);
    right += table.right(row, 0);
  }
  CHECK(right > table.rows / 5);  // ten classes: the stem's means know something
  auto reader = empty_reader();
  auto const family = find(policies(), "policy", "exit_thresholds", "policy").make(reader);
  auto const all = simulate(table, family.at({0, 0, 0})), none = simulate(table, family.at({1, 1, 1}));
  CHECK(all.leaving == std::vector<int>{table.rows, 0, 0, 0});
  CHECK(all.score == static_cast<double>(right) / table.rows);
  CHECK(none.leaving == std::vector<int>{0, 0, 0, table.rows});
  CHECK(none.score == accuracy(alone, 0));
  // A higher threshold at any exit never makes the mean cheaper. The window is narrow: q is hardly above 1/10.
  Random random(2);
  for (int i = 0; i < 50; ++i) {
    Knobs lower = {0.1 + 0.1 * random.uniform(), 0.1 + 0.1 * random.uniform(), 0.1 + 0.1 * random.uniform()};
    auto higher = lower;
    higher[static_cast<std::size_t>(i % 3)] += 0.03 * random.uniform();
    CHECK(simulate(table, family.at(higher)).cost >= simulate(table, family.at(lower)).cost);
  }
  CHECK(run.exit_cost[0].mac > 0);
  CHECK(run.buffer_bytes == 4 * 10 * (4 * 28 * 28 + 1 + 4 * 28 * 28 + 1 + 8 * 14 * 14 + 1));
}

TEST_CASE("means of a share of the rows, of either decision, share their backbone; decisions their means too") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = means_plan(store, {R"(/grid/method=[{"name": "class_means"}, {"name": "class_means", "decision":
    "raw"}, {"name": "class_means", "share": 0.3}])"});
  auto const& runs = plan.runs;
  for (auto const& run : runs) CHECK(run.phases[0].key == runs[0].phases[0].key);
  CHECK(runs[0].phases[1].key == runs[1].phases[1].key);
  CHECK(runs[0].phases[1].key != runs[2].phases[1].key);
  CHECK(runs[0].id != runs[1].id);
}

TEST_CASE("heads joined to class means learn from them, and the means stay") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = means_plan(
      store, {R"(/defaults/method={"name": "class_means_sdn", "head": "average"})",
              R"(/grid/regime=[{"name": "disjoint"}, {"name": "mixed"}])",
              R"(/defaults/train/protocol={"name": "equal_epochs", "total": 2, "backbone": 1})", "/eval/plain=false"});
  do_plan(plan, store);
  for (auto const& run : plan.runs) {
    INFO(run.id);
    REQUIRE(store.run_done(run.id));
    REQUIRE(run.phases.size() == 3);
    auto const fitted = weights(store, run.phases[1].key), trained = weights(store, run.phases[2].key);
    for (std::string const name : {"head.stem.means.mean", "head.1.means.distance"})
      CHECK(fitted.at(name).bytes == trained.at(name).bytes);
    CHECK(fitted.at("head.0.head.linear.weight").bytes != trained.at("head.0.head.linear.weight").bytes);
    CHECK(trained.at("head.0.head.linear.weight").shape == std::vector<std::int64_t>{10, 4 + 10});
  }
  CHECK(plan.runs[0].phases[1].key == plan.runs[1].phases[1].key);
}

TEST_CASE("k-means finds blobs, and an empty cluster starts anew") {
  torch::manual_seed(5);
  auto const center = torch::tensor({{0., 0.}, {10., 0.}, {0., 10.}}, torch::kFloat64);
  auto const label = torch::arange(60) % 3;
  auto const x = center.index({label}) + 0.1 * torch::randn({60, 2}, torch::kFloat64);
  auto const found = k_means(x, 3, 3, 7);
  for (int k = 0; k < 3; ++k) {
    auto const of_one = found.cluster_n.index({label == k});
    CHECK((of_one == of_one[0]).all().item<bool>());
  }
  CHECK(found.inertia < 60 * 0.1);
  CHECK(k_means(x, 3, 3, 7).inertia == found.inertia);
  CHECK(test::message_of<RunError>([&] {
          k_means(x.slice(0, 0, 2), 3, 1, 7);
        }).starts_with("clusters: expected at least 3 rows"));
  CHECK(test::message_of<RunError>([&] {
          k_means(torch::ones({9, 2}, torch::kFloat64), 3, 1, 7);
        }).starts_with("clusters: expected at least 3 distinct rows"));
}

TEST_CASE("clusters of an autoencoder: labels name them and are read for nothing else") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan =
      means_plan(store, {R"(/defaults/arch={"name": "autoencoder", "widths": [64, 32], "embedding": 6})",
                         R"(/defaults/method={"name": "class_means", "labels": "clusters", "restarts": 2})",
                         R"(/defaults/placement={"after": [0, 1]})",
                         R"(/defaults/train/optimizer={"name": "adamw", "lr": 0.001})"});
  REQUIRE(plan.runs.size() == 1);  // no plain network beside it
  do_plan(plan, store);
  auto const& run = plan.runs.front();
  REQUIRE(store.run_done(run.id));
  auto const trained = weights(store, run.phases[0].key), fitted = weights(store, run.phases[1].key);
  for (auto const& [name, tensor] : trained) {
    INFO(name);
    CHECK((fitted.at(name).bytes == tensor.bytes) == (name != "last.center"));
  }
  auto const table = table_of(store, run, "test");
  int right = 0;
  for (int row = 0; row < table.rows; ++row) right += table.right(row, 2);
  CHECK(right > table.rows / 4);
}

}  // namespace eexit
