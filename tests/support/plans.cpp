#include "tests/support/plans.h"

#include "cli/catalog.h"

namespace eexit {

Plan fixture_plan(Store const& store, std::vector<std::string> const& edits) {
  std::string const text =
      R"({"study": "test", "defaults": {"data": {"name": "fashion_mnist", "dir": ")" EEXIT_TESTS_DIR
      R"(/fixtures/fashion-mnist"}}})";
  return make_plan(edit_spec(text, "test", edits), "test", cli::real_catalog(store));
}

}  // namespace eexit
