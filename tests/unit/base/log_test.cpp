#include "core/base/log.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include "tests/support/catch.h"

using namespace eexit;

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
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::string text(1 << 14, '\0');
  auto const got = read(ends[0], text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  close(ends[0]);
  close(ends[1]);
  return text;
}

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
  char const* const before = getenv("NO_COLOR");
  std::string const kept = before ? before : "";
  unsetenv("NO_COLOR");
  CHECK(written(true, [] { report_error("bad"); }) == "\033[31merror:\033[0m bad\r\n");
  CHECK(written(true, [] { warn("log test: yellow"); }) == "\033[33mwarning:\033[0m log test: yellow\r\n");
  setenv("NO_COLOR", "1", 1);
  CHECK(written(true, [] { report_error("bad"); }) == "error: bad\r\n");
  before ? setenv("NO_COLOR", kept.c_str(), 1) : unsetenv("NO_COLOR");
}

TEST_CASE("log: the bar shows on a terminal and clears itself", "[base]") {
  std::string const text = written(true, [] {
    Progress bar("joint", 4);
    bar.update(1, "loss 2.3");
    bar.update(2, "too soon after the first");
    say("plan", "a line between");
  });
  std::string const drawn = "\r\033[Kjoint [######------------------] 25 %  loss 2.3  0.0 s, 0.0 s left";
  CHECK(text == drawn + "\r\033[K[plan] a line between\r\n");
  std::string const alone = written(true, [] { Progress("joint", 4).update(4, ""); });
  CHECK(alone == "\r\033[Kjoint [########################] 100 %  0.0 s\r\033[K");
}

TEST_CASE("log: a bar is cut to the width of the terminal", "[base]") {
  std::string const text = written(true, [] { Progress("joint", 4).update(1, std::string(200, 'n')); });
  // 69 of the 70 columns, after the four bytes that clear the line.
  CHECK(text.find("nnn...\r\033[K") == 4 + 69 - 6);
}

TEST_CASE("log: no bar in a file, nor when quiet", "[base]") {
  auto const work = [] { Progress("joint", 4).update(1, ""); };
  CHECK(written(false, work).empty());
  set_log_level(Level::quiet);
  CHECK(written(true, work).empty());
  set_log_level(Level::normal);
}
