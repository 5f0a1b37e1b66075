#include "core/base/board.h"

#include <limits>

#include "core/base/text.h"
#include "tests/support/catch.h"

using namespace eexit;

namespace {

std::vector<std::string> texts(Frame const& frame, std::size_t columns, std::size_t rows) {
  std::vector<std::string> all;
  for (auto const& line : lay_out(frame, columns, rows)) {
    CHECK(line.width == code_points(line.text));
    CHECK(line.width < columns);
    all.push_back(line.text);
  }
  return all;
}

Frame two_running() {
  return {.title = "quickstart",
          .note = "3 of 12 done",
          .share = 0.256,
          .seconds = 75,
          .seconds_left = 230,
          .running = {{.label = "resnet-14 joint s0", .share = 0.5, .images_per_second = 604.4, .seconds_left = 35},
                      {.label = "mlp plain", .share = 0.041, .images_per_second = 11000, .seconds_left = 130}}};
}

Frame many_running(int count) {
  Frame frame{.title = "many"};
  for (int i = 0; i < count; ++i) frame.running.push_back({.label = "node " + std::to_string(i)});
  return frame;
}

}  // namespace

TEST_CASE("board: an overall line, and one in columns for what is running", "[base]") {
  CHECK(
      texts(two_running(), 100, 24) ==
      std::vector<std::string>{"quickstart [######------------------] 25 %  3 of 12 done  1 min 15 s, 3 min 50 s left",
                               "  resnet-14 joint s0  [#####-----]  50 %    604 img/s        35 s left",
                               "  mlp plain           [----------]   4 %  11000 img/s  2 min 10 s left"});
}

TEST_CASE("board: what is not known yet is left blank", "[base]") {
  CHECK(texts({.title = "plan", .seconds = 3, .running = {{.label = "a"}, {.label = "b", .share = 1}}}, 80, 24) ==
        std::vector<std::string>{"plan [------------------------] 0 %  3.0 s", "  a  [----------]   0 %",
                                 "  b  [##########] 100 %"});
}

TEST_CASE("board: shares outside 0 to 1 and numbers that are none do no harm", "[base]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(texts({.title = "x", .share = 7, .seconds_left = nan, .running = {{.label = "a", .share = nan}}}, 80, 24) ==
        std::vector<std::string>{"x [########################] 100 %  0.0 s", "  a  [----------]   0 %"});
  CHECK(texts({.title = "x", .running = {{.label = "a", .share = -1, .images_per_second = nan, .seconds_left = nan}}},
              80, 24)[1] == "  a  [----------]   0 %");
}

TEST_CASE("board: long labels give way in their middle, then bars go, then ends are cut", "[base]") {
  auto frame = two_running();
  frame.running[0].label = "resnet-14-fashion_mnist-sdn-disjoint-s0-0a1b2c3d heads";
  auto const at_80 = texts(frame, 80, 24);
  CHECK(at_80[0] == "quickstart [##--------] 25 %  3 of 12 done  1 min 15 s, 3 min 50 s left");
  CHECK(at_80[1] == "  resnet-14-fa...1b2c3d heads  [#####-----]  50 %    604 img/s        35 s left");
  CHECK(texts(frame, 50, 24)[1] == "  resn...ads   50 %    604 img/s        35 s left");
  CHECK(texts(frame, 20, 24)[1] == "  res...ds   50 ...");
  frame.note = "3 of 12 done, 2 running, 1208 img/s";
  CHECK(texts(frame, 80, 24)[0] == "quickstart [##--------] 25 %  3 of 12 done, 2 r...  1 min 15 s, 3 min 50 s left");
  CHECK(texts(frame, 62, 24)[0] == "quickstart [##--------] 25 %  1 min 15 s, 3 min 50 s left");
  frame.title = "run 12/40 resnet-14-fashion_mnist-sdn-disjoint-s0-0a1b2c3d, heads";
  CHECK(texts(frame, 80, 24)[0] == "run 12/40 resne...a1b2c3d, heads [##--------] 25 %  1 min 15 s, 3 min 50 s left");
  CHECK(texts(frame, 40, 24)[0] == "run 12/... heads [##--------] 25 %  ...");
  for (std::size_t columns = 2; columns < 120; ++columns) texts(frame, columns, 24);  // checks the widths
}

TEST_CASE("board: at most as many lines as fit, the rest is counted", "[base]") {
  CHECK(texts(many_running(21), 80, 24).size() == 22);
  auto const cut = texts(many_running(26), 80, 24);
  CHECK(cut.size() == 22);
  CHECK(starts_with_any(cut[20], std::vector<std::string>{"  node 19 "}));
  CHECK(cut.back() == "  and 6 more");
  CHECK(texts(many_running(3), 80, 4) ==
        std::vector<std::string>{"many [------------------------] 0 %  0.0 s", "  and 3 running"});
  for (std::size_t rows = 0; rows < 4; ++rows) CHECK(texts(many_running(3), 80, rows).size() == 1);
}

TEST_CASE("board: one column a character, controls and broken UTF-8 replaced", "[base]") {
  Frame frame{.title = "größe",
              .running = {{.label = "a\x1b[2Jb\nc\xc2\x85"
                                    "d\xff"},
                          {.label = "äöü"}}};
  auto const all = texts(frame, 80, 24);
  CHECK(all[0].starts_with("größe ["));
  CHECK(all[1].starts_with("  a [2Jb c d?  ["));
  CHECK(all[2].starts_with("  äöü          ["));
  frame.title = std::string(39, 'x') + "äöüäöüäöü";
  CHECK(texts(frame, 47, 24)[0] == "xxxxxxxxxx...äöüäöüäöü [----------] 0 %  0.0 s");
  frame.title = "äöüäöüäöü";
  CHECK(texts(frame, 8, 24)[0] == "äöüä...");
}

TEST_CASE("board: the bar's full part is marked, as far as it is to be seen", "[base]") {
  auto const marked = [](std::size_t columns) {
    auto const line = lay_out({.title = "joint", .share = 0.5}, columns, 24).front();
    return line.text.substr(line.bar_from, line.bar_to - line.bar_from);
  };
  CHECK(marked(80) == "############");
  CHECK(marked(16) == "#####");
  CHECK(marked(8).empty());
}
