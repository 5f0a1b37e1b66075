#include "core/base/registry.h"

#include <array>

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

namespace {

using Make = int (*)();
constexpr std::array entries{Entry<Make>{"joint", "all at once", +[] { return 1; }},
                             Entry<Make>{"mixed", "backbone, then all", +[] { return 2; }}};
Registry<Make> const registry(entries);

}  // namespace

TEST_CASE("registry: finds by name", "[base]") {
  CHECK(find(registry, "regime", "mixed", "spec.json").make() == 2);
  CHECK(names(registry) == std::vector<std::string>{"joint", "mixed"});
}

TEST_CASE("registry: an unknown name is the user's error at its place", "[base]") {
  CHECK(message_of<SpecError>([] { find(registry, "regime", "mixd", "spec.json /grid/regime/2/name"); }) ==
        "spec.json /grid/regime/2/name: no regime \"mixd\"; did you mean \"mixed\"? known: joint, mixed");
}
