// What a sweep shows while it runs: a board on a terminal, events.jsonl for programs, files for TensorBoard.
#pragma once

#include <map>
#include <optional>

#include "core/base/log.h"
#include "core/store/store.h"
#include "core/sweep/events.h"
#include "core/sweep/graph.h"
#include "core/sweep/tensorboard_log.h"

namespace eexit::cli {

class Watch {
 public:
  // `tensorboard`: a folder; empty: none.
  Watch(Plan const&, Graph const&, Store const&, fs::path const& tensorboard);
  void hear(Event const&);
  void end(std::size_t failed);  // the sweep is over

 private:
  struct Running {
    std::string label;
    double macs = 0, share = 0, images_per_second = 0, started = 0, share_at_start = 0;
  };
  void draw();

  Graph const& graph_;
  EventLog log_;
  std::optional<TensorBoardLog> tensorboard_;
  Board board_;
  std::map<std::string, Running> running_;
  double begun_, all_macs_ = 0, done_macs_ = 0;
  std::size_t to_do_ = 0, done_ = 0;
};

}  // namespace eexit::cli
