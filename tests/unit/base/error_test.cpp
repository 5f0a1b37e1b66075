#include "core/base/error.h"

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

TEST_CASE("error: kinds carry their exit codes", "[base]") {
  CHECK(SpecError("x").code == Exit::data);
  CHECK(SpecError("x", Exit::usage).code == Exit::usage);
  CHECK(RunError("x").code == Exit::io);
  CHECK(static_cast<int>(Exit::interrupted) == 75);
}

TEST_CASE("error: invariants are always on", "[base]") {
  CHECK_NOTHROW(require(true, "costs rise"));
  CHECK(message_of<std::logic_error>([] { require(false, "costs rise"); }) == "invariant broken: costs rise");
}
