// The chart of accuracy against cost: which runs are seeds of one line, and which lines share a picture.
#include "core/analysis/analysis.h"
#include "core/base/text.h"
#include "tests/contract/readers.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

struct Asked {
  std::vector<std::string> methods, regimes, batches;
};

// Three seeds of everything asked for, with frontiers of two points, and a plain network.
Study study_of(Asked const& asked) {
  Study study{.name = "s"};
  study.curves.header = {"study", "run",   "split", "policy",        "confidence",
                         "kind",  "knobs", "cost",  "cost_fraction", "value"};
  auto const point = [&](Result const& run, std::string const& kind, double cost, double value) {
    bool const frontier = kind == "frontier";
    study.curves.rows.push_back({"s", run.run, "test", frontier ? "threshold" : "", frontier ? "max_probability" : "",
                                 kind, "", shortest(100 * cost), shortest(cost), shortest(value)});
  };
  for (auto const& method : asked.methods)
    for (auto const& regime : asked.regimes)
      for (auto const& batch : asked.batches)
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
          Result run{.study = "s", .role = "run", .arch = "resnet-14", .data = "toy", .method = method};
          run.regime = regime;
          run.protocol = "equal_epochs";
          run.seed = seed;
          run.run = method + "-" + regime + "-" + batch + "-" + std::to_string(seed);
          // The schedule's length follows from the batch: one of both says enough.
          run.axes = {{"train.batch", batch}, {"train.steps", batch + "0"}, {"regime.name", regime}};
          study.results.push_back(run);
          point(run, "frontier", 0.2, 0.5);
          point(run, "frontier", 1, 0.8);
          point(run, "exit", 0.2, 0.5);
        }
  Result plain{.study = "s", .run = "plain", .role = "plain", .arch = "resnet-14", .data = "toy", .method = "none"};
  study.results.push_back(plain);
  point(plain, "plain", 1, 0.9);
  return study;
}

Chart chart_of(Asked const& asked, std::string const& params = "{}") {
  auto reader = reader_of(params);
  auto const study = study_of(asked);
  return find(analyses(), "analysis", "cost_curve", "").make(reader)({&study, 1}).charts.at(0).second;
}

// The labels of the lines of a panel, each a mean of three seeds.
std::string lines_of(Chart const& chart, int panel = 0) {
  std::vector<std::string> labels;
  for (auto const& series : chart.series)
    if (series.panel == panel && series.kind == Series::Kind::line) {
      CHECK_FALSE(series.low.empty());
      labels.push_back(series.label);
    }
  return join(labels, "; ");
}

int crosses_of(Chart const& chart, int panel) {
  int count = 0;
  for (auto const& series : chart.series) count += series.panel == panel && series.kind == Series::Kind::cross ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("cost_curve: seeds share a line, and a label says what differs and no more", "[analysis]") {
  CHECK(lines_of(chart_of({{"sdn"}, {"joint"}, {"64"}})) == "joint");
  CHECK(lines_of(chart_of({{"sdn"}, {"joint", "mixed"}, {"64"}})) == "joint; mixed");
  CHECK(lines_of(chart_of({{"sdn", "ztw"}, {"joint"}, {"64"}})) == "sdn; ztw");
  CHECK(lines_of(chart_of({{"sdn"}, {"joint"}, {"64", "128"}})).find("batch 64") != std::string::npos);
  CHECK(lines_of(chart_of({{"sdn"}, {"joint", "mixed"}, {"64", "128"}})) ==
        "joint, batch 64; joint, batch 128; mixed, batch 64; mixed, batch 128");
}

TEST_CASE("cost_curve: more lines than colours are split by regime, or as asked", "[analysis]") {
  Asked const many = {{"a", "b", "c", "d"}, {"joint", "mixed"}, {"64"}};
  auto const split = chart_of(many);
  CHECK(split.panels == std::vector<std::string>{"joint", "mixed"});
  CHECK(lines_of(split, 0) == "a; b; c; d");
  CHECK(lines_of(split, 1) == "a; b; c; d");
  for (int const panel : {0, 1}) CHECK(crosses_of(split, panel) == 1);
  CHECK(chart_of({{"a", "b"}, {"joint", "mixed"}, {"64"}}).panels.empty());
  CHECK(chart_of(many, R"({"panels": "none"})").panels.empty());
  auto const by_method = chart_of(many, R"({"panels": "method"})");
  CHECK(by_method.panels == many.methods);
  CHECK(lines_of(by_method, 3) == "joint; mixed");
  CHECK_THROWS_AS(chart_of(many, R"({"panels": "regimen"})"), SpecError);
}

TEST_CASE("cost_curve: plain networks stand with the runs they belong to", "[analysis]") {
  auto study = study_of({{"sdn"}, {"joint", "mixed"}, {"64"}});
  auto more = study;  // the same on another data set, worse by 0.1
  for (auto& result : more.results) {
    result.data = "other";
    result.run += "-other";
  }
  for (auto& row : more.curves.rows) {
    row[1] += "-other";
    row[9] = shortest(parse_double(row[9], "value") - 0.1);
  }
  study.results.insert(study.results.end(), more.results.begin(), more.results.end());
  study.curves.rows.insert(study.curves.rows.end(), more.curves.rows.begin(), more.curves.rows.end());
  auto reader = reader_of(R"({"panels": "data"})");
  auto const chart = find(analyses(), "analysis", "cost_curve", "").make(reader)({&study, 1}).charts.at(0).second;
  CHECK(chart.panels == std::vector<std::string>{"toy", "other"});
  for (auto const& series : chart.series)
    if (series.kind == Series::Kind::cross) CHECK(series.y == std::vector<double>{series.panel == 0 ? 90.0 : 80.0});
  for (int const panel : {0, 1}) CHECK(crosses_of(chart, panel) == 1);
}

TEST_CASE("cost_curve: seeds of heads are seeds", "[analysis]") {
  auto study = study_of({{"sdn"}, {"joint"}, {"64"}});
  for (auto& result : study.results) {
    if (result.role != "run") continue;
    result.axes = {{"head_seed", std::to_string(result.seed)}};
    result.seed = 0;
  }
  auto reader = empty_reader();
  auto const chart = find(analyses(), "analysis", "cost_curve", "").make(reader)({&study, 1}).charts.at(0).second;
  CHECK(lines_of(chart) == "joint");
}

}  // namespace eexit
