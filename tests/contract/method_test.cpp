// What every method promises in every regime, on a convolutional network and on a transformer.
#include "core/base/log.h"
#include "core/exits/policy.h"
#include "core/net/early.h"
#include "core/tasks/classify.h"
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
        PhaseBench bench(small_net(net), std::string(entry.name), net == "class_token" ? R"({"head": "token"})" : "{}");
        check(bench, regime);
      }
}

bool learns(Train const& phase, std::string const& name) {
  return std::any_of(phase.learn.begin(), phase.learn.end(),
                     [&](auto const& prefix) { return name.starts_with(prefix); });
}

}  // namespace

TEST_CASE("every method: what a phase does not learn stays to the bit, what it learns moves", "[contract]") {
  for_every_method([](PhaseBench& bench, std::vector<std::string> const& regime) {
    auto const after = bench.train(regime);
    REQUIRE(after.size() >= regime.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      auto const& phase = std::get<Train>(bench.phase(i));
      bool moved = false;
      for (auto const& [name, value] : after[i]) {
        INFO(phase.name << ": " << name);
        CHECK(value.isfinite().all().item<bool>());
        if (i == 0 || !after[i - 1].contains(name)) continue;
        bool const same = torch::equal(value, after[i - 1].at(name));
        if (!learns(phase, name)) CHECK(same);
        moved = moved || (!same && learns(phase, name));
      }
      if (i > 0 && phase.name == "joint") CHECK(moved);
    }
  });
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
