#include "core/sweep/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "core/base/error.h"

namespace eexit {

namespace {

[[noreturn]] void fail(std::string const& what, int error) {
  throw RunError("cannot start a worker: " + what + ": " + std::generic_category().message(error), Exit::internal);
}

std::array<int, 2> new_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe", errno);
  return ends;
}

// Signals wait while it lives.
class Held {
 public:
  Held() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
  }
  Held(Held const&) = delete;
  Held& operator=(Held const&) = delete;
  ~Held() { ::sigprocmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before{};
};

// Between fork and exec, signals held: nothing but system calls.
[[noreturn]] void become(char const* program, char* const* argv, int in, int out, int err, pid_t parent,
                         sigset_t const& mask) {
  // A signal that came to our handler would be noted in memory that exec throws away. A reader that is gone must not
  // kill a worker before it has saved its work.
  for (int const number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) std::signal(number, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::setpgid(0, 0);  // an interrupt from the terminal is for the parent, who passes it on
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(static_cast<int>(Exit::interrupted));  // it died before we asked
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execv(program, argv);
  ::_exit(127);
}

void write_all(int descriptor, std::string const& text) {
  for (std::size_t done = 0; done < text.size();) {
    auto const written = ::write(descriptor, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;  // it is gone already; its end says why
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

Child::Child(std::string const& program, std::vector<std::string> const& argv, std::string const& input) {
  std::vector<char*> words;
  for (auto const& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  auto const in = new_pipe(), out = new_pipe(), err = new_pipe();
  auto const parent = ::getpid();
  {
    Held const signals;
    pid_ = ::fork();
    if (pid_ == 0) become(program.c_str(), words.data(), in[0], out[1], err[1], parent, signals.before);
  }
  if (pid_ < 0) fail("fork", errno);
  ::setpgid(pid_, pid_);
  for (int const end : {in[0], out[1], err[1]}) ::close(end);
  out_.descriptor = out[0];
  err_.descriptor = err[0];
  for (int const end : {out[0], err[0]}) ::fcntl(end, F_SETFL, O_NONBLOCK);
  auto const before = std::signal(SIGPIPE, SIG_IGN);
  write_all(in[1], input);
  std::signal(SIGPIPE, before);
  ::close(in[1]);
}

Child::~Child() {
  for (auto* stream : {&out_, &err_})
    if (stream->descriptor >= 0) ::close(stream->descriptor);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void Child::read(Stream& stream, std::function<void(std::string const&)> const& line) {
  std::array<char, 8192> buffer{};
  while (stream.descriptor >= 0) {
    auto const got = ::read(stream.descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      ::close(stream.descriptor);
      stream.descriptor = -1;
      if (!stream.rest.empty()) line(stream.rest);
      stream.rest.clear();
      break;
    }
    stream.rest.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t from = 0;
    for (auto end = stream.rest.find('\n'); end != std::string::npos; end = stream.rest.find('\n', from)) {
      line(stream.rest.substr(from, end - from));
      from = end + 1;
    }
    stream.rest.erase(0, from);
  }
}

void Child::ask_to_stop() const {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

std::string status_text(int status) {
  bool const interrupted = WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(Exit::interrupted);
  if (!WIFSIGNALED(status))
    return "exit code " + std::to_string(WEXITSTATUS(status)) + (interrupted ? " (stopped by a signal)" : "");
  int const number = WTERMSIG(status);
  return "killed by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")" +
         (number == SIGKILL ? "; the kernel does so when memory runs out" : "");
}

}  // namespace eexit
