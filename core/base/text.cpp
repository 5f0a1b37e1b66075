#include "core/base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "core/base/error.h"

namespace eexit {
namespace {

template <class T>
T parse_whole(std::string_view text, std::string_view what, char const* kind) {
  T value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw SpecError(fmt::format("{}: expected {}, found \"{}\"", what, kind, shortened(text, 60)));
  return value;
}

template <class T, class Show>
std::string join_with(std::span<T const> values, std::string_view separator, Show show) {
  std::string all;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) all += separator;
    all += show(values[i]);
  }
  return all;
}

// Edits (insert, remove, replace, swap two neighbours) that turn a into b: optimal string alignment.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

// Length of the well-formed character at the start of a text that is not empty; 0 when there is none.
std::size_t utf8_character(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned const first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  // Bounds of the second byte; they shut out overlong forms, surrogates and what lies above U+10FFFF.
  unsigned low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return length;
}

std::optional<std::string> nearest(std::string_view name, std::span<std::string const> sorted) {
  std::optional<std::string> guess;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (auto const& candidate : sorted) {
    std::size_t const longest = std::max<std::size_t>(1, candidate.size() / 3);
    if (name.size() > candidate.size() + longest) continue;
    std::size_t const distance = edit_distance(name, candidate);
    // A name of one letter has no letter left to be recognised by.
    if (distance > longest || distance >= candidate.size() || distance >= least) continue;
    least = distance;
    guess = candidate;
  }
  return guess;
}

}  // namespace

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";  // fmt would show its sign
  return fmt::format("{}", value);
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{:.{}f}", value, decimals);
}

double parse_double(std::string_view text, std::string_view what) {
  return parse_whole<double>(text, what, "a number");
}

long long parse_integer(std::string_view text, std::string_view what) {
  return parse_whole<long long>(text, what, "an integer");
}

bool starts_with_any(std::string_view text, std::span<std::string const> prefixes) {
  for (auto const& prefix : prefixes)
    if (text.starts_with(prefix)) return true;
  return false;
}

std::string join(std::span<std::string const> parts, std::string_view separator) {
  return join_with(parts, separator, [](std::string const& part) { return part; });
}

std::string join(std::span<double const> values, std::string_view separator) {
  return join_with(values, separator, [](double value) { return shortest(value); });
}

std::string join(std::span<int const> values, std::string_view separator) {
  return join_with(values, separator, [](int value) { return std::to_string(value); });
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    std::size_t const end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string grouped(long long value) {
  std::string digits = std::to_string(value);
  std::size_t const first = value < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) return "-" + duration(-seconds);
  // Rounded before the unit is chosen, so that 59.6 is a minute and not 60 s.
  double const tenths = std::round(seconds * 10) / 10;
  if (tenths < 10) return fixed(tenths, 1) + " s";
  double const whole = std::round(seconds);
  if (whole < 60) return fmt::format("{:.0f} s", whole);
  if (whole < 3600) return fmt::format("{:.0f} min {:.0f} s", std::floor(whole / 60), std::fmod(whole, 60));
  double const minutes = std::round(seconds / 60);
  return fmt::format("{:.0f} h {:.0f} min", std::floor(minutes / 60), std::fmod(minutes, 60));
}

std::string nearest_of(std::string_view name, std::span<std::string const> known) {
  constexpr std::size_t most_names = 40;
  if (known.empty()) return "; none is known";
  std::vector<std::string> sorted(known.begin(), known.end());
  std::sort(sorted.begin(), sorted.end());
  std::string text = ";";
  if (auto const guess = nearest(name, sorted)) text += fmt::format(" did you mean \"{}\"?", *guess);
  auto const shown = std::span<std::string const>(sorted).first(std::min(sorted.size(), most_names));
  text += " known: " + join(shown, ", ");
  if (sorted.size() > most_names) text += fmt::format(", ... ({} more)", sorted.size() - most_names);
  return text;
}

std::string unknown_name(std::string_view what, std::string_view name, std::span<std::string const> known) {
  return fmt::format("no {} \"{}\"{}", what, shortened(name, 60), nearest_of(name, known));
}

bool valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t const length = utf8_character(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  // Back to the start of a character; a text that is no UTF-8 is cut after three steps at the latest.
  while (end > 0 && most - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace eexit
