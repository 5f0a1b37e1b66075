// What a board on a terminal shows, laid out as lines of text: pure. core/base/log.h puts it on the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

// One thing that is being worked on.
struct BoardLine {
  std::string label{};
  double share = 0;              // of it that is done, 0 to 1
  double images_per_second = 0;  // 0: not known yet
  double seconds_left = -1;      // negative: not known yet
};

// All that a board shows: one overall line, then one a running thing.
struct Frame {
  std::string title{}, note{};
  double share = 0;  // of the whole, 0 to 1
  double seconds = 0;
  double seconds_left = -1;  // negative: not known yet
  std::vector<BoardLine> running{};
};

struct ScreenLine {
  std::string text{};
  std::size_t width = 0;                 // in code points
  std::size_t bar_from = 0, bar_to = 0;  // bytes of the bar's full part, which is coloured
};

// At least one line; none wider than columns - 1 (a full line would wrap), at most rows - 2 lines: what does not fit is
// counted ("and 5 more"). Long labels are cut in their middle, so that numbers and endings stay to be seen.
std::vector<ScreenLine> lay_out(Frame const&, std::size_t columns, std::size_t rows);

// Characters of a text that is UTF-8.
std::size_t code_points(std::string_view text);

}  // namespace eexit
