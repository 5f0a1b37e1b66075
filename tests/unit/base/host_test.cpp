#include "core/base/host.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace eexit;

TEST_CASE("host: times as text", "[base]") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(1769860800.1235, 3) == "2026-01-31T12:00:00.123Z");
  CHECK(utc_text(1769860859.9996, 1) == "2026-01-31T12:00:59.9Z");
  CHECK(utc_text(951782400) == "2000-02-29T00:00:00Z");
  CHECK(utc_now().size() == 20);
  CHECK_FALSE(host_name().empty());
}

TEST_CASE("host: a time reads back", "[base]") {
  for (double const time : {0.0, 951782399.0, 1769860800.123, 4102444800.999})
    CHECK(std::abs(parse_utc(utc_text(time, 3)).value_or(-1) - time) < 2e-3);
  CHECK(parse_utc("2026-01-31T12:00:00Z") == 1769860800.0);
  CHECK(std::abs(*parse_utc(utc_text(unix_seconds(), 3)) - unix_seconds()) < 10);
  for (char const* const bad :
       {"", "Z", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234Z",
        "2026-01-31T12:00:00.1x3Z", "2026-0a-31T12:00:00Z", "2026-01-31T12:00:00.123+01:00"})
    CHECK_FALSE(parse_utc(bad));
}
