#include "core/sweep/supervisor.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/plan/plan.h"
#include "core/sweep/child.h"

namespace eexit {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

struct Working {
  Working(SuperviseOptions const& options, std::string const& job, std::vector<std::size_t> group)
      : child(options.program, options.worker, job), nodes(std::move(group)) {}
  Child child;
  std::vector<std::size_t> nodes;
  std::deque<std::string> last_lines;
  std::string last_error, held_back;  // held back: an error line that may become our own
};

class Supervisor {
 public:
  Supervisor(Graph const& graph, Plan const& plan, Store const& store, SuperviseOptions const& options)
      : graph_(graph), plan_(plan), store_(store), options_(options), places_(graph.nodes.size()) {
    // In this order: what another supervisor does in between is done, and no longer waited for.
    needed_ = still_needed(graph, store);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) places_[i].done = is_settled(graph.nodes[i], store);
  }

  SweepReport run() {
    while (left() > 0 || !working_.empty()) {
      if (stop_requested() && !stopping_) stop("");
      try {
        if (!stopping_) start_some();
        listen();
      } catch (RunError const& error) {
        // A full disk, most likely: workers get the chance to save what they can before we end.
        if (!broken_) broken_ = error;
        silent_ = true;
        stop("");
      }
      if (working_.empty() && stopping_) break;
    }
    if (refusal_) throw SpecError(refusal_->first, refusal_->second);
    if (broken_) throw RunError(*broken_);
    throw_if_stop_requested();
    return report_;
  }

 private:
  struct Place {
    bool done = false, running = false, failed = false, alone = false;
    int attempts = 0;
    double not_before = 0;
  };

  bool to_do(std::size_t i) const { return needed_[i] && !places_[i].done && !places_[i].failed; }

