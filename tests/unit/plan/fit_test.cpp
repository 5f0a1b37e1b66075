// Phases that do not train: fits and prunings in plans, and lengths beside the protocol's.
#include "core/base/error.h"
#include "core/plan/run_text.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/plan/fake_catalog.h"

#include "tests/support/catch.h"

using namespace eexit;
using namespace eexit::test;

namespace {

std::string names_of(Run const& run) {
  std::string text;
  for (auto const& phase : run.phases) text += (text.empty() ? "" : " ") + name_of(phase.phase);
  return text;
}

std::string const backbone = R"({"name": "phases", "phases": ["backbone"]})";
// Fitted heads that learn, and such that do not.
std::string const learning = R"({"name": "means"})", fixed_heads = R"({"name": "means", "head": "average"})";

Run run_by(std::string const& method, std::string const& regime, std::string const& more = "",
           std::string const& arch = R"({"name": "tower"})") {
  return plan_of(R"({"study": "s", "defaults": {"data": {"name": "toy"}, "placement": {"after": [0, 1]}, "arch": )" +
                 arch + R"(, "method": )" + method + R"(, "regime": )" + regime + more + "}}")
      .runs.front();
}

std::string message(std::string const& method, std::string const& regime) {
  return message_of<SpecError>([&] { run_by(method, regime); });
}

std::string message(std::string const& more) {
  return message_of<SpecError>([&] { run_of(more); });
}

}  // namespace

TEST_CASE("a fit stands before the first phase that trains heads, or after all") {
  CHECK(names_of(run_by(fixed_heads, backbone)) == "backbone fit");
  CHECK(names_of(run_by(learning, R"({"name": "disjoint"})")) == "backbone fit heads");
  CHECK(names_of(run_by(learning, R"({"name": "mixed"})")) == "backbone fit joint");
  auto const run = run_by(fixed_heads, backbone);
  CHECK(run.method_label == "means-average");
  CHECK(run.after == std::vector<std::string>{"0", "1"});
  CHECK(run.exit_cost.size() == 3);
  CHECK(run.buffer_bytes == 16);
  CHECK_FALSE(heads_by(run, 0));
  CHECK(heads_by(run, 1));
  // 360 rows, half of them, twice through stem and two blocks, and two heads of 10 once.
  CHECK(run.phases[1].macs == 0.5 * 360 * (2 * 240 + 20));
  CHECK(run.phases[1].steps == 0);
}

TEST_CASE("fitted heads share the backbone of all others, and answers' parameters are in no phase") {
  auto const means = run_by(fixed_heads, backbone), plain = run_by(R"({"name": "tiny"})", backbone);
  CHECK(means.phases[0].key == plain.phases[0].key);
  CHECK(plain.method_label == "none");
  auto const raw = run_by(R"({"name": "means", "raw": true, "head": "average"})", backbone);
  CHECK(raw.phases[1].key == means.phases[1].key);
  CHECK(raw.id != means.id);
  CHECK(run_by(fixed_heads, backbone, R"(, "seed": 1)").phases[1].key != means.phases[1].key);
}

TEST_CASE("means need a trained network, and heads that learn a phase that trains them") {
  CHECK(message(learning, R"({"name": "joint"})")
            .starts_with("spec.json /defaults/regime: means of classes are those of a trained network: expected a "
                         "backbone phase first"));
  CHECK(message(fixed_heads, R"({"name": "mixed"})")
            .starts_with("spec.json /defaults/regime: phase joint trains heads, and these have nothing to learn"));
  CHECK(message(learning, backbone).find("fitted and never trained") != std::string::npos);
  auto const from_file =
      run_by(fixed_heads, R"({"name": "phases"})", "", R"({"name": "tower", "weights": "here.safetensors"})");
  CHECK(names_of(from_file) == "fit");
  CHECK(from_file.phases[0].parent == "weights " + std::string(64, 'd'));
  CHECK(message(R"({"name": "means", "head": "average", "clusters": "true"})", backbone)
            .starts_with("spec.json /defaults/method/labels: tower-4 learns from labels"));
}

TEST_CASE("every class that is to have a mean has a training row") {
  CHECK(message_of<SpecError>([] {
          plan_of(R"({"study": "s", "defaults": {"data": {"name": "toy2"}, "placement": {"after": [0]}, "arch": {"name":
            "tower"}, "method": )" +
                  fixed_heads + R"(, "regime": )" + backbone + "}}");
        }) == "spec.json /defaults/data: class 4 has no training rows, and every class must have a mean");
}

