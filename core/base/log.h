// Messages and progress, all on stderr: stdout carries results only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/board.h"

namespace eexit {

enum class Level { quiet, normal, verbose };
void set_log_level(Level);
Level log_level();

void say(std::string_view topic, std::string_view sentence);     // "[topic] sentence"; not when quiet
void detail(std::string_view topic, std::string_view sentence);  // only when verbose
void warn(std::string_view sentence);                            // "warning: ...", always; the same one only once
void report_error(std::string_view sentence);                    // "error: ...", always
void relay(std::string_view line);                               // what another process of ours has said, as it is

// Lines that rewrite themselves, at most ten times a second, on a terminal only (NO_COLOR turns colour off, not the
// board). Elsewhere it is silent: the caller writes a line an epoch. Messages go above it. One board at a time; end it
// before results are written to stdout.
class Board {
 public:
  explicit Board(std::string title);
  Board(Board const&) = delete;
  Board& operator=(Board const&) = delete;
  ~Board();  // clears its lines
  // `overall_share` in 0 to 1; negative `seconds_left`: not known.
  void update(std::string const& overall_note, double overall_share, double seconds_left,
              std::vector<BoardLine> const& running);

 private:
  std::string title_;
  double started_, drawn_ = 0;
};

}  // namespace eexit
