// SIGINT and SIGTERM (and USR1, which Slurm sends before a time limit) ask for a clean stop; a second SIGINT ends at
// once with code 75.
#pragma once

namespace eexit {

void install_signal_handlers();
bool stop_requested();
void throw_if_stop_requested();  // Interrupted

}  // namespace eexit
