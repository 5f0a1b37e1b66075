// The two kinds of error of the program, and the exit codes they lead to (README, "Exit codes").
#pragma once

#include <stdexcept>
#include <string>

namespace eexit {

// Process exit codes, after sysexits(3).
enum class Exit {
  ok = 0,
  runs_failed = 1,
  usage = 64,
  data = 65,
  missing = 66,
  setup = 69,
  internal = 70,
  io = 74,
  interrupted = 75
};

// The user can fix it: a spec, a flag or a data file is wrong. One line that says file, place, what, allowed.
struct SpecError : std::runtime_error {
  explicit SpecError(std::string const& message, Exit exit_code = Exit::data)
      : std::runtime_error(message), code(exit_code) {}
  Exit code;
};

// The run cannot go on: I/O, divergence, a damaged file of the store.
struct RunError : std::runtime_error {
  explicit RunError(std::string const& message, Exit exit_code = Exit::io)
      : std::runtime_error(message), code(exit_code) {}
  Exit code;
};

// Not an error: a signal asked to stop and everything is saved. Leads to Exit::interrupted.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An invariant of the program itself; always on. Throws std::logic_error, which leads to Exit::internal.
inline void require(bool condition, char const* what) {
  if (!condition) throw std::logic_error(std::string("invariant broken: ") + what);
}

}  // namespace eexit
