#include "core/base/signals.h"

#include <unistd.h>
#include <csignal>

#include "core/base/error.h"

namespace eexit {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;
volatile std::sig_atomic_t warned_of_limit = 0;
volatile std::sig_atomic_t terminated = 0;
volatile std::sig_atomic_t interrupts = 0;

extern "C" void on_stop_signal(int number) {
  asked_to_stop = 1;
  if (number == SIGUSR1) warned_of_limit = 1;
  if (number == SIGTERM) terminated = 1;
  if (number != SIGINT) return;
  interrupts = interrupts + 1;
  if (interrupts >= 2) _exit(static_cast<int>(Exit::interrupted));
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // libraries need not expect calls cut short; whoever waits polls stop_requested()
  for (int const number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    struct sigaction before {};
    bool const known = sigaction(number, nullptr, &before) == 0;
    if (number == SIGHUP && known && before.sa_handler == SIG_IGN) continue;
    if (!known || sigaction(number, &action, nullptr) != 0)
      throw RunError("cannot install the signal handlers", Exit::internal);
  }
}

bool stop_requested() { return asked_to_stop != 0; }

bool stop_was_time_limit() { return warned_of_limit != 0 && terminated == 0; }

void throw_if_stop_requested() {
  if (stop_requested()) throw Interrupted("stopped by a signal; the same command goes on from here");
}

}  // namespace eexit
