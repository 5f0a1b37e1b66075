// What the workers of a sweep tell their supervisor, and a sweep tells programs (events.jsonl): one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/files.h"

namespace eexit {

// One of the kinds below; each has the fields it needs, the others stay unset. A node is a phase, or the collecting of
// a run.
//   sweep_started     nodes (to do)
//   node_started      node, label, steps
//   progress          node, label, step, steps, images_per_second
//   epoch             node, label, epoch, step, steps, lr, images_per_second, seconds, exits, train, val
//   node_done         node, label, seconds
//   node_failed, node_interrupted    node, label, reason
//   sweep_done        nodes (done by now), failed, seconds
// After an interruption a node goes on at its last checkpoint: all its epochs are told again, those before the
// checkpoint at once and those behind it as they are done, and the later telling counts.
struct Event {
  std::string kind{};
  std::string node{};    // key of the node
  std::string label{};   // the node in words
  std::string reason{};  // one line; cut at 2,000 bytes
  int nodes = 0, failed = 0;
  long step = 0, steps = 0;  // training steps done, and all
  double images_per_second = 0;
  int epoch = 0;  // that has ended, from 1
  double lr = 0;
  std::vector<std::string> exits{};  // their names, in the order of the lists below
  std::vector<double> train_loss{}, train_accuracy{}, val_loss{}, val_accuracy{};
  double seconds = 0;  // of the node or the sweep so far, interruptions left out
  std::string time{};  // UTC, 2026-01-31T12:00:00.123Z
  int pid = 0;
  std::string host{};

  bool operator==(Event const&) const = default;
};

// The event with time, pid and host of this process where they are not set.
Event stamped(Event);

// Compact JSON and "\n". Fields that are not set are left out, but for those of its kind. Numbers that JSON does not
// have (NaN, infinities) become null; bytes that are no UTF-8 are replaced. std::logic_error for an unknown kind.
std::string to_line(Event const&);

// Nothing for anything else: a cut line, a foreign one, a field of a wrong type. Unknown fields are passed over; null
// reads as NaN.
std::optional<Event> from_line(std::string_view line);

// Appends events to a file that several processes may write to: each line is one write to its end (network file systems
// may tear such lines; readers pass over what is no event). RunError (Exit::io) naming the file when it cannot.
class EventLog {
 public:
  explicit EventLog(fs::path const&);  // makes file and folder when they are missing
  EventLog(EventLog const&) = delete;
  EventLog& operator=(EventLog const&) = delete;
  ~EventLog();
  void write(Event const&);  // stamped

 private:
  fs::path path_;
  int descriptor_ = -1;
  bool cut_ = false;  // the file ends within a line
};

}  // namespace eexit
