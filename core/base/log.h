// Messages and progress, all on stderr: stdout carries results only.
#pragma once

#include <string>
#include <string_view>

namespace eexit {

enum class Level { quiet, normal, verbose };
void set_log_level(Level);
Level log_level();

void say(std::string_view topic, std::string_view sentence);     // "[topic] sentence"; not when quiet
void detail(std::string_view topic, std::string_view sentence);  // only when verbose
void warn(std::string_view sentence);                            // "warning: ...", always; the same one only once
void report_error(std::string_view sentence);                    // "error: ...", always

// A bar that rewrites itself, on a terminal only (NO_COLOR turns colour off, not the bar). Elsewhere it is silent: the
// caller writes a line an epoch.
class Progress {
 public:
  Progress(std::string label, long total);
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;
  ~Progress();                                    // clears the line
  void update(long done, std::string_view note);  // at most ten redraws a second

 private:
  std::string label_;
  long total_;
  double started_, drawn_ = 0;
};

}  // namespace eexit
