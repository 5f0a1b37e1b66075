// Supervisors against a worker that does nothing but end as it is told.
#include "core/sweep/supervisor.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/base/variable.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

std::string const worker = std::string(EEXIT_TESTS_DIR) + "/support/stub_worker";

struct Bench {
  TemporaryFolder folder;
  fs::path rules = folder.path / "rules";
  Store store{folder.path / "out"};
  Plan plan;
  Graph graph;

  explicit Bench(std::string const& rest, std::string const& more = "") : plan(plan_of(spec_of(more, rest))) {
    graph = make_graph(plan);
    fs::create_directories(rules);
    set_log_level(Level::quiet);
  }
  ~Bench() { set_log_level(Level::normal); }
  SuperviseOptions options(int jobs = 1) const {
    return {.jobs = jobs, .program = worker, .worker = {worker, store.root().string(), rules.string()}};
  }
  SweepReport run(int jobs = 1) const { return supervise(graph, plan, store, options(jobs)); }
  // What attempts at a node come to, one word each.
  void rule(std::string const& node, std::string const& words) const { write_file(rules / node, words); }
  std::vector<std::string> log() const {
    auto lines = fs::exists(rules / "log") ? split(read_file(rules / "log"), '\n') : std::vector<std::string>{};
    if (!lines.empty()) lines.pop_back();
    return lines;
  }
  int attempts(std::string const& node) const {
    auto const lines = log();
    return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](std::string const& line) {
      return line.starts_with("start") && line.find(node) != std::string::npos;
    }));
  }
};

constexpr char const* grid =
    R"(, "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}], "seed": [0, 1]}, "eval": {"plain": false})";

}  // namespace

TEST_CASE("supervisor: does every node once, and nothing the second time", "[sweep]") {
  Bench const bench(grid);
  auto const report = bench.run(2);
  CHECK(report.failed.empty());
  CHECK(report.trained == 6);
  for (auto const& node : bench.graph.nodes) {
    CHECK(is_done(node, bench.store));
    CHECK(bench.attempts(node.id) == 1);
  }
  auto const lines = bench.log().size();
  CHECK(bench.run().trained == 0);
  CHECK(bench.log().size() == lines);
}

TEST_CASE("supervisor: a worker that is killed is tried once more, and costs only what needs its node", "[sweep]") {
  Bench const once(grid), twice(grid);
  auto const backbone = [](Bench const& bench) { return bench.plan.runs[0].phases[0].key; };
  once.rule(backbone(once), "kill\n");
  CHECK(once.run().failed.empty());
  CHECK(once.attempts(backbone(once)) == 2);

  twice.rule(backbone(twice), "kill\nkill\n");
  auto const report = twice.run();
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed.begin()->first == twice.plan.runs[0].id);
  CHECK(report.failed.begin()->second.find("killed by signal 9") != std::string::npos);
  CHECK(twice.attempts(backbone(twice)) == 2);
  CHECK(state_of(twice.graph.nodes[twice.graph.number.at(backbone(twice))], twice.store) == NodeState::failed);
  for (auto const& run : twice.plan.runs) CHECK(twice.store.run_done(run.id) == !report.failed.contains(run.id));
  CHECK(report_of(twice.graph, twice.plan, twice.store).failed.size() == 1);
  // The same command tries again.
  CHECK(twice.run().failed.empty());
}

TEST_CASE("supervisor: a failure is told once for each node that cannot be had", "[sweep]") {
  Bench const bench(grid);
  auto const& run = bench.plan.runs[0];
  bench.rule(run.phases[0].key, "crash\nkill\n");
  std::map<std::string, std::vector<std::string>> told;
  auto options = bench.options();
  options.report = [&](Event const& event) {
    if (event.kind == "node_failed") told[event.node].push_back(event.reason);
  };
  supervise(bench.graph, bench.plan, bench.store, options);
  auto const label = [&](std::string const& id) { return bench.graph.nodes[bench.graph.number.at(id)].label; };
  REQUIRE(told.size() == 3);
  REQUIRE(told[run.phases[0].key].size() == 1);
  CHECK(told[run.phases[0].key][0].starts_with("killed by signal 9"));
  CHECK(told[run.phases[1].key] == std::vector{label(run.phases[0].key) + " failed"});
  CHECK(told[run.id] == std::vector{label(run.phases[1].key) + " failed"});
}

TEST_CASE("supervisor: a worker that cannot be started is our own error", "[sweep]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  Bench const bench(grid);
  rlimit const few{.rlim_cur = 4, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  auto code = Exit::ok;
  try {
    bench.run();
  } catch (RunError const& error) {
    code = error.code;
  }
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(code == Exit::internal);
}

TEST_CASE("supervisor: the last lines of a worker that crashed are in the reason", "[sweep]") {
  Bench const bench(grid);
  bench.rule(bench.plan.runs[2].phases[0].key, "crash\ncrash\n");
  auto const report = bench.run();
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed.begin()->second == "exit code 70; last lines: error: it fell over");
}

