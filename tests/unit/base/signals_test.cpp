#include "core/base/signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

// In a child, so that the tests themselves are not asked to stop. Its exit status, or -1 when a signal killed it.
template <class Work>
int in_child(Work work) {
  pid_t const child = fork();
  if (child == 0) {
    std::signal(SIGHUP, SIG_DFL);  // these tests may run under nohup
    install_signal_handlers();
    _exit(work());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("signals: each asks for a stop, once", "[base]") {
  for (int const number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    CHECK(in_child([&] {
            if (stop_requested()) return 1;
            throw_if_stop_requested();
            raise(number);
            if (!stop_requested()) return 2;
            try {
              throw_if_stop_requested();
            } catch (Interrupted const&) {
              return 0;
            }
            return 3;
          }) == 0);
  }
}

TEST_CASE("signals: SIGHUP that is ignored stays so", "[base]") {
  CHECK(in_child([] {
          std::signal(SIGHUP, SIG_IGN);
          install_signal_handlers();
          raise(SIGHUP);
          return stop_requested() ? 1 : 0;
        }) == 0);
}

TEST_CASE("signals: a second SIGINT ends at once", "[base]") {
  CHECK(in_child([] {
          raise(SIGINT);
          raise(SIGINT);
          return 0;
        }) == 75);
  CHECK(in_child([] {
          for (int i = 0; i < 3; ++i) raise(SIGTERM);
          return 0;
        }) == 0);
}

TEST_CASE("signals: only USR1 without SIGTERM means a time limit", "[base]") {
  auto const after = [](std::vector<int> const& numbers) {
    return in_child([&] {
      for (int const number : numbers) raise(number);
      return stop_was_time_limit() ? 1 : 0;
    });
  };
  CHECK(after({}) == 0);
  CHECK(after({SIGUSR1}) == 1);
  CHECK(after({SIGTERM}) == 0);
  CHECK(after({SIGINT}) == 0);
  CHECK(after({SIGUSR1, SIGTERM}) == 0);
  CHECK(after({SIGTERM, SIGUSR1}) == 0);
}

TEST_CASE("signals: a wait for a lock can be ended", "[base]") {
  test::TemporaryFolder const folder;
  fs::path const file = folder.path / "lock";
  Lock const held(file);
  CHECK(in_child([&] {
          raise(SIGTERM);
          try {
            Lock const mine(file);
          } catch (Interrupted const&) {
            return 5;
          }
          return 0;
        }) == 5);
}
