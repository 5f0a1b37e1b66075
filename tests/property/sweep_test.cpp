// Phases as they are really run: what is frozen stays, what is shared is equal, live inference equals simulation, and a
// damaged checkpoint is never loaded wrong.
#include <cmath>
#include <fstream>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/stream.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/execute/train.h"
#include "core/execute/work.h"
#include "core/net/early.h"
#include "core/net/weights.h"
#include "core/report/judge.h"
#include "core/store/exit_file.h"
#include "core/tasks/classify.h"
#include "tests/support/clear_point.h"
#include "tests/support/plans.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

using Edits = std::vector<std::string>;

// A narrow ResNet-8 with two exits and augmented data, a few seconds a run.
Plan resnet_plan(Store const& store, std::string const& regime, Edits edits = {}) {
  edits.insert(
      edits.begin(),
      {"/defaults/arch={\"name\": \"resnet\", \"depth\": 8, \"width\": 4}",
       "/defaults/placement={\"after\": [\"stem\", 0]}", "/defaults/data/augment={\"name\": \"crop_flip\"}",
       "/defaults/train={\"protocol\": {\"name\": \"equal_epochs\", \"total\": 3, \"backbone\": 2}, \"batch\": 64}",
       "/eval/plain=false", "/defaults/regime=" + regime});
  return fixture_plan(store, edits);
}

std::map<std::string, TensorBytes> weights(Store const& store, std::string const& key) {
  return read_tensors(store.phase(key) / "weights.safetensors").tensors;
}

struct Quiet {
  Quiet() { set_log_level(Level::quiet); }
  ~Quiet() { set_log_level(Level::normal); }
};

bool all_done(Plan const& plan, Store const& store) {
  return std::all_of(plan.runs.begin(), plan.runs.end(), [&](Run const& run) { return store.run_done(run.id); });
}

Run const& main_run(Plan const& plan) { return plan.runs.front(); }

// Trains the run's first phase in `folder`. A stop comes at the call number `stop_at` for losses on val, from 1.
// `told`: numbers of the epochs that were told.
std::map<std::string, TensorBytes> train_first(Plan const& plan, fs::path const& folder, int stop_at = 0,
                                               std::vector<int>* told = nullptr) {
  auto const& run = main_run(plan);
  auto const net = build_net(run);
  OpenData data(torch::kCPU);
  Task task = classify();
  int calls = 0;
  task.loss = [&, loss = task.loss](Tensor const& logits, Tensor const& target, double smoothing) {
    bool const val = !torch::GradMode::is_enabled() && target.size(0) == static_cast<long>(run.splits->val.size());
    if (val && ++calls == stop_at) throw Interrupted("stop");
    return loss(logits, target, smoothing);
  };
  Method const method = read_method(run.method);
  make_folder(folder);
  std::vector<TrainJob> const jobs = {
      {.run = run, .phase = run.phases[0], .net = *net, .method = method, .folder = folder, .label = "test"}};
  auto const report = [told](Event const& event) {
    if (told != nullptr && event.kind == "epoch") told->push_back(event.epoch);
  };
  train(jobs, {.task = task, .images = data.images(run.data.source, Split::train), .room = {}, .report = report},
        {.done = [](std::size_t, TrainResult const&) {},
         .diverged = [](std::size_t, std::string const& reason, long) { FAIL(reason); }});
  std::map<std::string, TensorBytes> values;
  for (auto const& [name, tensor] : tensors_of(*net)) values[name] = to_bytes(tensor);
  return values;
}

// Lines of a journal without what differs from time to time.
std::vector<std::string> journal_lines(fs::path const& folder) {
  std::vector<std::string> lines;
  for (auto const& line : split(read_file(folder / "journal.jsonl"), '\n'))
    lines.push_back(line.substr(0, line.find("\"seconds\"")));
  return lines;
}

}  // namespace

TEST_CASE("a heads phase leaves every parameter and buffer of the backbone bit-identical") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = resnet_plan(store, R"({"name": "disjoint"})");
  do_plan(plan, store);
  REQUIRE(all_done(plan, store));
  auto const& phases = main_run(plan).phases;
  auto const before = weights(store, phases[0].key), after = weights(store, phases[1].key);
  REQUIRE(before.size() > 20);
  for (auto const& [name, tensor] : before) {
    INFO(name);
    CHECK(after.at(name).bytes == tensor.bytes);
  }
  // The heads did learn.
  auto const fresh = build_net(main_run(plan));
  for (auto const& [name, tensor] : tensors_of(*fresh, {"head."})) {
    INFO(name);
    CHECK(after.at(name).bytes != to_bytes(tensor).bytes);
  }
}

