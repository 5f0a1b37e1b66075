// The machine's name and the time of day, as results, journals and events write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace eexit {

std::string host_name();  // "-" when it has none

double unix_seconds();  // since 1970, UTC, with fractions

// 2026-01-31T12:00:00Z, with as many decimals of the second (0 to 3).
std::string utc_text(double unix_seconds, int decimals = 0);
std::string utc_now();  // of this second

// Reads what utc_text wrote; nothing for any other text.
std::optional<double> parse_utc(std::string_view text);

}  // namespace eexit
