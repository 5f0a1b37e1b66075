#include "core/report/published.h"

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

std::vector<Result> read(std::string const& text) { return published_from(text, "quick", "published.csv"); }

std::string error_of(std::string const& text) {
  return test::message_of<SpecError>([&] { read(text); });
}

}  // namespace

TEST_CASE("published: the header names the columns", "[report]") {
  auto const rows = read("regime,budget,value,source,train.batch\njoint,0.50,0.91,\"Doe, table 2\",64\n,,0.9,Roe,\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].study == "quick");
  CHECK(rows[0].role == "published");
  CHECK(rows[0].regime == "joint");
  CHECK(rows[0].budget == "0.5");
  CHECK(rows[0].value == 0.91);
  CHECK(rows[0].source == "Doe, table 2");
  CHECK(rows[0].axes.at("train.batch") == "64");
  CHECK(rows[0].split == "test");
  CHECK(rows[0].metric == "accuracy");
  CHECK(rows[1].budget == "max");
  CHECK(read("metric,value,source\ncost_at_1,1.7,Doe\n")[0].budget.empty());
}

TEST_CASE("published: what is wrong, with line and column", "[report]") {
  CHECK(error_of("value\n0.9\n") == "published.csv line 1: no column \"source\"");
  CHECK(error_of("valeu,value,source\n") ==
        "published.csv line 1: no column \"valeu\"; did you mean \"value\"? known: arch, budget, confidence, cost, "
        "cost_fraction, data, method, metric, params, placement, policy, protocol, regime, source, split, value");
  CHECK(error_of("seed,value,source\n").starts_with("published.csv line 1: no column \"seed\""));
  CHECK(error_of("value,value,source\n") == "published.csv line 1: two columns \"value\"");
  CHECK(error_of("value,source\n\"0.9\",\"two\nlines\"\n0.8x,Doe\n") ==
        "published.csv line 4, column value: expected a number, found \"0.8x\"");
  CHECK(error_of("value,source\n,Doe\n") == "published.csv line 2, column value: expected a number, found nothing");
  CHECK(error_of("value,source\n0.9,\n") ==
        "published.csv line 2, column source: expected who published it, found nothing");
  CHECK(error_of("value,source\n93.1,Doe\n") ==
        "published.csv line 2, column value: expected a share from 0 to 1, as in results.csv, found 93.1");
  CHECK(error_of("budget,value,source\n-1,0.9,Doe\n") ==
        "published.csv line 2, column budget: expected max or a number above 0, found \"-1\"");
  CHECK(error_of("budget,value,source\nhalf,0.9,Doe\n").starts_with("published.csv line 2, column budget: "));
  CHECK(error_of("budget,value,source\n0.5,0.9,Doe\n0.50,0.8,Doe\n") ==
        "published.csv line 3: the same cell as in published.csv line 2");
  CHECK(error_of("value,source\n0.9\n") == "published.csv line 2: expected 2 cells, found 1");
  CHECK(error_of("").starts_with("published.csv: empty"));
}
