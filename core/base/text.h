// Small operations on text, numbers as text among them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

// Shortest decimal form that reads back as the same double: 0.1, 1, 1e-08. NaN is "nan", infinities "inf", "-inf".
std::string shortest(double value);

// The same value with a fixed number of decimals: fixed(2.345, 2) = "2.35" (ties as printf).
std::string fixed(double value, int decimals);

// Reads a whole text as a double or an integer; throws SpecError naming `what` when it is not one.
double parse_double(std::string_view text, std::string_view what);
long long parse_integer(std::string_view text, std::string_view what);

bool starts_with_any(std::string_view text, std::span<std::string const> prefixes);

std::string join(std::span<std::string const> parts, std::string_view separator);
std::string join(std::span<double const> values, std::string_view separator);  // each in shortest form
std::string join(std::span<int const> values, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);  // "" gives one empty part

// 1234567 -> "1,234,567".
std::string grouped(long long value);

// 75.3 -> "1 min 15 s"; 0.4 -> "0.4 s"; 7300 -> "2 h 2 min".
std::string duration(double seconds);

// `no regime "mixd"; did you mean "mixed"? known: disjoint, joint, mixed, phases` for what = "regime", name = "mixd".
// Known names are sorted. The guess is the one at the least edit distance (two neighbours swapped count as one edit),
// given only when at most a third of its letters (at least one) differ; long lists are cut at 40 names.
std::string unknown_name(std::string_view what, std::string_view name, std::span<std::string const> known);

// Its second half: `; did you mean "mixed"? known: disjoint, joint, mixed, phases`.
std::string nearest_of(std::string_view name, std::span<std::string const> known);

// True when every byte sequence of the text is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool valid_utf8(std::string_view text);

// Bytes of the longest beginning of the text that is well-formed UTF-8.
std::size_t valid_utf8_prefix(std::string_view text);

// The text, or when it is longer than `most` bytes its first whole characters and "..."; for messages.
std::string shortened(std::string_view text, std::size_t most);

}  // namespace eexit