// Networks may be large and val long: a stop must not wait for the end of a check.
TEST_CASE("a stop while val is measured is made up for: the same weights, journal and early stop") {
  Quiet const quiet;
  std::string const epochs = R"("protocol": {"name": "equal_epochs", "total": 3, "backbone": 1})";
  struct Case {
    std::string method, train;
  };
  for (auto const& [method, recipe] :
       {Case{R"({"name": "sdn"})", epochs},
        Case{R"({"name": "sdn"})", R"("protocol": {"name": "converged", "patience": 1, "max_epochs": 4})"},
        Case{R"({"name": "sdn"})", epochs + R"(, "exit_weights": {"name": "ramp"}, "taps": {"name": "equilibrium"})"},
        Case{R"({"name": "gpf", "state_width": 5, "dropout": 0.3})", epochs + R"(, "distill": {"name": "later"})"},
        Case{R"({"name": "l2w", "hidden": 7})", epochs + R"(, "clip": 1)"}}) {
    test::TemporaryFolder const folder;
    Store const store(folder.path);
    auto const plan = fixture_plan(
        store, {"/defaults/arch={\"name\": \"mlp\", \"widths\": [8, 8]}", "/defaults/placement={\"after\": [0]}",
                "/defaults/regime={\"name\": \"joint\"}", "/eval/plain=false", "/defaults/method=" + method,
                "/defaults/train={" + recipe + ", \"batch\": 120, \"keep\": \"mean\"}"});
    auto const whole = train_first(plan, folder.path / "whole");
    auto const lines = journal_lines(folder.path / "whole");
    REQUIRE(lines.size() >= 3);
    // Two exits, one portion of val: every second call is a check's first. The last checks are of the weights kept.
    for (int const at : {1, 3, 4, 2 * static_cast<int>(lines.size()) - 3, 2 * static_cast<int>(lines.size()) - 1}) {
      INFO(method << " " << recipe << ", stopped at call " << at);
      auto const where = folder.path / ("stopped-" + std::to_string(at));
      CHECK_THROWS_AS(train_first(plan, where, at), Interrupted);
      CHECK(load_checkpoint(where, main_run(plan).phases[0].key).has_value());
      std::vector<int> told;
      auto const resumed = train_first(plan, where, 0, &told);
      for (auto const& [name, value] : whole) CHECK(resumed.at(name).bytes == value.bytes);
      CHECK(journal_lines(where) == lines);
      // Also those before the stop: who heard of them may not have written it down.
      REQUIRE(told.size() + 1 == lines.size());
      for (std::size_t i = 0; i < told.size(); ++i) CHECK(told[i] == static_cast<int>(i) + 1);
    }
  }
}

TEST_CASE("heads after joint are really frozen to the joint result, and mixed moves the backbone on") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = resnet_plan(store, R"({"name": "phases", "phases": ["joint", "heads"], "epochs": [2, 1]})");
  do_plan(plan, store);
  REQUIRE(all_done(plan, store));
  auto const& phases = main_run(plan).phases;
  auto const before = weights(store, phases[0].key), after = weights(store, phases[1].key);
  int moved = 0;
  for (auto const& [name, tensor] : before) {
    INFO(name);
    if (name.starts_with("head."))
      moved += after.at(name).bytes != tensor.bytes;
    else
      CHECK(after.at(name).bytes == tensor.bytes);
  }
  CHECK(moved > 0);

  auto const mixed = resnet_plan(store, R"({"name": "mixed"})");
  do_plan(mixed, store);
  REQUIRE(all_done(mixed, store));
  auto const backbone = weights(store, main_run(mixed).phases[0].key),
             all = weights(store, main_run(mixed).phases[1].key);
  CHECK(all.at("stage.stem.conv1.weight").bytes != backbone.at("stage.stem.conv1.weight").bytes);
  CHECK(all.at("stage.stem.bn1.running_mean").bytes != backbone.at("stage.stem.bn1.running_mean").bytes);
}

TEST_CASE(
    "the same plan trained twice gives the same bytes, in f32 and bf16, with every optimiser and early stopping") {
  Quiet const quiet;
  for (Edits const& edits :
       {Edits{"/defaults/train/precision=bf16"},
        Edits{"/defaults/train/optimizer={\"name\": \"adamw\"}", "/defaults/train/clip=1",
              "/defaults/train/label_smoothing=0.1"},
        Edits{"/defaults/train/protocol={\"name\": \"converged\", \"patience\": 1, \"max_epochs\": 3}",
              "/defaults/train/exit_weights={\"name\": \"cost\"}"},
        Edits{"/defaults/train/protocol={\"name\": \"equal_macs\", \"total\": 2, \"backbone\": 1}",
              "/defaults/train/keep=mean"}}) {
    INFO(edits[0]);
    std::vector<std::map<std::string, TensorBytes>> results;
    for (int i = 0; i < 2; ++i) {
      test::TemporaryFolder const folder;
      Store const store(folder.path);
      auto const plan = resnet_plan(store, R"({"name": "mixed"})", edits);
      do_plan(plan, store);
      REQUIRE(all_done(plan, store));
      results.push_back(weights(store, main_run(plan).phases.back().key));
    }
    for (auto const& [name, tensor] : results[0]) {
      INFO(name);
      CHECK(results[1].at(name).bytes == tensor.bytes);
    }
  }
}

