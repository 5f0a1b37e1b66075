#include "tests/support/plans.h"

#include <algorithm>

#include "cli/catalog.h"

namespace eexit {

Plan fixture_plan(Store const& store, std::vector<std::string> const& edits) {
  std::string const text =
      R"({"study": "test", "defaults": {"data": {"name": "fashion_mnist", "dir": ")" EEXIT_TESTS_DIR
      R"(/fixtures/fashion-mnist"}}})";
  return make_plan(edit_spec(text, "test", edits), "test", cli::real_catalog(store));
}

void do_plan(Plan const& plan, Store const& store, WorkOptions const& options) {
  auto const graph = make_graph(plan);
  for (bool any = true; any;) {
    any = false;
    auto const needed = still_needed(graph, store);
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      auto const& node = graph.nodes[i];
      bool const free = std::all_of(node.after.begin(), node.after.end(),
                                    [&](std::size_t parent) { return is_done(graph.nodes[parent], store); });
      if (needed[i] && free && !read_failure(node, store)) ready.push_back(i);
    }
    for (auto const& group : groups_of(graph, ready, needed)) {
      do_nodes(graph, group, plan, store, options);
      any = true;
    }
  }
}

}  // namespace eexit