  std::size_t left() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) count += to_do(i);
    return count;
  }

  bool ready(std::size_t i) const {
    if (!to_do(i) || places_[i].running || places_[i].not_before > now()) return false;
    return has_all(graph_.nodes[i].after) && has_all(graph_.nodes[i].trials);
  }

  bool has_all(std::vector<std::size_t> const& parents) const {
    return std::all_of(parents.begin(), parents.end(), [&](std::size_t parent) { return places_[parent].done; });
  }

  void start_some() {
    if (static_cast<int>(working_.size()) >= options_.jobs) return;
    std::vector<std::size_t> ready_nodes, single;
    std::vector<bool> open(places_.size());
    for (std::size_t i = 0; i < places_.size(); ++i) {
      open[i] = to_do(i) && !places_[i].running;
      if (ready(i)) (places_[i].alone ? single : ready_nodes).push_back(i);
    }
    auto groups = groups_of(graph_, ready_nodes, open);
    for (auto const i : single)
      for (auto& group : groups_of(graph_, {i}, open)) groups.push_back(std::move(group));
    for (auto const& group : groups) {
      if (static_cast<int>(working_.size()) >= options_.jobs) return;
      if (!elsewhere(group)) start(group);
    }
  }

  // Another supervisor's worker is at it, or has just done it.
  bool elsewhere(std::vector<std::size_t> const& group) {
    bool busy = false;
    for (auto const i : group) {
      auto const& node = graph_.nodes[i];
      bool const held = Lock::held(folder_of(node, store_) / "lock");
      if (held) places_[i].not_before = now() + 0.2;
      places_[i].done = !held && is_settled(node, store_);
      busy = busy || held || places_[i].done;
    }
    return busy;
  }

  void start(std::vector<std::size_t> const& group) {
    working_.emplace_back(options_, job_text(plan_, graph_, group), group);
    for (auto const i : group) {
      places_[i].running = true;
      ++places_[i].attempts;
    }
  }

  void listen() {
    std::vector<pollfd> ends;
    for (auto const& each : working_)
      for (int const descriptor : {each.child.out(), each.child.err()}) ends.push_back({descriptor, POLLIN, 0});
    ::poll(ends.data(), ends.size(), 100);
    for (auto each = working_.begin(); each != working_.end();) {
      each->child.read_out([&](std::string const& line) { hear(line); });
      each->child.read_err([&](std::string const& line) { note(*each, line); });
      auto const here = each++;
      if (!here->child.closed()) continue;
      std::list<Working> ended;  // whatever is thrown now, it has ended only once
      ended.splice(ended.begin(), working_, here);
      end(ended.front());
    }
  }

  void hear(std::string const& line) {
    auto const event = from_line(line);
    if (event) tell(*event);
  }

  void tell(Event const& event) const {
    if (options_.report && !silent_) options_.report(event);
  }

  void note(Working& worker, std::string const& line) {
    constexpr std::string_view error = "error: ";
    let_go(worker);
    if (line.starts_with(error)) {
      worker.last_error = line.substr(error.size());
      worker.held_back = line;
    } else if (options_.relay) {
      options_.relay(line);
    }
    worker.last_lines.push_back(line);
    if (worker.last_lines.size() > 5) worker.last_lines.pop_front();
  }

  void let_go(Working& worker) const {
    if (options_.relay && !worker.held_back.empty()) options_.relay(worker.held_back);
    worker.held_back.clear();
  }

  void end(Working& worker) {
    int const status = worker.child.wait();
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    for (auto const i : worker.nodes) places_[i].running = false;
    if (worker.last_error.empty()) worker.last_error = "a worker ended with " + status_text(status);
    if (code == static_cast<int>(Exit::io)) broken_ = RunError(worker.last_error);
    if (code == static_cast<int>(Exit::data) || code == static_cast<int>(Exit::missing))
      refusal_ = {worker.last_error, static_cast<Exit>(code)};
    if (broken_ || refusal_)
      stop("");  // its error becomes our own
    else
      let_go(worker);
    for (auto const i : worker.nodes) settle(i, code == busy_code, status, worker);
  }

  void settle(std::size_t i, bool busy, int status, Working const& worker) {
    auto& place = places_[i];
    auto const& node = graph_.nodes[i];
    place.done = is_settled(node, store_);
    if (place.done && !busy && node.kind == Node::Kind::phase) {
      ++report_.trained;
      report_.macs += node.macs;
    }
    if (!place.done && stopping_)
      tell({.kind = "node_interrupted", .node = node.id, .label = node.label, .reason = status_text(status)});
    if (place.done || stopping_ || stop_requested()) return;
    if (busy) {
      --place.attempts;
      place.not_before = now() + 0.2;
      return;
    }
    // A worker that ended well has said why a node failed; else an older note may lie there.
    auto const noted = status == 0 ? read_failure(node, store_) : std::nullopt;
    if (noted && (noted->diverged || noted->unfit)) return fail(i, noted->reason);
    // Not its own fault when what it reads has failed.
    if (!has_all(node.after)) {
      --place.attempts;
      return;
    }
    auto reason = noted ? noted->reason : status_text(status);
    if (!noted && !worker.last_lines.empty())
      reason +=
          "; last lines: " + join(std::vector<std::string>(worker.last_lines.begin(), worker.last_lines.end()), " | ");
    place.alone = true;  // whatever it was, the next attempt takes no others along
    if (place.attempts < 2) {
      warn(node.label + ": " + reason + "; trying once more");
      return;
    }
    if (!noted) {
      write_failure(node, store_, {.reason = reason});
      report_error(node.label + ": " + reason);
    }
    fail(i, reason);
  }

  // It, and all that reads its result.
  void fail(std::size_t i, std::string const& reason) {
    auto const& node = graph_.nodes[i];
    places_[i].failed = true;
    if (needed_[i]) tell({.kind = "node_failed", .node = node.id, .label = node.label, .reason = reason});
    for (auto const run : node.wanted_by) report_.failed.emplace(plan_.runs[run].id, reason);
    if (options_.fail_fast) stop("--fail-fast: " + node.label + " failed");
    for (auto const next : node.before)
      if (!places_[next].failed && !places_[next].done) fail(next, node.label + " failed");
  }

  void stop(std::string const& why) {
    if (stopping_) return;
    stopping_ = true;
    if (!why.empty()) report_error(why + "; stopping the others");
    for (auto const& each : working_) each.child.ask_to_stop();
  }

  Graph const& graph_;
  Plan const& plan_;
  Store const& store_;
  SuperviseOptions const& options_;
  std::vector<Place> places_;
  std::vector<bool> needed_;
  std::list<Working> working_;
  SweepReport report_;
  std::optional<RunError> broken_;
  std::optional<std::pair<std::string, Exit>> refusal_;
  bool stopping_ = false;
  bool silent_ = false;  // events cannot be written any more
};

}  // namespace

std::string job_text(Plan const& plan, Graph const& graph, std::vector<std::size_t> const& nodes) {
  std::vector<Run const*> runs;
  for (auto const i : nodes) runs.push_back(graph.nodes[i].run);
  Json job = {{"spec", spec_for(plan, runs)}, {"nodes", Json::array()}};
  for (auto const i : nodes) job["nodes"].push_back(graph.nodes[i].id);
  return job.dump() + "\n";
}

SweepReport report_of(Graph const& graph, Plan const& plan, Store const& store) {
  SweepReport report;
  auto const reasons = reasons_of(graph, still_needed(graph, store), store);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (!reasons[i].empty())
      for (auto const run : graph.nodes[i].wanted_by) report.failed.emplace(plan.runs[run].id, reasons[i]);
  return report;
}

SweepReport supervise(Graph const& graph, Plan const& plan, Store const& store, SuperviseOptions const& options) {
  return Supervisor(graph, plan, store, options).run();
}

}  // namespace eexit