// Heads of one backbone trained together, and each alone in a store that starts from the same backbone.
TEST_CASE("heads on one frozen trunk learn together what they learn alone, bit for bit") {
  Quiet const quiet;
  struct Case {
    std::string name;
    Edits edits;
    std::size_t memory;
  };
  std::string const plain_data = "/defaults/data/augment={\"name\": \"none\"}";
  for (auto const& [name, edits, memory] :
       {Case{"augmented", {}, Room{}.memory_bytes}, Case{"features kept", {plain_data}, Room{}.memory_bytes},
        Case{"features on disk", {plain_data}, 100 << 10},
        Case{"bf16, features kept", {plain_data, "/defaults/train/precision=bf16"}, Room{}.memory_bytes},
        Case{"seeds of heads and optimisers of their own",
             {plain_data, "/grid/head_seed=[3, 4]",
              R"(/grid/~1train~1regimes~1disjoint~1heads~1optimizer=[{"lr": 0.1}, {"name": "adamw", "lr": 0.001}])"},
             Room{}.memory_bytes},
        Case{"early stopping",
             {"/defaults/train/protocol={\"name\": \"converged\", \"patience\": 1, \"max_epochs\": 3}"},
             Room{}.memory_bytes}}) {
    INFO(name);
    auto all = edits;
    all.insert(all.end(), {R"(/grid/method=[{"name": "sdn", "pool": 1}, {"name": "sdn", "pool": 2}, )"
                           R"({"name": "sdn", "head": "average"}])",
                           R"(/grid/placement=[{"after": ["stem", 0]}, {"after": [1]}])"});
    test::TemporaryFolder const folder, other;
    Store const store(folder.path), alone(other.path);
    auto const plan = resnet_plan(store, R"({"name": "disjoint"})", all);
    auto const graph = make_graph(plan);
    REQUIRE(plan.runs.size() == (name.starts_with("seeds") ? 24 : 6));
    do_plan(plan, store, {.feature_bytes = memory});
    auto const& backbone = plan.runs[0].phases[0].key;
    fs::create_directories(alone.phase(backbone));
    for (auto const* file : {"phase.json", "weights.safetensors"})
      fs::copy_file(store.phase(backbone) / file, alone.phase(backbone) / file);
    for (auto const& run : plan.runs) {
      REQUIRE(run.phases[0].key == backbone);
      auto const& heads = run.phases[1].key;
      REQUIRE(do_nodes(graph, {graph.number.at(heads)}, plan, alone, {}) == WorkEnd::done);
      INFO(run.id);
      CHECK(read_file(store.phase(heads) / "weights.safetensors") ==
            read_file(alone.phase(heads) / "weights.safetensors"));
    }
  }
}

TEST_CASE("head phases of one trunk are one group, and a phase that diverges ends alone") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = resnet_plan(
      store, R"({"name": "disjoint"})",
      {R"(/grid/~1train~1regimes~1disjoint~1heads~1optimizer=[{"lr": 0.05}, {"lr": 1000, "weight_decay": 10}])"});
  auto const graph = make_graph(plan);
  REQUIRE(plan.runs.size() == 2);
  std::vector<std::size_t> heads;
  for (auto const& run : plan.runs) heads.push_back(graph.number.at(run.phases[1].key));
  CHECK(groups_of(graph, heads, std::vector<bool>(graph.nodes.size(), true)).size() == 1);
  do_plan(plan, store);
  CHECK(store.run_done(plan.runs[0].id));
  CHECK_FALSE(store.run_done(plan.runs[1].id));
  auto const failure = read_failure(graph.nodes[heads[1]], store);
  REQUIRE(failure);
  CHECK(failure->diverged);
  CHECK(failure->reason.find("the loss is") != std::string::npos);
}

