#include "core/base/host.h"

#include <sys/utsname.h>

#include <chrono>
#include <cmath>
#include <ctime>

namespace eexit {

std::string host_name() {
  utsname names{};
  return uname(&names) == 0 && names.nodename[0] != '\0' ? names.nodename : "-";
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string utc_text(double unix_seconds, int decimals) {
  // Cut, not rounded: 59.9996 s is not yet the next minute.
  auto const milliseconds = static_cast<long long>(std::floor(unix_seconds * 1000 + 1e-3));
  auto const thousandths = ((milliseconds % 1000) + 1000) % 1000;
  auto const seconds = static_cast<std::time_t>((milliseconds - thousandths) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  auto const fraction = std::to_string(1000 + thousandths).substr(1, static_cast<std::size_t>(decimals));
  return std::string(text) + (decimals > 0 ? "." + fraction : "") + "Z";
}

std::string utc_now() { return utc_text(unix_seconds()); }

std::optional<double> parse_utc(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size() || text.size() > form.size() + 5 || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return std::nullopt;
  auto const number = [&](std::size_t at, std::size_t count) { return std::stoi(std::string(text.substr(at, count))); };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(14, 2);
  parts.tm_sec = number(17, 2);
  auto seconds = static_cast<double>(timegm(&parts));
  auto const fraction = text.substr(form.size(), text.size() - form.size() - 1);
  if (fraction.empty()) return seconds;
  if (fraction.size() < 2 || fraction[0] != '.') return std::nullopt;
  double unit = 0.1;
  for (char const c : fraction.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds += unit * (c - '0');
    unit /= 10;
  }
  return seconds;
}

}  // namespace eexit
