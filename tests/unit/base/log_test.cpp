#include "core/base/log.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/catch.h"
#include "tests/unit/base/screen.h"

using namespace eexit;
using test::screen_of;

namespace {

// What the work writes to stderr, which is a pipe or a terminal for that time.
std::string written(bool terminal, std::function<void()> const& work) {
  std::array<int, 2> ends{};  // read, write
  winsize const size{.ws_row = 24, .ws_col = 70, .ws_xpixel = 0, .ws_ypixel = 0};
  bool const open = terminal ? openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0 : pipe(ends.data()) == 0;
  REQUIRE(open);
  int const kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  work();
  dup2(kept, STDERR_FILENO);
  close(kept);
  // A terminal hands over what was written piece by piece, and later: read up to a mark.
  bool const marked = write(ends[1], "\1", 1) == 1;
  REQUIRE(marked);
  std::string text;
  for (std::array<char, 4096> piece{}; !text.ends_with('\1');) {
    auto const got = read(ends[0], piece.data(), piece.size());
    REQUIRE(got > 0);
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  text.pop_back();
  close(ends[0]);
  close(ends[1]);
  return text;
}

// What the call returns with NO_COLOR set to this value, or not set.
std::string with_no_color(char const* value, std::function<std::string()> const& call) {
  char const* const before = getenv("NO_COLOR");
  std::string const kept = before ? before : "";
  value ? setenv("NO_COLOR", value, 1) : unsetenv("NO_COLOR");
  auto const result = call();
  before ? setenv("NO_COLOR", kept.c_str(), 1) : unsetenv("NO_COLOR");
  return result;
}

// What the work draws on a terminal without colours.
std::string drawn(std::function<void()> const& work) {
  return with_no_color("1", [&] { return written(true, work); });
}

// Without the clearing of a board at its end, the last thing it does.
std::string before_end(std::string const& text) { return text.substr(0, text.rfind('\r')); }

}  // namespace

TEST_CASE("log: what each level shows", "[base]") {
  auto const all = [] {
    say("plan", "12 runs");
    detail("plan", "from spec.json");
    report_error("bad");
  };
  CHECK(written(false, all) == "[plan] 12 runs\nerror: bad\n");
  set_log_level(Level::verbose);
  CHECK(written(false, all) == "[plan] 12 runs\n[plan] from spec.json\nerror: bad\n");
  set_log_level(Level::quiet);
  CHECK(written(false, all) == "error: bad\n");
  CHECK(log_level() == Level::quiet);
  set_log_level(Level::normal);
}

TEST_CASE("log: the same warning only once", "[base]") {
  CHECK(written(false, [] {
          warn("log test: no gnuplot");
          warn("log test: no gnuplot");
          warn("log test: another");
        }) == "warning: log test: no gnuplot\nwarning: log test: another\n");
}

TEST_CASE("log: colour only on a terminal, and not against NO_COLOR", "[base]") {
  auto const bad = [] { return written(true, [] { report_error("bad"); }); };
  CHECK(with_no_color(nullptr, bad) == "\033[31merror:\033[0m bad\r\n");
  CHECK(with_no_color(nullptr, [] { return written(true, [] { warn("log test: yellow"); }); }) ==
        "\033[33mwarning:\033[0m log test: yellow\r\n");
  CHECK(with_no_color("1", bad) == "error: bad\r\n");
}

TEST_CASE("log: a board of one line shows on a terminal and clears itself", "[base]") {
  std::string const text = drawn([] {
    Board board("joint");
    board.update("loss 2.3", 0.25, 0, {});
    board.update("too soon after the first", 0.5, 0, {});
  });
  CHECK(text == "\rjoint [######------------------] 25 %  loss 2.3  0.0 s, 0.0 s left\033[J\r\033[J");
}

TEST_CASE("log: a board rewrites itself in place", "[base]") {
  std::string const text = drawn([] {
    Board board("study");
    board.update("none done", 0, -1, {{.label = "first", .share = 0.5}, {.label = "second", .share = 0.25}});
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    board.update("1 done", 0.5, -1, {{.label = "second", .share = 0.75}});
  });
  CHECK(text.starts_with("\rstudy [------------------------] 0 %  none done  0.0 s\033[K\r\n  first   [#####"));
  CHECK(text.find("\033[J\r\033[2Astudy [############") != std::string::npos);
  CHECK(
      screen_of(before_end(text), 70) ==
      std::vector<std::string>{"study [############------------] 50 %  1 done  0.1 s", "  second  [#######---]  75 %"});
}

TEST_CASE("log: a board is drawn at most ten times a second", "[base]") {
  std::string const text = drawn([] {
    Board board("study");
    for (int i = 0; i < 100; ++i) board.update("", i / 100.0, -1, {});
  });
  CHECK(screen_of(text, 70).empty());  // cleared at the end
  std::size_t count = 0;
  for (auto at = text.find("study"); at != std::string::npos; at = text.find("study", at + 1)) ++count;
  CHECK(count <= 2);
}

TEST_CASE("log: messages go above the board and leave no half lines", "[base]") {
  std::string const text = drawn([] {
    Board board("study");
    board.update("none done", 0, -1, {{.label = "a long label of a node"}, {.label = "second"}});
    say("plan", "short");
    board.update("not drawn yet", 0, -1, {{.label = "second"}});
    report_error("two\nlines");
  });
  CHECK(screen_of(before_end(text), 70) ==
        std::vector<std::string>{"[plan] short", "error: two", "lines",
                                 "study [------------------------] 0 %  not drawn yet  0.0 s",
                                 "  second  [----------]   0 %"});
  std::string const cleared = drawn([] {
    Board board("study");
    board.update("", 0, -1, {{.label = "first"}, {.label = "second"}});
    say("plan", "stays");
  });
  CHECK(screen_of(cleared, 70) == std::vector<std::string>{"[plan] stays"});
  CHECK(cleared.ends_with("\r\033[2A\033[J"));
}

TEST_CASE("log: a board never wraps, and follows the width of the terminal", "[base]") {
  std::string const label(200, 'n');
  std::string const wide = drawn([&] {
    Board board("study");
    board.update(label, 0.5, -1, {{.label = label, .share = 0.5}});
  });
  auto const rows = screen_of(before_end(wide), 70);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].size() == 69);
  CHECK(rows[0].ends_with("nnn...  0.0 s"));
  CHECK(rows[1].size() == 69);
  CHECK(rows[1].ends_with("nnn  [#####-----]  50 %"));

  // Two lines of 69 columns stand on four rows of 40 after the resize: three rows up to the first.
  std::string const narrowed = drawn([&] {
    Board board("study");
    board.update(label, 0.5, -1, {{.label = label, .share = 0.5}});
    winsize const size{.ws_row = 24, .ws_col = 40, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(STDERR_FILENO, TIOCSWINSZ, &size);
    say("plan", "narrow");
  });
  auto const after = narrowed.find("\r\033[3A\033[J[plan] narrow");
  REQUIRE(after != std::string::npos);
  for (auto const& row : screen_of(before_end(narrowed.substr(after)), 40)) CHECK(row.size() < 40);
}

TEST_CASE("log: a board of more lines than the terminal says how many it leaves out", "[base]") {
  std::string const text = drawn([] {
    Board board("study");
    board.update("", 0, -1, std::vector<BoardLine>(30, {.label = "node"}));
  });
  auto const rows = screen_of(before_end(text), 70);
  CHECK(rows.size() == 22);
  CHECK(rows.back() == "  and 10 more");
}

TEST_CASE("log: a board obeys NO_COLOR", "[base]") {
  auto const half = [] { Board("joint").update("", 0.5, -1, {}); };
  CHECK(with_no_color(nullptr, [&] { return written(true, half); }).find("\033[32m############\033[0m") !=
        std::string::npos);
  CHECK(with_no_color("1", [&] { return written(true, half); }).find("\033[3") == std::string::npos);
}

TEST_CASE("log: no bar in a file, nor when quiet", "[base]") {
  auto const work = [] { Board("study").update("", 0, -1, {{.label = "node"}}); };
  CHECK(written(false, work).empty());
  set_log_level(Level::quiet);
  CHECK(written(true, work).empty());
  set_log_level(Level::normal);
}
