#include "cli/watch.h"

#include <algorithm>

#include "core/execute/timing.h"

namespace eexit::cli {

Watch::Watch(Plan const& plan, Graph const& graph, Store const& store, fs::path const& tensorboard)
    : graph_(graph), log_(store.study(plan.study) / "events.jsonl"), board_(plan.study), begun_(wall_seconds()) {
  if (!tensorboard.empty()) tensorboard_.emplace(tensorboard);
  auto const needed = still_needed(graph, store);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    ++to_do_;
    all_macs_ += graph.nodes[i].macs;
  }
  if (to_do_ > 0) log_.write({.kind = "sweep_started", .nodes = static_cast<int>(to_do_)});
}

void Watch::hear(Event const& event) {
  log_.write(event);
  if (tensorboard_) tensorboard_->write(event);
  auto const number = graph_.number.find(event.node);
  if (number == graph_.number.end()) return;
  auto const& node = graph_.nodes[number->second];
  if (event.kind == "node_started")
    running_[event.node] = {.label = event.label, .macs = node.macs, .started = wall_seconds()};
  auto const found = running_.find(event.node);
  if (event.kind == "node_done" || event.kind == "node_failed" || event.kind == "node_interrupted") {
    if (found != running_.end()) running_.erase(found);
    done_ += event.kind == "node_done";
    if (event.kind == "node_done") done_macs_ += node.macs;
  } else if (found != running_.end() && event.kind == "progress" && event.steps > 0) {
    auto& each = found->second;
    each.share = static_cast<double>(event.step) / static_cast<double>(event.steps);
    if (each.images_per_second == 0) {
      // It may go on from a checkpoint: the time left is that of what is done here.
      each.share_at_start = each.share;
      each.started = wall_seconds();
    }
    each.images_per_second = event.images_per_second;
  }
  draw();
}

void Watch::draw() {
  double const now = wall_seconds();
  double macs = done_macs_;
  std::vector<BoardLine> lines;
  for (auto const& [node, each] : running_) {
    macs += each.macs * each.share;
    double const gone = each.share - each.share_at_start;
    lines.push_back({.label = each.label,
                     .share = each.share,
                     .images_per_second = each.images_per_second,
                     .seconds_left = gone > 0 ? (now - each.started) / gone * (1 - each.share) : -1});
  }
  double const share = all_macs_ > 0 ? std::min(1.0, macs / all_macs_) : 1;
  board_.update(std::to_string(done_) + "/" + std::to_string(to_do_), share,
                share > 0.01 ? (now - begun_) / share * (1 - share) : -1, lines);
}

void Watch::end(std::size_t failed) {
  if (to_do_ == 0) return;
  log_.write({.kind = "sweep_done",
              .nodes = static_cast<int>(done_),
              .failed = static_cast<int>(failed),
              .seconds = wall_seconds() - begun_});
}

}  // namespace eexit::cli
