#include "core/base/process.h"

#include <csignal>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

Output shell(std::string const& script) { return run_command({"sh", "-c", script}).value(); }

}  // namespace

TEST_CASE("a command: exit code, both outputs, arguments as they are", "[base]") {
  auto const output =
      run_command({"sh", "-c", "printf '%s|' \"$@\"; echo no >&2; exit 3", "sh", "a b", "'$HOME\"", ""});
  REQUIRE(output);
  CHECK(output->status == 3);
  CHECK(output->out == "a b|'$HOME\"||");
  CHECK(output->err == "no\n");
  CHECK(shell("cat; echo end").out == "end\n");  // nothing on stdin
  CHECK(shell("kill -TERM $$").status == 128 + SIGTERM);
}

TEST_CASE("a command may fill both pipes in any order", "[base]") {
  auto const output = shell("head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero; head -c 100000 /dev/zero >&2");
  CHECK(output.out.size() == 200000);
  CHECK(output.err.size() == 400000);
}

TEST_CASE("a command that is not there is told from one that cannot run", "[base]") {
  CHECK_FALSE(run_command({"no-such-program-anywhere"}));
  CHECK(test::message_of<RunError>([] { run_command({"/"}); }) == "/: cannot run it: Permission denied");
}
