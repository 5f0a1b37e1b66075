// What every method promises in every regime, on a convolutional network and on a transformer.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/exits/policy.h"
#include "core/net/early.h"
#include "core/tasks/classify.h"
#include "tests/contract/readers.h"
#include "tests/support/clear_point.h"
#include "tests/support/phases.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

struct Quiet {
  Quiet() { set_log_level(Level::quiet); }
  ~Quiet() { set_log_level(Level::normal); }
};

// Calls check(bench, regime) for every method, network and regime.
template <class Check>
void for_every_method(Check const& check) {
  Quiet const quiet;
  for (auto const& entry : methods())
    for (std::string const net : {"batch_norm_cnn", "class_token"})
      for (std::vector<std::string> const& regime :
           {std::vector<std::string>{"backbone", "heads"}, {"joint"}, {"backbone", "joint"}}) {
        INFO(entry.name << " on " << net << ", " << regime.front() << " to " << regime.back());
        bool const heads = declares(entry, "head");
        PhaseBench bench(small_net(net), std::string(entry.name),
                         net == "class_token" && heads ? R"({"head": "token"})" : "{}");
        if (!bench.fits())
          check(bench, regime);
        else if (heads && regime.front() == "backbone")
          check(bench, regime);
        else if (!heads && regime.back() == "joint" && regime.size() == 1)
          check(bench, {"backbone"});  // nothing of these heads is trained
      }
}

}  // namespace

TEST_CASE("every method: what a phase does not learn stays to the bit, all that it learns moves", "[contract]") {
  for_every_method([](PhaseBench& bench, std::vector<std::string> const& regime) {
    auto const trained = bench.train(regime);
    REQUIRE(trained.size() >= regime.size());
    for (auto const& [phase, before, after] : trained) {
      std::map<std::string, int> there, moved;  // by prefix
      for (auto const& [name, value] : after) {
        INFO(phase.name << ": " << name);
        CHECK(value.isfinite().all().item<bool>());
        auto const learned = std::find_if(phase.learn.begin(), phase.learn.end(),
                                          [&, &own = name](auto const& prefix) { return own.starts_with(prefix); });
        bool const same = torch::equal(value, before.at(name));
        if (learned == phase.learn.end()) {
          CHECK(same);
          continue;
        }
        ++there[*learned];
        moved[*learned] += !same;
      }
      for (auto const& [prefix, count] : there) {
        INFO(phase.name << ": " << prefix << ", " << count);
        CHECK(moved[prefix] > 0);
      }
    }
  });
}

TEST_CASE("gradients in equilibrium: heads learn from the sum of losses, as many times as there are exits",
          "[contract]") {
  Quiet const quiet;
  for (std::string const method : {"sdn", "branchynet", "l2w"}) {
    INFO(method);
    std::vector<PhaseBench::Trained> steps;
    for (auto const taps : {TapRule::plain, TapRule::equilibrium}) {
      PhaseBench bench(small_net("batch_norm_cnn"), method, R"({"head": "average"})");
      bench.steps = 1;
      bench.spec.recipe.optim = Sgd{.lr = 0.01, .momentum = 0, .weight_decay = 0};
      bench.spec.recipe.taps = taps;
      steps.push_back(bench.train({"joint"}).front());
    }
    for (auto const& [name, value] : steps[0].after) {
      if (!name.starts_with("head.")) continue;
      INFO(name);
      auto const plain = value - steps[0].before.at(name), summed = steps[1].after.at(name) - steps[1].before.at(name);
      CHECK(plain.abs().max().item<double>() > 0);
      CHECK(torch::allclose(summed, 3 * plain, 1e-3, 1e-6));
    }
  }
}

TEST_CASE("l2w: a batch too small for a meta step, and halves that fall to a frozen exit, are no error", "[contract]") {
  Quiet const quiet;
  PhaseBench bench(small_net("batch_norm_cnn"), "l2w", "{}");
  bench.batch(31);  // 64 samples: two in the last batch
  CHECK_NOTHROW(bench.train({"joint"}));
  bench.batch(30);  // four in the last: two a half, all to the last exit, which heads alone do not learn
  CHECK_NOTHROW(bench.train({"backbone", "heads"}));
}

TEST_CASE("l2w without strength is a shallow-deep network, to the bit of its loss", "[contract]") {
  Quiet const quiet;
  PhaseBench sdn(small_net("batch_norm_cnn"), "sdn", "{}"),
      l2w(small_net("batch_norm_cnn"), "l2w", R"({"strength": 0})");
  auto const plain = sdn.train({"joint"}).front(), weighted = l2w.train({"joint"}).front();
  for (auto const& [name, value] : plain.after) {
    INFO(name);
    CHECK(torch::allclose(value, weighted.after.at(name), 1e-4, 1e-6));
  }
}

