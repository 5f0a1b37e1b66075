#include "core/sweep/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "core/base/error.h"
#include "core/base/host.h"
#include "core/base/text.h"

namespace eexit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_bytes = std::size_t{1} << 20, most_reason = 2000;

struct Kind {
  std::string_view name;
  std::set<std::string_view> fields;  // written even where they are 0
};

std::vector<Kind> const& kinds() {
  static std::vector<Kind> const all = {
      {"sweep_started", {"nodes"}},
      {"node_started", {}},
      {"progress", {"step", "steps", "images_per_second"}},
      {"epoch", {"epoch", "step", "steps", "lr", "images_per_second", "seconds"}},
      {"node_done", {"seconds"}},
      {"node_failed", {}},
      {"node_interrupted", {}},
      {"sweep_done", {"nodes", "failed", "seconds"}},
  };
  return all;
}

Kind const* find_kind(std::string_view name) {
  auto const found = std::find_if(kinds().begin(), kinds().end(), [&](Kind const& kind) { return kind.name == name; });
  return found == kinds().end() ? nullptr : &*found;
}

// Every field with its place in the JSON object, written once for writing and reading.
template <class AnyEvent, class Visit>
void each_field(AnyEvent& event, Visit visit) {
  visit("time", event.time);
  visit("host", event.host);
  visit("pid", event.pid);
  visit("node", event.node);
  visit("label", event.label);
  visit("reason", event.reason);
  visit("nodes", event.nodes);
  visit("failed", event.failed);
  visit("epoch", event.epoch);
  visit("step", event.step);
  visit("steps", event.steps);
  visit("lr", event.lr);
  visit("images_per_second", event.images_per_second);
  visit("seconds", event.seconds);
  visit("exits", event.exits);
  visit("train/loss", event.train_loss);
  visit("train/accuracy", event.train_accuracy);
  visit("val/loss", event.val_loss);
  visit("val/accuracy", event.val_accuracy);
}

Json::json_pointer pointer_of(char const* place) { return Json::json_pointer(std::string("/") + place); }

bool read(Json const& json, std::string& to) {
  if (!json.is_string()) return false;
  to = json.get<std::string>();
  return true;
}

bool read(Json const& json, double& to) {
  if (json.is_null()) to = std::numeric_limits<double>::quiet_NaN();
  if (json.is_number()) to = json.get<double>();
  return json.is_null() || json.is_number();
}

template <class Integer>
bool read_integer(Json const& json, Integer& to) {
  constexpr auto most = std::numeric_limits<Integer>::max();
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > static_cast<std::uint64_t>(most)) return false;
  to = json.get<Integer>();
  return true;
}
bool read(Json const& json, int& to) { return read_integer(json, to); }
bool read(Json const& json, long& to) { return read_integer(json, to); }

template <class Element>
bool read(Json const& json, std::vector<Element>& to) {
  if (!json.is_array()) return false;
  to.resize(json.size());
  for (std::size_t i = 0; i < to.size(); ++i)
    if (!read(json[i], to[i])) return false;
  return true;
}

[[noreturn]] void fail(fs::path const& path, int error) {
  throw RunError(path.string() + ": cannot write: " + std::generic_category().message(error));
}

bool ends_within_line(fs::path const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  char last = '\n';
  auto const size = ::lseek(file, 0, SEEK_END);
  bool const cut = size > 0 && ::pread(file, &last, 1, size - 1) == 1 && last != '\n';
  ::close(file);
  return cut;
}

}  // namespace

Event stamped(Event event) {
  if (event.time.empty()) event.time = utc_text(unix_seconds(), 3);
  if (event.pid == 0) event.pid = ::getpid();
  if (event.host.empty()) event.host = host_name();
  return event;
}

std::string to_line(Event const& event) {
  auto const* const kind = find_kind(event.kind);
  require(kind, "an event has a known kind");
  auto written = event;
  if (written.reason.size() > most_reason) written.reason = shortened(written.reason, most_reason);
  Json json = {{"event", event.kind}};
  each_field(written, [&]<class Value>(char const* place, Value const& value) {
    if (value != Value{} || kind->fields.contains(place)) json[pointer_of(place)] = value;
  });
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Event> from_line(std::string_view line) {
  // The parser would take a zero byte for the end of the text.
  if (line.size() > most_bytes || line.find('\0') != std::string_view::npos) return std::nullopt;
  auto const json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Event event;
  if (auto const kind = json.find("event"); kind == json.end() || !read(*kind, event.kind)) return std::nullopt;
  bool good = find_kind(event.kind) != nullptr;
  each_field(event, [&](char const* place, auto& value) {
    auto const pointer = pointer_of(place);
    if (good && json.contains(pointer)) good = read(json[pointer], value);
  });
  return good ? std::optional(event) : std::nullopt;
}

EventLog::EventLog(fs::path const& path) : path_(path) {
  if (path.has_parent_path()) make_folder(path.parent_path());
  cut_ = ends_within_line(path);
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path, errno);
}

EventLog::~EventLog() { ::close(descriptor_); }

void EventLog::write(Event const& event) {
  // What a crash cut short stays a line of its own.
  auto const line = (cut_ ? "\n" : "") + to_line(stamped(event));
  ssize_t written = -1;
  do written = ::write(descriptor_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) fail(path_, errno);
  cut_ = static_cast<std::size_t>(written) < line.size();
  if (cut_) fail(path_, ENOSPC);
}

}  // namespace eexit
