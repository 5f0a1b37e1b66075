#include "core/base/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
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
  // What the board shows, and the widths of its lines that are on the terminal.
  Board const* board = nullptr;
  Frame frame;
  std::vector<std::size_t> drawn;
};

Sink& sink() {
  static Sink the_sink;
  return the_sink;
}

bool on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

std::string coloured(std::string_view text, std::string_view code) {
  char const* const no_colour = std::getenv("NO_COLOR");
  if (!on_terminal() || (no_colour && *no_colour)) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

winsize terminal_size() {
  winsize size{};
  bool const known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  if (!known || size.ws_col == 0) size.ws_col = 80;
  if (!known || size.ws_row == 0) size.ws_row = 24;
  return size;
}

// Moves the cursor from the end of what is drawn to its beginning. Terminals wrap what is wider than they have
// become, all but a few.
std::string to_first_line(std::vector<std::size_t> const& drawn, std::size_t columns) {
  std::size_t rows = 0;
  for (auto const width : drawn) rows += std::max<std::size_t>(1, (width + columns - 1) / columns);
  return rows > 1 ? "\r\033[" + std::to_string(rows - 1) + "A" : "\r";
}

// The board as it is now, over the one before: each line clears what is left of its row, the last what is below it.
std::string drawing(Sink& to, winsize size) {
  std::string text;
  to.drawn.clear();
  for (auto const& line : lay_out(to.frame, size.ws_col, size.ws_row)) {
    if (!to.drawn.empty()) text += "\033[K\n";
    std::string_view const all = line.text;
    text += all.substr(0, line.bar_from);
    if (line.bar_to > line.bar_from) text += coloured(all.substr(line.bar_from, line.bar_to - line.bar_from), "32");
    text += all.substr(line.bar_to);
    to.drawn.push_back(line.width);
  }
  return text + "\033[J";
}

// In one call, so that lines of several processes do not mix.
void print(std::string const& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

// The message takes the place of the board, which is drawn again below it.
void print_message(Sink& to, std::string const& message) {
  if (!to.board || to.drawn.empty()) return print(message);
  auto const size = terminal_size();
  auto const above = to_first_line(to.drawn, size.ws_col) + "\033[J" + message;
  print(above + drawing(to, size));
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
  print_message(sink(), "[" + std::string(topic) + "] " + std::string(sentence) + "\n");
}

void detail(std::string_view topic, std::string_view sentence) {
  if (log_level() == Level::verbose) say(topic, sentence);
}

void warn(std::string_view sentence) {
  std::lock_guard const held(sink().mutex);
  if (!sink().warned.emplace(sentence).second) return;
  print_message(sink(), coloured("warning:", "33") + " " + std::string(sentence) + "\n");
}

void report_error(std::string_view sentence) {
  std::lock_guard const held(sink().mutex);
  print_message(sink(), coloured("error:", "31") + " " + std::string(sentence) + "\n");
}

void relay(std::string_view line) {
  std::lock_guard const held(sink().mutex);
  print_message(sink(), std::string(line) + "\n");
}

Board::Board(std::string title) : title_(std::move(title)), started_(now()) {}

Board::~Board() {
  std::lock_guard const held(sink().mutex);
  if (sink().board != this) return;
  if (!sink().drawn.empty()) print(to_first_line(sink().drawn, terminal_size().ws_col) + "\033[J");
  sink().drawn.clear();
  sink().board = nullptr;
}

void Board::update(std::string const& overall_note, double overall_share, double seconds_left,
                   std::vector<BoardLine> const& running) {
  std::lock_guard const held(sink().mutex);
  if (sink().level == Level::quiet || !on_terminal()) return;
  double const time = now();
  sink().board = this;
  sink().frame = {.title = title_,
                  .note = overall_note,
                  .share = overall_share,
                  .seconds = time - started_,
                  .seconds_left = seconds_left,
                  .running = running};
  // Kept all the same: a message redraws the board.
  if (time - drawn_ < 0.1) return;
  drawn_ = time;
  auto const size = terminal_size();
  auto const start = to_first_line(sink().drawn, size.ws_col);
  print(start + drawing(sink(), size));
}

}  // namespace eexit
