// Tries at nodes in jobs of a cluster, as their notes tell them.
#include "core/sweep/attempts.h"

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using namespace eexit::test;

namespace {

// disjoint: backbone, heads, answers; joint: joint, answers.
struct Bench {
  TemporaryFolder folder;
  Store store{folder.path / "out"};
  Plan plan = plan_of(
      spec_of("", R"(, "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}]}, "eval": {"plain": false})"));
  Graph graph = make_graph(plan);
  std::size_t backbone = phase(0, 0), heads = phase(0, 1), joint = phase(1, 0);
  std::size_t answers = graph.number.at(plan.runs[0].id), joint_answers = graph.number.at(plan.runs[1].id);

  std::size_t phase(std::size_t run, std::size_t number) const {
    return graph.number.at(plan.runs[run].phases[number].key);
  }
  Node const& node(std::size_t i) const { return graph.nodes[i]; }
  void finish(std::size_t i) const {
    write_file(folder_of(node(i), store) / (node(i).kind == Node::Kind::phase ? "phase.json" : "metrics.json"), "{}");
  }
  bool begin(std::size_t i, std::string const& log, int restarts = 0) const {
    return begin_attempt(node(i), store, {.log = (folder.path / log).string(), .restarts = restarts});
  }
  int count(std::size_t i) const { return read_attempts(node(i), store).value_or(Attempts{}).count; }
  std::vector<std::vector<std::size_t>> groups(std::vector<std::size_t> const& nodes) const {
    return groups_to_try(graph, left_to_try(graph, nodes, store), store);
  }
};

}  // namespace

TEST_CASE("attempts: two at a node, and then a note that says where to look", "[sweep]") {
  Bench const bench;
  auto const at = bench.backbone;
  CHECK(bench.begin(at, "a.log"));
  CHECK_FALSE(is_given_up(bench.node(at), bench.store));
  CHECK(bench.begin(at, "b.log"));
  write_file(bench.folder.path / "b.log", "one\n\n2\n3\n4\n5\nerror: 6\n");
  CHECK(state_of(bench.node(at), bench.store) == NodeState::interrupted);
  CHECK_FALSE(bench.begin(at, "c.log"));
  CHECK(is_given_up(bench.node(at), bench.store));
  auto const log = (bench.folder.path / "b.log").string();
  CHECK(read_failure(bench.node(at), bench.store)->reason ==
        "ended without a result each of two times; the log is " + log + "; its last lines: 2 | 3 | 4 | 5 | error: 6");
  CHECK_FALSE(bench.begin(at, "d.log"));
  forget_failure(bench.node(at), bench.store);
  forget_attempts(bench.node(at), bench.store);
  CHECK(bench.begin(at, "e.log"));
}

TEST_CASE("attempts: neither a stop nor what the cluster ended itself counts", "[sweep]") {
  Bench const bench;
  auto const at = bench.joint;
  for (int i = 0; i < 5; ++i) {
    CHECK(bench.begin(at, "a.log"));
    take_back_attempt(bench.node(at), bench.store);
    CHECK(bench.count(at) == 0);
  }
  for (int restarts = 0; restarts < 5; ++restarts) CHECK(bench.begin(at, "a.log", restarts));
  CHECK(bench.count(at) == 1);
  CHECK(bench.begin(at, "b.log"));
  take_back_attempt(bench.node(at), bench.store);
  CHECK(bench.count(at) == 1);
}

TEST_CASE("attempts: a failure that a job has told is tried once more, one of the numbers is not", "[sweep]") {
  Bench const bench;
  CHECK(bench.begin(bench.backbone, "a.log"));
  write_failure(bench.node(bench.backbone), bench.store, {.reason = "out of memory"});
  CHECK(bench.groups({bench.heads, bench.answers}) == std::vector<std::vector<std::size_t>>{{bench.backbone}});
  CHECK(bench.begin(bench.backbone, "b.log"));
  CHECK(bench.groups({bench.heads, bench.answers}).empty());
  write_failure(bench.node(bench.joint), bench.store, {.reason = "the loss is nan", .diverged = true});
  CHECK_FALSE(bench.begin(bench.joint, "a.log"));
  CHECK(bench.groups({bench.joint, bench.joint_answers}).empty());
}

TEST_CASE("attempts: what a node needs comes first; what a job has died of is alone", "[sweep]") {
  Bench const bench;
  std::vector<std::size_t> const all = {bench.backbone, bench.heads, bench.answers, bench.joint, bench.joint_answers};
  using Groups = std::vector<std::vector<std::size_t>>;
  CHECK(bench.groups({bench.heads, bench.answers}) == Groups{{bench.backbone}});
  bench.finish(bench.backbone);
  CHECK(bench.groups({bench.heads, bench.answers}) == Groups{{bench.heads, bench.answers}});
  CHECK(bench.groups(all) == Groups{{bench.heads, bench.answers}, {bench.joint, bench.joint_answers}});
  bench.begin(bench.heads, "a.log");
  CHECK(bench.groups(all) == Groups{{bench.joint, bench.joint_answers}, {bench.heads, bench.answers}});
  for (auto const i : all) bench.finish(i);
  CHECK(bench.groups(all).empty());
}

TEST_CASE("attempts: when no job comes any more, what is left has failed, and what needs it", "[sweep]") {
  Bench const bench;
  std::vector<std::size_t> const all = {bench.backbone, bench.heads, bench.answers, bench.joint, bench.joint_answers};
  bench.begin(bench.backbone, "a.log");
  bench.finish(bench.joint);
  auto const rest = give_up_rest(bench.graph, all, bench.store, "logs");
  REQUIRE(rest.size() == 4);
  std::map<std::size_t, std::string> reasons;
  for (auto const& [node, reason] : rest) reasons[node] = reason;
  CHECK(reasons.at(bench.backbone) == "ended without a result; the log is " + (bench.folder.path / "a.log").string());
  CHECK(reasons.at(bench.heads) == bench.node(bench.backbone).label + " failed");
  CHECK(reasons.at(bench.answers) == bench.node(bench.heads).label + " failed");
  CHECK(reasons.at(bench.joint_answers) == "no job of the sweep began it; the jobs' logs are in logs");
  CHECK_FALSE(read_failure(bench.node(bench.heads), bench.store));
  CHECK(reasons_of(bench.graph, still_needed(bench.graph, bench.store), bench.store)[bench.answers] ==
        reasons.at(bench.answers));
}

TEST_CASE("attempts: what was given up before is not told again, and what another process is at is not given up",
          "[sweep]") {
  Bench const bench;
  for (auto const* log : {"a.log", "b.log", "c.log"}) bench.begin(bench.backbone, log);
  auto const rest = give_up_rest(bench.graph, {bench.backbone, bench.heads}, bench.store, "logs");
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].node == bench.heads);
  Lock const lock(folder_of(bench.node(bench.joint), bench.store) / "lock");
  CHECK(give_up_rest(bench.graph, {bench.joint, bench.joint_answers}, bench.store, "logs").empty());
}
