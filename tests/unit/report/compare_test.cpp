#include "core/report/compare.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/report/result_rows.h"

namespace eexit {
namespace {

using Texts = std::vector<std::string>;

constexpr int samples = 200;

// A row of study "a" or "b" with `right` of 200 samples right.
Result row(std::string const& study, std::string const& regime, std::uint64_t seed, int right,
           std::string const& budget = "0.5") {
  auto r = cell(regime, seed, budget, static_cast<double>(right) / samples);
  r.study = study;
  r.run = study + r.run;
  return r;
}

// The first rows are those that are right.
std::optional<SampleMarks> first_right(Result const& r) {
  SampleMarks answers;
  for (int i = 0; i < samples; ++i) {
    answers.sample.push_back(i);
    answers.label.push_back(i % 3);
    answers.right.push_back(i < *r.value * samples - 0.5);
  }
  return answers;
}

std::optional<SampleMarks> no_answers(Result const&) { return std::nullopt; }

std::vector<Table> compared(Results const& rows, AnswersOf const& answers = first_right) {
  return compare(rows, {.first = "a", .second = "b", .footer = {"spec 0a1b2c3d"}}, answers);
}

std::string error_of(Results const& rows) {
  return test::message_of<SpecError>([&] { compared(rows); });
}

Results three_seeds(int a, int b) {
  Results rows;
  for (std::uint64_t seed : {0u, 1u, 2u}) {
    rows.push_back(row("a", "mixed", seed, a + static_cast<int>(seed)));
    rows.push_back(row("b", "mixed", seed, b + static_cast<int>(seed)));
  }
  return rows;
}

}  // namespace

TEST_CASE("compare: cells, footnotes and cells of one study", "[report]") {
  Results rows;
  for (std::string const study : {"a", "b"})
    for (std::uint64_t seed : {0u, 1u, 2u}) {
      int const better = study == "b" ? 20 : 0, s = static_cast<int>(seed);
      for (std::string const budget : {"0.5", "max"}) {
        rows.push_back(row(study, "joint", seed, 150 + (budget == "max" ? better : s), budget));
        rows.push_back(row(study, "mixed", seed, 140 + better + s, budget));
        rows.push_back(row(study, study == "a" ? "disjoint" : "phases", seed, 100, budget));
      }
      auto unmet = row(study, "joint", seed, 0, "0.25");
      unmet.value.reset();
      rows.push_back(unmet);
      rows.push_back(fixed_net("plain", "resnet-14", seed, 0.9, 1));
      rows.back().study = study;
    }
  for (auto& r : rows) {
    if (r.study == "b") r.method = "ztw";
    if (r.study == "b" && r.regime == "mixed" && r.seed == 2) r.value.reset();  // one pair less
    if (r.study == "a" && r.regime == "joint" && r.budget == "0.5" && r.seed == 1) r.over_budget = true;
  }
  std::string text;
  for (auto const& table : compared(rows)) text += to_console(table);
  approve("compare.txt", text);
  std::string again;
  for (auto const& table : compared(rows)) again += to_console(table);
  CHECK(text == again);
}

TEST_CASE("compare: a clear difference is one, none is none", "[report]") {
  auto const clear = compared(three_seeds(100, 150))[0].rows[0];
  CHECK(Texts(clear.begin(), clear.begin() + 4) == Texts{"50 %", "50.50", "75.50", "+25.00"});
  CHECK(clear.back() == "yes");
  auto const none = compared(three_seeds(100, 100))[0].rows[0];
  CHECK(Texts(none.begin(), none.end()) == Texts{"50 %", "50.50", "50.50", "0.00", "0.00 to 0.00", "3", "no"});
  CHECK(compared(three_seeds(150, 100))[0].rows[0][3] == "-25.00");
}

TEST_CASE("compare: one seed, no answers, other samples", "[report]") {
  Results const one = {row("a", "mixed", 0, 100), row("b", "mixed", 0, 130)};
  auto const table = compared(one)[0];
  CHECK(table.rows[0].back() == "yes");
  CHECK(table.rows[0][4].ends_with("[a]"));
  CHECK(table.footnotes[0] == "[a] one seed: over test samples alone; another seed may differ by more");

  auto const seeds = compared(three_seeds(100, 104), no_answers)[0];
  CHECK(seeds.rows[0][4] == "+2.00 to +2.00[a]");
  CHECK(seeds.footnotes[0] == "[a] over seeds alone: the runs' answers are not beside both studies");

  auto const nothing = compared(one, no_answers)[0];
  CHECK(nothing.rows[0][4] == "-[a]");
  CHECK(nothing.rows[0].back() == "-");
  CHECK(nothing.footnotes[0] == "[a] one seed: the runs' answers are not beside both studies, so there is no interval");

  auto const other = compared(three_seeds(100, 104), [](Result const& r) {
    auto answers = first_right(r);
    if (r.study == "b") answers->sample[0] = 7000;
    return answers;
  })[0];
  CHECK(other.footnotes[0] == "[a] over seeds alone: the studies were judged on other samples");
}

TEST_CASE("compare: answers that contradict results.csv are an error", "[report]") {
  auto const wrong = [](Result const& r) {
    auto answers = first_right(r);
    answers->right[0] = false;
    return answers;
  };
  CHECK(test::message_of<RunError>([&] { compared(three_seeds(100, 104), wrong); }) ==
        "a: run aresnet-14-mixed-s0 has accuracy 0.5 at budget 0.5 in results.csv, but 0.495 by its exits.safetensors");
}

TEST_CASE("compare: seeds are paired, whatever their order", "[report]") {
  auto const table = compared({row("a", "mixed", 1, 100), row("a", "mixed", 0, 50), row("b", "mixed", 0, 60),
                               row("b", "mixed", 2, 200), row("b", "mixed", 1, 112), row("b", "mixed", 3, 9), [] {
                                 auto unmet = row("a", "mixed", 3, 0);
                                 unmet.value.reset();
                                 return unmet;
                               }()})[0];
  CHECK(table.rows[0][1] == "37.50");  // seeds 0 and 1
  CHECK(table.rows[0][3] == "+5.50");
  CHECK(table.rows[0][5] == "2");
}

TEST_CASE("compare: axes tell runs of one seed apart", "[report]") {
  auto const with = [](Result r, std::string const& batch) {
    r.run += batch;
    r.axes = {{"train.batch", batch}};
    return r;
  };
  Results rows = {with(row("a", "mixed", 0, 100), "64"), with(row("a", "mixed", 0, 120), "32"),
                  with(row("b", "mixed", 0, 140), "32")};
  auto const tables = compared(rows);
  CHECK(tables[0].rows[0][3] == "+10.00");
  CHECK(tables[0].title.find("train.batch 32") != std::string::npos);
  CHECK(tables[1].rows == std::vector<Texts>{{"50 %", "a"}});
  rows[1].axes = rows[0].axes;
  CHECK(error_of(rows) ==
        "a: runs aresnet-14-mixed-s064 and aresnet-14-mixed-s032 are one cell; axes.csv, which would "
        "tell them apart, is missing or of another spec");
}

TEST_CASE("compare: nothing in common is an error", "[report]") {
  CHECK(error_of({row("a", "mixed", 0, 100), row("a", "joint", 0, 100), row("b", "disjoint", 0, 100)}) ==
        "a and b: no cell in common; cells are told by data, regime, budget");
  CHECK(error_of({row("a", "mixed", 0, 100)}) == "b: no accuracy on test to compare");
}

}  // namespace eexit
