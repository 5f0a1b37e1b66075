#include "cli/watch.h"

#include "core/base/log.h"

namespace eexit::cli {

Watch::Watch(Plan const& plan, Graph const& graph, Store const& store, Args const& args)
    : log_(store.study(plan.study) / "events.jsonl") {
  (void)graph;
  (void)args;
}

void Watch::hear(Event event) { log_.write(std::move(event)); }

}  // namespace eexit::cli
