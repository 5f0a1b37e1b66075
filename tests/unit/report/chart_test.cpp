#include "core/report/chart.h"

#include <filesystem>
#include <limits>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/base/variable.h"

namespace eexit {
namespace {

Chart small_chart() {
  return {
      .title = "it's `date` \"quoted\" a_b^c",
      .subtitle = "n = 3",
      .x_label = "cost",
      .y_label = "accuracy in %",
      .series =
          {{.label = "mixed", .x = {0.2, 0.5, 1}, .y = {80, 86, 88}, .low = {79, 85.5, 87.9}, .high = {81, 86.5, 88.1}},
           {.kind = Series::Kind::dots, .x = {0.2, 1.05}, .y = {80, 88}},
           {.label = "plain", .kind = Series::Kind::cross, .x = {1}, .y = {88.5}, .colour = 6},
           {.label = "rival", .kind = Series::Kind::cross, .x = {0.33}, .y = {84}, .colour = 3}},
      .guides = {0.25, 0.5, 0.75, 1}};
}

int files_in(fs::path const& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("chart: the gnuplot program", "[report]") { approve("chart.gp", gnuplot_script(small_chart(), "out/it's")); }

TEST_CASE("chart: panels stand side by side on the same axes, with one legend below", "[report]") {
  auto chart = small_chart();
  chart.panels = {"disjoint", "joint", "mixed", "it's"};
  for (int panel = 1; panel < 4; ++panel)
    for (std::size_t s = 0; s < 4; ++s) {
      chart.series.push_back(chart.series[s]);
      chart.series.back().panel = panel;
    }
  auto const script = gnuplot_script(chart, "c");
  approve("chart_panels.gp", script);
  // Each label once in the legend of each of the two pictures; three panels in a row, the fourth below them.
  std::size_t named = 0;
  for (auto at = script.find("title 'mixed'"); at != std::string::npos; at = script.find("title 'mixed'", at + 1))
    ++named;
  CHECK(named == 2);
  CHECK(script.find("set label 'it''s' at graph 0") != std::string::npos);
  chart.series.back().panel = 4;
  CHECK_THROWS_AS(gnuplot_script(chart, "c"), std::logic_error);
}

TEST_CASE("chart: the legend goes where nothing is drawn, else below a taller picture", "[report]") {
  auto chart = small_chart();
  CHECK(gnuplot_script(chart, "c").find("set key inside bottom right") != std::string::npos);
  chart.series[0].y = {88, 80, 70};
  chart.series[0].low = chart.series[0].high = {};
  chart.series[1].y = {88, 70};
  chart.series[2].y = {70};
  CHECK(gnuplot_script(chart, "c").find("set key inside bottom left") != std::string::npos);
  for (int i = 0; i < 100; ++i) {
    chart.series[1].x.push_back(0.2 + 0.008 * i);
    chart.series[1].y.push_back(i % 2 == 0 ? 70.5 : 88);
  }
  auto const crowded = gnuplot_script(chart, "c");
  CHECK(crowded.find("set key below") != std::string::npos);
  CHECK(crowded.find("svg size 760,524") != std::string::npos);
}

TEST_CASE("chart: one point, or none, still has a range", "[report]") {
  Chart chart;
  CHECK(gnuplot_script(chart, "c").find("plot NaN notitle") != std::string::npos);
  chart.series = {{.label = "p", .kind = Series::Kind::cross, .x = {1}, .y = {0}}};
  CHECK(gnuplot_script(chart, "c").find("nan") == std::string::npos);
}

TEST_CASE("chart: series that cannot be drawn are refused", "[report]") {
  CHECK_THROWS_AS(gnuplot_script({.series = {{.x = {1, 2}, .y = {1}}}}, "c"), std::logic_error);
  CHECK_THROWS_AS(gnuplot_script({.series = {{.x = {1}, .y = {1}, .low = {0}}}}, "c"), std::logic_error);
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(gnuplot_script({.series = {{.x = {1}, .y = {nan}}}}, "c"), std::logic_error);
}

TEST_CASE("chart: drawn twice gives the same SVG, and leaves nothing else behind", "[report]") {
  test::TemporaryFolder const folder;
  auto const first = folder.path / "o'ne a", second = folder.path / "two";
  auto panels = small_chart();
  panels.panels = {"one"};
  CHECK(draw(panels, folder.path / "panels") == draw(panels, folder.path / "panels"));
  for (auto const* end : {".svg", ".png"}) fs::remove(folder.path / ("panels" + std::string(end)));
  bool const drawn = draw(small_chart(), first);
  CHECK(draw(small_chart(), second) == drawn);
  CHECK(files_in(folder.path) == (drawn ? 4 : 0));  // none where gnuplot is not installed
  if (drawn) {
    CHECK(read_file(first.string() + ".svg") == read_file(second.string() + ".svg"));
    CHECK(read_file(first.string() + ".png").starts_with("\x89PNG"));
  }
}

TEST_CASE("chart: no gnuplot is a warning, a gnuplot that fails an error", "[report]") {
  test::TemporaryFolder const folder;
  {
    test::Variable const nowhere("PATH", folder.path.string());
    CHECK_FALSE(draw(small_chart(), folder.path / "chart"));
    CHECK(files_in(folder.path) == 0);
  }
  auto const fake = folder.path / "gnuplot";
  write_file(fake, "#!/bin/sh\necho '   no such terminal' >&2\nexit 3\n");
  fs::permissions(fake, fs::perms::owner_all);
  test::Variable const broken("PATH", folder.path.string());
  CHECK_THROWS_WITH(draw(small_chart(), folder.path / "chart"), Catch::Matchers::Contains("no such terminal"));
  CHECK(files_in(folder.path) == 1);
}

}  // namespace eexit
