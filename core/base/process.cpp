#include "core/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/error.h"

extern char** environ;

namespace eexit {
namespace {

[[noreturn]] void fail(std::string const& program, int error) {
  throw RunError(program + ": cannot run it: " + std::generic_category().message(error));
}

// Its ends are closed in the child but for what is put at 1 and 2 there.
struct Pipe {
  int read = -1, write = -1;
  explicit Pipe(std::string const& program) {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, errno);
    read = ends[0];
    write = ends[1];
  }
  Pipe(Pipe const&) = delete;
  Pipe& operator=(Pipe const&) = delete;
  ~Pipe() {
    close_write();
    ::close(read);
  }
  void close_write() {
    if (write >= 0) ::close(std::exchange(write, -1));
  }
};

// 0, or the errno of the failure.
int spawn(pid_t& child, std::vector<std::string> const& argv, int out, int err) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (auto const& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  int const failure = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

// Both at once: a program that fills one pipe while the other is waited for would hang.
void drain(Pipe const& out, Pipe const& err, Output& into) {
  std::array<pollfd, 2> open = {pollfd{out.read, POLLIN, 0}, pollfd{err.read, POLLIN, 0}};
  std::array<std::string*, 2> const texts = {&into.out, &into.err};
  std::array<char, 4096> buffer{};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    if (::poll(open.data(), open.size(), -1) < 0) continue;  // a signal
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      ssize_t const got = ::read(open[i].fd, buffer.data(), buffer.size());
      if (got > 0) texts[i]->append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) open[i].fd = -1;  // poll looks past it
    }
  }
}

}  // namespace

std::optional<Output> run_command(std::vector<std::string> const& argv) {
  require(!argv.empty(), "a command has a program");
  Pipe out(argv[0]), err(argv[0]);
  pid_t child = 0;
  int const failure = spawn(child, argv, out.write, err.write);
  if (failure == ENOENT) return std::nullopt;
  if (failure != 0) fail(argv[0], failure);
  out.close_write();
  err.close_write();
  Output output;
  drain(out, err, output);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail(argv[0], errno);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace eexit
