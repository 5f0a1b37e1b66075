#include "core/base/error.h"

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

TEST_CASE("error: kinds carry their exit codes", "[base]") {
  SpecError const content("x"), usage("x", Exit::usage);
  RunError const io("x");
  CHECK(content.code == Exit::data);
  CHECK(usage.code == Exit::usage);
  CHECK(io.code == Exit::io);
  CHECK(static_cast<int>(Exit::interrupted) == 75);
}

TEST_CASE("error: invariants are always on", "[base]") {
  CHECK_NOTHROW(require(true, "costs rise"));
  CHECK(message_of<std::logic_error>([] { require(false, "costs rise"); }) == "invariant broken: costs rise");
}