TEST_CASE("passes and seconds are steps beside what the protocol gives") {
  std::string const train = R"(, "train": {"protocol": {"name": "equal_epochs", "total": 5}, "batch": 36})";
  auto const run = run_of(train + R"(, "regime": {"name": "phases", "phases": ["backbone", "heads"], "passes": [0,
    1.33]})");
  CHECK(run.phases[0].steps == 50);
  CHECK(run.phases[1].steps == 13);
  CHECK(train_of(run.phases[1]).length == Length{.epochs = 1, .steps = 3});
  CHECK(run.phases[1].macs == (360 + 3 * 36) * (500 + 3 * 20.0));
  auto const timed = run_of(train + R"(, "regime": {"name": "phases", "phases": ["joint"], "seconds": [0.7]})");
  CHECK(timed.phases[0].steps == 7);
  CHECK(timed.phases[0].macs == 7 * 36 * 3 * 520.0);
  CHECK(message(R"(, "train": {"protocol": {"name": "equal_macs"}}, "regime": {"name": "phases", "phases": ["joint"],
    "seconds": [1]})")
            .find("seconds are known only once they are timed") != std::string::npos);
  // What was asked is in the run's id, what it came to in the phase's key.
  auto const same = run_of(train + R"(, "regime": {"name": "phases", "phases": ["joint"], "passes": [0.7]})");
  CHECK(same.phases[0].key == timed.phases[0].key);
  CHECK(same.id != timed.id);
}

TEST_CASE("rounds of fine-tuning share alike what the protocol leaves") {
  std::string const train =
      R"(, "train": {"protocol": {"name": "equal_epochs", "total": 5, "backbone": 2}, "batch": 36})";
  auto const together = run_of(train + R"(, "regime": {"name": "prune_together", "rounds": 4})");
  CHECK(names_of(together) == "joint prune fine_tune prune fine_tune prune fine_tune prune fine_tune");
  CHECK(together.phases[0].steps == 20);
  CHECK(together.phases[2].steps == 8);  // 30 among four: 8, 8, 7, 7
  CHECK(together.phases[6].steps == 7);
  auto const separately = run_of(train + R"(, "regime": {"name": "prune_separately", "rounds": 2})");
  CHECK(names_of(separately) == "backbone prune fine_tune prune fine_tune prune fine_tune prune fine_tune");
  auto const sum = [](Run const& run) {
    long steps = 0;
    for (auto const& phase : run.phases) steps += phase.steps;
    return steps;
  };
  CHECK(sum(together) == 50);
  CHECK(sum(separately) == 50);
  CHECK_FALSE(heads_by(separately, 4));
  CHECK(heads_by(separately, 5));
  CHECK(std::get<Prune>(separately.phases[7].phase).occurrence == 3);
  // What comes before the first round is shared by all that prune otherwise; rounds by all that make more of them.
  auto const longer = run_of(train + R"(, "regime": {"name": "prune_together", "rounds": 5, "steps": 8})");
  CHECK(longer.phases[0].steps == 50);
  CHECK(longer.phases[10].steps == 8);
  CHECK(run_of(train + R"(, "regime": {"name": "prune_together", "rounds": 2, "steps": 8})").phases[4].key ==
        longer.phases[4].key);
  auto const fewer = run_of(train + R"(, "regime": {"name": "prune_together", "rounds": 4, "rate": 0.2})");
  CHECK(fewer.phases[0].key == together.phases[0].key);
  CHECK(fewer.phases[1].key != together.phases[1].key);
  CHECK(message(R"(, "train": {"protocol": {"name": "converged"}}, "regime": {"name": "prune_together"})")
            .find("converged has no total") != std::string::npos);
  CHECK(message(R"(, "train": {"protocol": {"name": "equal_epochs", "total": 3, "backbone": 2}, "batch": 360},
    "regime": {"name": "prune_together", "rounds": 4})")
            .find("less than one step for each of 4 rounds") != std::string::npos);
  CHECK(message(train + R"(, "regime": {"name": "prune_together", "rounds": 4, "by": "channels"})")
            .starts_with("spec.json /defaults/regime/by: tower-4 does not say which channels can be removed"));
}

TEST_CASE("under equal MACs rounds are as long as the reference pays for") {
  std::string const train =
      R"(, "train": {"protocol": {"name": "equal_macs", "total": 10, "backbone": 2}, "batch": 36})";
  double const reference = 10 * 360 * 3 * 520.0;
  for (std::string const regime : {"prune_together", "prune_separately"}) {
    auto const run = run_of(train + R"(, "regime": {"name": ")" + regime + R"(", "rounds": 3, "by": "gradient",
      "batches": 2})");
    double spent = 0, largest = 0;
    for (auto const& phase : run.phases) {
      spent += phase.macs;
      if (phase.steps > 0) largest = std::max(largest, phase.macs / static_cast<double>(phase.steps));
    }
    CHECK(spent <= reference * (1 + 1e-9));
    CHECK(spent > reference - largest);
  }
}