TEST_CASE("supervisor: one of a group that is killed does not take the others along twice", "[sweep]") {
  Bench const bench(R"(, "grid": {"method": [{"name": "tiny"}, {"name": "other"}]}, "eval": {"plain": false})",
                    R"(, "regime": {"name": "disjoint"})");
  auto const& bad = bench.plan.runs[1].phases[1].key;
  bench.rule(bad, "kill\nkill\n");
  auto const report = bench.run();
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed.begin()->first == bench.plan.runs[1].id);
  CHECK(bench.store.run_done(bench.plan.runs[0].id));
}

TEST_CASE("supervisor: what diverged is not tried again; a trial that diverged is an answer", "[sweep]") {
  Bench const bench(grid);
  auto const& joint = bench.plan.runs[2].phases[0].key;
  bench.rule(joint, "diverge\n");
  auto const report = bench.run();
  CHECK(report.failed == std::map<std::string, std::string>{{bench.plan.runs[2].id, "the loss is nan"}});
  CHECK(bench.attempts(joint) == 1);

  Bench const tuned(R"(, "eval": {"plain": false})", R"(, "regime": {"name": "joint"},
    "train": {"optimizer": {"name": "sgd", "lr": {"tune": [0.1, 0.2]}}})");
  tuned.rule(tuned.plan.runs[0].phases[0].tuning->trials[0].key, "diverge\n");
  CHECK(tuned.run().failed.empty());
  CHECK(tuned.store.run_done(tuned.plan.runs[0].id));
}

TEST_CASE("supervisor: a full disk and a refused spec end the sweep with their own codes", "[sweep]") {
  Bench const full(grid), refused(grid);
  full.rule(full.plan.runs[0].phases[0].key, "full\n");
  CHECK(message_of<RunError>([&] { full.run(); }).find("No space left") != std::string::npos);
  refused.rule(refused.plan.runs[0].phases[0].key, "refuse\n");
  CHECK(message_of<SpecError>([&] { refused.run(); }) == "spec.json /arch: no such thing");
  CHECK(full.run().failed.empty());
}

TEST_CASE("supervisor: --fail-fast stops at the first failure", "[sweep]") {
  Bench const bench(grid);
  bench.rule(bench.plan.runs[0].phases[0].key, "diverge\n");
  auto options = bench.options();
  options.fail_fast = true;
  auto const report = supervise(bench.graph, bench.plan, bench.store, options);
  CHECK(report.failed.size() == 1);
  CHECK(report.trained == 0);
}

TEST_CASE("supervisor: as many workers as there are jobs, and never more", "[sweep]") {
  Variable const slow("STUB_SECONDS", "0.05");
  for (int const jobs : {1, 3}) {
    Bench const bench(grid);
    bench.run(jobs);
    std::set<std::string> now;
    std::size_t most = 0;
    for (auto const& line : bench.log()) {
      auto const words = split(line, ' ');
      if (words[0] == "start") now.insert(words[1]);
      if (words[0] == "end") now.erase(words[1]);
      most = std::max(most, now.size());
    }
    CHECK(most == static_cast<std::size_t>(jobs));
  }
}

TEST_CASE("supervisor: two on one folder share the work", "[sweep]") {
  Variable const slow("STUB_SECONDS", "0.02");
  Bench const bench(grid);
  pid_t const other = fork();
  if (other == 0) {
    bool const good = bench.run().failed.empty();
    _exit(good ? 0 : 1);
  }
  CHECK(bench.run().failed.empty());
  int status = 0;
  waitpid(other, &status, 0);
  CHECK(status == 0);
  std::map<std::string, int> done;
  for (auto const& line : bench.log())
    if (line.starts_with("done ")) ++done[line.substr(5)];
  for (auto const& node : bench.graph.nodes) {
    INFO(node.label);
    CHECK(done[node.id] == 1);
  }
}

// What the supervisor itself costs: hidden, for it takes a minute; scripts/test --nightly runs it.
TEST_CASE("supervisor: under one percent of a sweep of 100 one-second nodes at two jobs", "[.overhead]") {
  Variable const second("STUB_SECONDS", "1");
  std::string seeds = "0";
  for (int seed = 1; seed < 100; ++seed) seeds += ", " + std::to_string(seed);
  Bench const bench(R"(, "grid": {"seed": [)" + seeds + R"(]}, "eval": {"plain": false})",
                    R"(, "regime": {"name": "joint"})");
  auto const begun = std::chrono::steady_clock::now();
  auto const report = bench.run(2);
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  // A worker lives for its second and what bash needs to come and go, which is its own: measured one alone.
  Bench const alone(R"(, "grid": {"seed": [0]}, "eval": {"plain": false})", R"(, "regime": {"name": "joint"})");
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    auto const at = std::chrono::steady_clock::now();
    auto const job = "echo '{\"nodes\":[\"" + std::string(64, 'a') + "\",\"b\"]}' | ";
    auto const out = (alone.folder.path / std::to_string(i)).string();
    auto const status = std::system((job + worker + " " + out + " " + alone.rules.string()).c_str());
    REQUIRE(status == 0);
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - at).count());
  }
  double const overhead = (seconds - 50 * least) / seconds;
  WARN("100 nodes, 2 jobs: " << fixed(seconds, 2) << " s, a worker alone " << fixed(least, 3) << " s, overhead "
                             << fixed(overhead * 100, 2) << " %");
  CHECK(report.trained == 100);
  CHECK(overhead < 0.01);
}
