#include "core/store/stored_runs.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

struct FiveRuns {
  TemporaryFolder folder;

  FiveRuns() {
    add("a", "mixed", 64, "sgd", R"({"test": [{"exit": "0", "accuracy": 0.5}, {"exit": "last", "accuracy": 0.875}]})");
    add("b", "joint", 64, "adamw", R"({"test": []})");
    add("c", "mixed", 128, "sgd", "");
    write_file(run("d") / "run.json", "{");
    make_folder(run("e"));
  }

  fs::path run(std::string const& id) const { return folder.path / "runs" / id; }

  void add(std::string const& id, std::string const& regime, int batch, std::string const& rule,
           std::string const& metrics) const {
    write_file(run(id) / "run.json",
               R"({"arch": {"name": "resnet", "label": "resnet-14"}, "method": "sdn", "seed": 3, "regime": ")" +
                   regime +
                   R"(", "spec": {"data": {"name": "mnist", "limit": null}, "placement": {"after": ["0", "2"]},
                   "train": {"batch": )" +
                   std::to_string(batch) + R"(, "optimizer": {"name": ")" + rule + R"(", "lr": 0.05}}}})");
    if (!metrics.empty()) write_file(run(id) / "metrics.json", metrics);
  }

  // Ids of the runs for which all conditions hold, in one text.
  std::string ids(std::vector<std::string> const& where = {}) const {
    std::string all;
    for (auto const& found : stored_runs(folder.path, where)) all += found.id;
    return all;
  }
};

}  // namespace

TEST_CASE("list runs: what is there, finished or not") {
  FiveRuns const store;
  auto const runs = stored_runs(store.folder.path, {});
  REQUIRE(runs.size() == 5);
  CHECK(runs[0].id == "a");
  CHECK(runs[0].arch == "resnet-14");
  CHECK(runs[0].data == "mnist");
  CHECK(runs[0].method == "sdn");
  CHECK(runs[0].regime == "mixed");
  CHECK(runs[0].seed == "3");
  CHECK(runs[0].accuracy == std::optional(0.875));
  CHECK_FALSE(runs[1].accuracy.has_value());
  std::vector<std::string> states;
  for (auto const& run : runs) states.push_back(run.status);
  CHECK(states == std::vector<std::string>{"done", "done", "unfinished", "damaged", "unfinished"});
}

TEST_CASE("list runs: conditions") {
  FiveRuns const store;
  CHECK(store.ids({"regime=mixed"}) == "ac");
  CHECK(store.ids({"regime=mixed", "train.batch=64"}) == "a");
  CHECK(store.ids({"status=done"}) == "ab");
  CHECK(store.ids({"arch=resnet"}) == "abc");
  CHECK(store.ids({"arch=resnet-14"}) == "abc");
  CHECK(store.ids({"arch=mlp"}).empty());
  CHECK(store.ids({"run=b"}) == "b");
  CHECK(store.ids({"seed=3"}) == "abc");
  CHECK(store.ids({"train.optimizer=adamw"}) == "b");
  CHECK(store.ids({"train.optimizer.lr=5e-2"}) == "abc");
  CHECK(store.ids({"train.batch=64.0"}) == "ab");
  CHECK(store.ids({"train.batch=sixty"}).empty());
  CHECK(store.ids({"data.limit=null"}) == "abc");
  CHECK(store.ids({R"(placement.after=["0","2"])"}) == "abc");
}

TEST_CASE("list runs: conditions that cannot be meant") {
  FiveRuns const store;
  auto const said = [&](std::string const& where) {
    return message_of<SpecError>([&] { stored_runs(store.folder.path, {where}); });
  };
  CHECK(said("regmie=mixed").starts_with("--where regmie=mixed: no key \"regmie\"; did you mean \"regime\"?"));
  CHECK(said("train.btach=64").find("did you mean \"train.batch\"?") != std::string::npos);
  CHECK(said("mixed") == "--where mixed: expected KEY=VALUE, as in regime=mixed or train.batch=64");
  CHECK(said("=mixed").starts_with("--where =mixed: expected KEY=VALUE"));
  try {
    stored_runs(store.folder.path, {"sed=3"});
    FAIL("nothing thrown");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::usage);
  }
  CHECK(message_of<SpecError>([&] {
          stored_runs(store.folder.path / "nowhere", {});
        }).ends_with("nowhere/runs: no such folder"));
}
