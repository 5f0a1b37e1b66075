// Other programs: gnuplot, and the commands of a batch system.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace eexit {

struct Output {
  int status = 0;  // exit code; 128 + n when signal n ended it
  std::string out, err;
};

// Runs the program argv[0], looked up in PATH, without a shell and with nothing on stdin, to its end; a request to stop
// does not cut it short. Nothing when there is no such program; RunError when it cannot be started for another reason.
std::optional<Output> run_command(std::vector<std::string> const& argv);

}  // namespace eexit
