#include "core/base/board.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/base/text.h"

namespace eexit {
namespace {

constexpr std::size_t overall_cells = 24, running_cells = 10;
constexpr std::size_t least_label = 16;  // columns below which a running line gives up its bar
constexpr std::size_t least_note = 8;
constexpr std::string_view indent = "  ", gap = "  ", dots = "...";

// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && seen++ == count) break;
  return at;
}

std::string_view first(std::string_view text, std::size_t count) { return text.substr(0, bytes_of(text, count)); }

std::string_view last(std::string_view text, std::size_t count) {
  std::size_t const all = code_points(text);
  return text.substr(bytes_of(text, all - std::min(all, count)));
}

// Control characters would move the cursor, broken UTF-8 would spoil the count of columns.
std::string printable(std::string_view text) {
  std::string all;
  while (!text.empty()) {
    auto const good = text.substr(0, valid_utf8_prefix(text));
    for (std::size_t i = 0; i < good.size(); ++i) {
      auto const byte = static_cast<unsigned char>(good[i]);
      bool const high_control = byte == 0xC2 && static_cast<unsigned char>(good[i + 1]) < 0xA0;
      if (high_control) ++i;
      all += byte < 0x20 || byte == 0x7F || high_control ? ' ' : good[i];
    }
    text.remove_prefix(good.size());
    if (text.empty()) break;
    all += '?';
    text.remove_prefix(1);
  }
  return all;
}

std::string cut_end(std::string_view text, std::size_t width) {
  if (code_points(text) <= width) return std::string(text);
  if (width <= dots.size()) return std::string(first(text, width));
  return std::string(first(text, width - dots.size())) + std::string(dots);
}

std::string cut_middle(std::string_view text, std::size_t width) {
  if (code_points(text) <= width || width < dots.size() + 2) return cut_end(text, width);
  std::size_t const behind = (width - dots.size()) / 2;
  return std::string(first(text, width - dots.size() - behind)) + std::string(dots) + std::string(last(text, behind));
}

std::string padded_left(std::string const& text, std::size_t width) {
  return std::string(width - std::min(width, code_points(text)), ' ') + text;
}

std::string padded_right(std::string const& text, std::size_t width) {
  return text + std::string(width - std::min(width, code_points(text)), ' ');
}

double part_of(double share) { return std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0; }

std::string percent(double share) { return fixed(std::floor(part_of(share) * 100), 0) + " %"; }

std::string time_left(double seconds) { return seconds >= 0 ? duration(seconds) + " left" : ""; }

std::string rate(double images_per_second) {
  if (!(images_per_second > 0)) return "";
  return fixed(images_per_second, images_per_second < 10 ? 1 : 0) + " img/s";
}

void add_bar(ScreenLine& line, double share, std::size_t cells) {
  auto const full = static_cast<std::size_t>(part_of(share) * static_cast<double>(cells));
  line.bar_from = line.text.size() + 1;
  line.bar_to = line.bar_from + full;
  line.text += "[" + std::string(full, '#') + std::string(cells - full, '-') + "]";
}

ScreenLine cut(ScreenLine line, std::size_t width) {
  while (line.text.ends_with(' ')) line.text.pop_back();
  if (code_points(line.text) > width) {
    std::size_t const kept = bytes_of(line.text, width - std::min(width, dots.size()));
    line.text = cut_end(line.text, width);
    line.bar_from = std::min(line.bar_from, kept);
    line.bar_to = std::min(line.bar_to, kept);
  }
  line.width = code_points(line.text);
  return line;
}

// Where all does not fit, the bar becomes short, then the note is cut, then the title.
ScreenLine overall_line(Frame const& frame, std::size_t width) {
  auto title = printable(frame.title), note = printable(frame.note);
  auto const share = " " + percent(frame.share);
  auto times = std::string(gap) + duration(frame.seconds);
  if (frame.seconds_left >= 0) times += ", " + time_left(frame.seconds_left);
  if (!note.empty()) note.insert(0, gap);
  std::size_t const numbers = code_points(" []" + share + times), words = code_points(title + note);
  std::size_t const cells = words + overall_cells + numbers <= width ? overall_cells : running_cells;
  std::size_t const room = width - std::min(width, cells + numbers);
  title = cut_middle(title, std::max(room, least_label));
  std::size_t const rest = room - std::min(room, code_points(title));
  note = code_points(note) <= rest || rest >= least_note ? cut_end(note, rest) : "";

  ScreenLine line{.text = title + " "};
  add_bar(line, frame.share, cells);
  line.text += share + note + times;
  return cut(std::move(line), width);
}

// In columns: label, bar, percent, rate, time left.
std::vector<ScreenLine> running_lines(std::span<BoardLine const> running, std::size_t width) {
  std::size_t label_width = 0, rate_width = 0, left_width = 0;
  for (auto const& one : running) {
    label_width = std::max(label_width, code_points(printable(one.label)));
    rate_width = std::max(rate_width, code_points(rate(one.images_per_second)));
    left_width = std::max(left_width, code_points(time_left(one.seconds_left)));
  }
  constexpr std::size_t percent_width = 5, bar_width = running_cells + 3;
  std::size_t taken = indent.size() + gap.size() + percent_width;
  if (rate_width > 0) taken += gap.size() + rate_width;
  if (left_width > 0) taken += gap.size() + left_width;
  bool const with_bar = taken + bar_width + std::min(label_width, least_label) <= width;
  if (with_bar) taken += bar_width;
  label_width = std::min(label_width, std::max(width - std::min(width, taken), least_label / 2));

  std::vector<ScreenLine> lines;
  for (auto const& one : running) {
    auto const label = cut_middle(printable(one.label), label_width);
    ScreenLine line{.text = std::string(indent) + padded_right(label, label_width) + std::string(gap)};
    if (with_bar) {
      add_bar(line, one.share, running_cells);
      line.text += " ";
    }
    line.text += padded_left(percent(one.share), percent_width);
    if (rate_width > 0) line.text += std::string(gap) + padded_left(rate(one.images_per_second), rate_width);
    line.text += std::string(gap) + padded_left(time_left(one.seconds_left), left_width);
    lines.push_back(cut(std::move(line), width));
  }
  return lines;
}

}  // namespace

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<ScreenLine> lay_out(Frame const& frame, std::size_t columns, std::size_t rows) {
  std::size_t const width = std::max<std::size_t>(columns, 2) - 1;
  std::size_t const room = std::max<std::size_t>(rows, 3) - 3;  // lines below the overall one
  std::size_t const count = frame.running.size();
  std::size_t const shown = count <= room ? count : room - std::min<std::size_t>(room, 1);
  std::vector<ScreenLine> lines = {overall_line(frame, width)};
  for (auto& line : running_lines(std::span(frame.running).first(shown), width)) lines.push_back(std::move(line));
  if (shown < count && room > 0)
    lines.push_back(
        cut({.text = std::string(indent) + "and " + std::to_string(count - shown) + (shown > 0 ? " more" : " running")},
            width));
  return lines;
}

}  // namespace eexit
