// Just enough of a terminal for tests: what a stream of bytes leaves on its screen.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace eexit::test {

// The rows that were written, without blank ends, those that scrolled off the top included. Understands \r, \n, cursor
// up, clearing to the end of a row or of the screen, and skips colours; shows any other escape as "<ESC>". Lines wrap.
inline std::vector<std::string> screen_of(std::string_view bytes, std::size_t columns) {
  std::vector<std::u32string> rows(1);
  std::size_t row = 0, column = 0;
  auto const put = [&](char32_t c) {
    if (column == columns) {
      column = 0;
      if (++row == rows.size()) rows.emplace_back();
    }
    rows[row].resize(std::max(rows[row].size(), column + 1), U' ');
    rows[row][column++] = c;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto const byte = static_cast<unsigned char>(bytes[i]);
    if (byte == '\r') {
      column = 0;
    } else if (byte == '\n') {
      if (++row == rows.size()) rows.emplace_back();
    } else if (byte == 0x1B && i + 1 < bytes.size() && bytes[i + 1] == '[') {
      std::size_t const end = bytes.find_first_not_of("0123456789;", i + 2);
      std::string const number(bytes.substr(i + 2, end - i - 2));
      char const what = end < bytes.size() ? bytes[end] : '?';
      i = end;
      std::size_t const count = what == 'A' && !number.empty() ? std::stoul(number) : 1;
      if (what == 'A') row -= std::min(row, count);
      if (what == 'K' || what == 'J') rows[row].resize(std::min(rows[row].size(), column));
      if (what == 'J') rows.resize(row + 1);
      if (what != 'A' && what != 'K' && what != 'J' && what != 'm')
        for (char const c : std::string_view("<ESC>")) put(static_cast<char32_t>(c));
    } else if (byte < 0x20) {
      put(U'^');
    } else if ((byte & 0xC0) != 0x80) {
      put(static_cast<char32_t>(byte));  // one column a character; which one does not matter to these tests
    }
  }
  std::vector<std::string> text;
  for (auto const& one : rows) {
    std::string line;
    for (auto const c : one) line += c < 0x80 ? static_cast<char>(c) : '*';
    line.resize(line.find_last_not_of(' ') + 1);
    text.push_back(line);
  }
  while (!text.empty() && text.back().empty()) text.pop_back();
  return text;
}

}  // namespace eexit::test