TEST_CASE("live inference equals simulation on cal and test at batch 1, 7 and 64 for each policy") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = resnet_plan(store, R"({"name": "joint"})");
  do_plan(plan, store);
  REQUIRE(all_done(plan, store));
  auto const& run = main_run(plan);
  auto const net = finished_net(run, weights_of(store, run), torch::kCPU);
  StoredExits const stored(store.run(run.id) / "exits.safetensors");
  OpenData data(torch::kCPU);
  Task const task = classify();
  for (auto const& policy : names(policies()))
    for (std::string const name : {"max_probability", "entropy", "margin", "calibrated max_probability"})
      for (std::string const split : {"cal", "test"}) {
        bool const temperature = name.starts_with(calibrated);
        EvalSpec::Rule const rule{.policy = {policy, "{}"},
                                  .confidence = temperature ? name.substr(calibrated.size()) : name,
                                  .temperature = temperature};
        auto const measure = measure_of(rule, [&] { return stored.temperatures(); });
        auto const table = stored.table(split, measure, run, Convention::mac);
        auto const family = family_of(rule);
        auto const knobs = clear_point(family, table);
        auto const at = family.at(knobs);
        auto const thresholds = thresholds_of(family, knobs);
        auto const expected = simulate(table, at);
        auto const& images = data.images(run.data.source, split == "cal" ? Split::train : Split::test);
        int excluded = 0, left_early = 0;
        for (int const batch : {1, 7, 64})
          for (int from = 0; from < table.rows; from += batch) {
            std::vector<int> const rows(table.sample.begin() + from,
                                        table.sample.begin() + std::min(from + batch, table.rows));
            auto const live = answer_early(*net, plain_batch(images, rows).input, task, measure, at);
            for (std::size_t i = 0; i < rows.size(); ++i) {
              int const row = from + static_cast<int>(i);
              bool near = false;  // another batch size may change last bits
              for (int k = 0; k < table.exits; ++k)
                for (double const threshold : thresholds)
                  near = near || std::abs(table.confidence[table.at(row, k)] - threshold) <= 1e-5;
              excluded += near;
              int const exit = expected.exit[static_cast<std::size_t>(row)];
              left_early += exit < table.exits - 1;
              if (near) continue;
              INFO(policy << " " << name << " " << split << " batch " << batch << " row " << row);
              REQUIRE(live.exit[i] == exit);
              REQUIRE(live.predicted[i] == table.predicted[table.at(row, exit)]);
              REQUIRE(std::abs(live.confidence[i] - table.confidence[table.at(row, exit)]) < 1e-4);
            }
          }
        INFO(policy << " " << name << " " << split << ": excluded " << excluded);
        CHECK(excluded <= table.rows * 3 / 1000 + 1);
        CHECK(left_early > 0);
      }
}

TEST_CASE(
    "an mlp checkpoint cut at every length or with one bit turned is refused or recovered from, never loaded wrong") {
  Quiet const quiet;
  test::TemporaryFolder const folder;
  Store const store(folder.path);
  auto const plan = fixture_plan(
      store,
      {"/defaults/arch={\"name\": \"mlp\", \"widths\": [2, 2]}", "/defaults/placement={\"after\": [0]}",
       "/defaults/regime={\"name\": \"joint\"}", "/eval/plain=false",
       "/defaults/train={\"protocol\": {\"name\": \"equal_epochs\", \"total\": 1, \"backbone\": 1}, \"batch\": 300, "
       "\"checkpoint_seconds\": 0}"});
  auto const& run = main_run(plan);
  auto const& phase = run.phases[0];
  auto const net = build_net(run);
  OpenData data(torch::kCPU);
  Task const task = classify();
  Method const method = read_method(run.method);
  auto const where = store.phase(phase.key);
  make_folder(where);
  // checkpoint_seconds 0: one after every step but the last of three.
  std::vector<TrainJob> const jobs = {
      {.run = run, .phase = phase, .net = *net, .method = method, .folder = where, .label = "test"}};
  int done = 0;
  train(jobs, {.task = task, .images = data.images(run.data.source, Split::train)},
        {.done = [&](std::size_t, TrainResult const&) { ++done; },
         .diverged = [](std::size_t, std::string const& reason, long) { FAIL(reason); }});
  REQUIRE(done == 1);
  auto const good = where / "checkpoint-1.safetensors", newest = where / "checkpoint-2.safetensors";
  auto const older = read_tensors(good);
  auto const bytes = read_file(newest);
  REQUIRE(bytes.size() <= 32 * 1024);
  REQUIRE(read_tensors(newest).tensors.at("progress").bytes != older.tensors.at("progress").bytes);
  auto const recovers = [&](std::string const& damaged) {
    {
      std::ofstream file(newest, std::ios::binary);  // without fsync: fourteen thousand of them
      file << damaged;
    }
    auto const found = load_checkpoint(where, phase.key);
    return found && found->tensors.at("progress").bytes == older.tensors.at("progress").bytes &&
           found->tensors.at("net.last.weight").bytes == older.tensors.at("net.last.weight").bytes;
  };
  int wrong = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) wrong += !recovers(bytes.substr(0, length));
  CHECK(wrong == 0);
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    auto damaged = bytes;
    auto const bit = static_cast<std::size_t>(random.below(static_cast<int>(bytes.size()) * 8));
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    wrong += !recovers(damaged);
  }
  CHECK(wrong == 0);
}

}  // namespace eexit
