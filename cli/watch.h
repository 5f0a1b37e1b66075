// What a sweep shows while it runs: a board on a terminal, events.jsonl for programs, TensorBoard files.
#pragma once

#include "cli/command.h"
#include "core/store/store.h"
#include "core/sweep/events.h"
#include "core/sweep/graph.h"

namespace eexit::cli {

class Watch {
 public:
  Watch(Plan const&, Graph const&, Store const&, Args const&);
  void hear(Event);

 private:
  EventLog log_;
};

}  // namespace eexit::cli