TEST_CASE("gpf: one head works, and states are dropped in training alone", "[contract]") {
  torch::NoGradGuard no_grad;
  auto reader = reader_of(R"({"state_width": 6, "dropout": 0.5})");
  auto const method = find(methods(), "method", "gpf", "method").make(reader);
  for (int const heads : {1, 2}) {
    Builder builder(1);
    Sites const sites = {{"0", {8}}, {"1", {8}}};
    auto const made = method.make_heads({sites.begin(), sites.begin() + heads}, 4, builder);
    auto const x = torch::randn({5, 8});
    auto const answer = [&](bool training) {
      made.extra->train(training);
      Earlier earlier;
      for (int i = 0; i < heads; ++i)
        earlier.push_back(
            made.heads.at(sites[static_cast<std::size_t>(i)].first).run({.x = x, .side = {}, .active = {}}, earlier));
      earlier.push_back({torch::zeros({5, 4}), {}});
      return earlier;
    };
    CHECK(torch::equal(answer(false)[0].logits, answer(false)[0].logits));
    CHECK_FALSE(torch::equal(answer(true)[0].logits, answer(true)[0].logits));
    auto const imitation = method.extra_loss(answer(false)).item<double>();
    CHECK((heads == 1 ? imitation == 0 : imitation > 0));
  }
}

TEST_CASE("a head that does not fit is refused by exit, head and size", "[contract]") {
  auto const refused = [](Shape const& features, std::string const& head) {
    auto reader = reader_of(head);
    auto const method = find(methods(), "method", "sdn", "method").make(reader);
    Builder builder(1);
    return test::message_of<SpecError>([&] { method.make_heads({{"3", features}}, 10, builder); });
  };
  CHECK(refused({16, 6, 6}, R"({"head": "conv", "layers": 2})") ==
        "exit after stage 3: head conv with 2 layers does not fit features [16, 6, 6]: convolution 2 of 3 x 3 would "
        "see 2 x 2");
  CHECK(refused({2, 12, 12}, R"({"head": "conv", "layers": 4})").find("at least 4 channels") != std::string::npos);
  CHECK(refused({16, 6, 6}, R"({"head": "token"})").find("[tokens, width], found [16, 6, 6]") != std::string::npos);
  CHECK(refused({5, 8}, "{}").find("[C] or [C, H, W], found [5, 8]") != std::string::npos);
  for (auto const& features : {Shape{16}, Shape{16, 6, 6}, Shape{5, 8}})
    CHECK(refused(features, R"({"head": "auto"})") == "nothing thrown");
  auto idle = reader_of(R"({"head": "average", "pool": 2})");
  CHECK_THROWS_AS(find(methods(), "method", "sdn", "method").make(idle), SpecError);
}

TEST_CASE("every method: live answers are those of the simulation although rows leave", "[contract]") {
  int compared = 0, excluded = 0;
  for_every_method([&](PhaseBench& bench, std::vector<std::string> const& regime) {
    bench.train(regime);
    torch::NoGradGuard no_grad;
    auto const& images = bench.images();
    std::vector<int> rows(static_cast<std::size_t>(images.rows()));
    std::iota(rows.begin(), rows.end(), 0);
    auto const task = classify();
    auto const all = answer_all(bench.net(), plain_batch(images, rows).input);
    ExitTable table;
    table.rows = images.rows();
    table.exits = static_cast<int>(all.size());
    table.label = images.labels;
    table.sample = rows;
    table.cost = {1, 2, 3};
    table.plain_cost = 3;
    table.predicted.resize(rows.size() * all.size());
    table.confidence.resize(rows.size() * all.size());
    std::vector<double> gap(table.confidence.size());
    for (int k = 0; k < table.exits; ++k) {
      auto const& logits = all[static_cast<std::size_t>(k)].logits;
      auto const predicted = task.predict(logits);
      auto const confidence = task.confidence(Confidence::max_probability, logits, all);
      auto const best = std::get<0>(logits.topk(2, 1));
      for (int row = 0; row < table.rows; ++row) {
        table.predicted[table.at(row, k)] = predicted[static_cast<std::size_t>(row)];
        table.confidence[table.at(row, k)] = confidence[static_cast<std::size_t>(row)];
        gap[table.at(row, k)] = (best[row][0] - best[row][1]).item<double>();
      }
    }
    auto reader = empty_reader();
    auto const family = find(policies(), "policy", "threshold", "policy").make(reader);
    auto const knobs = clear_point(family, table);
    auto const outcome = simulate(table, family.at(knobs));
    for (int const batch : {1, 7, 64})
      for (int from = 0; from < table.rows; from += batch) {
        auto const to = std::min(from + batch, table.rows);
        auto const live = answer_early(bench.net(), plain_batch(images, {rows.begin() + from, rows.begin() + to}).input,
                                       task, Confidence::max_probability, family.at(knobs));
        for (int row = from; row < to; ++row) {
          int const exit = outcome.exit[static_cast<std::size_t>(row)];
          bool near = false;
          for (int k = 0; k <= exit; ++k)
            near = near || std::abs(table.confidence[table.at(row, k)] - knobs[0]) <= 1e-5 ||
                   gap[table.at(row, k)] <= 1e-5;
          ++compared;
          excluded += near;
          if (near) continue;
          CHECK(live.exit[static_cast<std::size_t>(row - from)] == exit);
          CHECK(live.predicted[static_cast<std::size_t>(row - from)] == table.predicted[table.at(row, exit)]);
        }
      }
  });
  WARN("live = simulated: " << compared << " rows compared, " << excluded << " of them excluded");
  CHECK(compared > 1000);
  CHECK(excluded * 1000 <= compared);
}

}  // namespace eexit
