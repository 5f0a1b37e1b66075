// SIGINT, SIGTERM, SIGHUP (a terminal that closes) and USR1 (which Slurm sends before a time limit) ask for a clean
// stop; a second SIGINT ends at once with code 75.
#pragma once

namespace eexit {

void install_signal_handlers();  // SIGHUP is left alone where it is ignored: nohup
bool stop_requested();
// USR1 came and no SIGTERM. Who ends a job with SIGTERM decides whether it starts again: Slurm itself after a
// pre-emption; nobody after `scancel`, where asking Slurm to requeue would bring a cancelled job back.
bool stop_was_time_limit();
void throw_if_stop_requested();  // Interrupted

}  // namespace eexit
