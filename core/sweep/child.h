// A process of our own: given its input at once, read line by line, ended when we end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace eexit {

class Child {
 public:
  // Starts `program` in a process group of its own and writes `input` to its standard input. When this process dies,
  // however it dies, the child gets SIGTERM. RunError (Exit::internal) when it cannot be started.
  Child(std::string const& program, std::vector<std::string> const& argv, std::string const& input);
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;
  ~Child();  // kills what is still running

  // Descriptors to poll for input; -1 once closed.
  int out() const { return out_.descriptor; }
  int err() const { return err_.descriptor; }
  // Reads what there is and hands over whole lines, without their ends.
  void read_out(std::function<void(std::string const&)> const& line) { read(out_, line); }
  void read_err(std::function<void(std::string const&)> const& line) { read(err_, line); }
  bool closed() const { return out_.descriptor < 0 && err_.descriptor < 0; }

  void ask_to_stop() const;  // SIGTERM
  pid_t pid() const { return pid_; }
  int wait();  // the status of waitpid(2)

 private:
  struct Stream {
    int descriptor = -1;
    std::string rest;
  };
  static void read(Stream&, std::function<void(std::string const&)> const& line);

  pid_t pid_ = -1;
  Stream out_, err_;
};

// "exit code 3", "killed by signal 9 (Killed)".
std::string status_text(int status);

}  // namespace eexit
