#include "core/base/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

#include "core/base/text.h"

namespace eexit {
namespace {

// The one sink of the program: whoever prints holds its mutex.
struct Sink {
  std::mutex mutex;
  Level level = Level::normal;
  std::set<std::string, std::less<>> warned;
  bool bar_shown = false;
};

Sink& sink() {
  static Sink the_sink;
  return the_sink;
}

constexpr std::string_view clear_line = "\r\033[K";

bool on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

std::string coloured(std::string_view text, std::string_view code) {
  char const* const no_colour = std::getenv("NO_COLOR");
  if (!on_terminal() || (no_colour && *no_colour)) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

// In one call, so that lines of several processes do not mix.
void print(Sink& to, std::string text) {
  if (to.bar_shown) text.insert(0, clear_line);
  to.bar_shown = false;
  std::fwrite(text.data(), 1, text.size(), stderr);
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void set_log_level(Level level) {
  std::lock_guard const held(sink().mutex);
  sink().level = level;
}

Level log_level() {
  std::lock_guard const held(sink().mutex);
  return sink().level;
}

void say(std::string_view topic, std::string_view sentence) {
  std::lock_guard const held(sink().mutex);
  if (sink().level == Level::quiet) return;
  print(sink(), "[" + std::string(topic) + "] " + std::string(sentence) + "\n");
}

void detail(std::string_view topic, std::string_view sentence) {
  if (log_level() == Level::verbose) say(topic, sentence);
}

void warn(std::string_view sentence) {
  std::lock_guard const held(sink().mutex);
  if (!sink().warned.emplace(sentence).second) return;
  print(sink(), coloured("warning:", "33") + " " + std::string(sentence) + "\n");
}

void report_error(std::string_view sentence) {
  std::lock_guard const held(sink().mutex);
  print(sink(), coloured("error:", "31") + " " + std::string(sentence) + "\n");
}

Progress::Progress(std::string label, long total) : label_(std::move(label)), total_(total), started_(now()) {}

Progress::~Progress() {
  std::lock_guard const held(sink().mutex);
  if (sink().bar_shown) print(sink(), "");
}

void Progress::update(long done, std::string_view note) {
  double const time = now();
  if (time - drawn_ < 0.1 && done < total_) return;
  std::lock_guard const held(sink().mutex);
  if (sink().level == Level::quiet || !on_terminal()) return;
  drawn_ = time;

  constexpr std::size_t cells = 24;
  double const part = total_ > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0) : 0;
  auto const full = static_cast<std::size_t>(part * cells);
  std::string line = label_ + " [" + std::string(full, '#') + std::string(cells - full, '-') + "] " +
                     fixed(std::floor(part * 100), 0) + " %";
  if (!note.empty()) line += "  " + std::string(note);
  double const elapsed = time - started_;
  line += "  " + duration(elapsed);
  if (part > 0 && part < 1) line += ", " + duration(elapsed / part * (1 - part)) + " left";
  // A line that wraps could not be rewritten.
  std::size_t const columns = terminal_columns();
  if (line.size() >= columns) line = shortened(line, columns - std::min<std::size_t>(columns, 4));

  sink().bar_shown = true;
  print(sink(), line);
  sink().bar_shown = true;
}

}  // namespace eexit
