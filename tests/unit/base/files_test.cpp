#include "core/base/files.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;
using eexit::test::TemporaryFolder;

namespace {

auto entries_of(fs::path const& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

// Exit status of a child process that does the work: what it returns, or 99 on an exception.
template <class Work>
int in_child(Work work) {
  pid_t const child = fork();
  if (child == 0) {
    int status = 99;
    try {
      status = work();
    } catch (...) {
    }
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("files: bytes come back as written, in a folder made for them", "[base]") {
  TemporaryFolder const folder;
  fs::path const file = folder.path / "a" / "b" / "bytes";
  std::string bytes(10000, 'x');
  bytes[5000] = '\0';
  write_file(file, bytes);
  CHECK(read_file(file) == bytes);
  write_file(file, "");
  CHECK(read_file(file).empty());
  CHECK(entries_of(file.parent_path()) == 1);  // no temporary file stays
}

TEST_CASE("files: the new file replaces the old one, it is not written into", "[base]") {
  TemporaryFolder const folder;
  fs::path const file = folder.path / "file";
  write_file(file, "old");
  fs::create_hard_link(file, folder.path / "other");
  write_file(file, "new");
  CHECK(read_file(file) == "new");
  CHECK(read_file(folder.path / "other") == "old");
}

TEST_CASE("files: what is not a file is missing", "[base]") {
  TemporaryFolder const folder;
  write_file(folder.path / "file", "x");
  REQUIRE(mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
  for (char const* const name : {"absent", "", "file/below", "pipe"}) {
    fs::path const path = folder.path / name;
    CHECK(message_of<SpecError>([&] { read_file(path); }) == path.string() + ": no such file");
  }
  try {
    read_file(folder.path);
    FAIL("a folder was read");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
  }
}

TEST_CASE("files: a failing write says so and leaves nothing behind", "[base]") {
  TemporaryFolder const folder;
  write_file(folder.path / "file", "old");
  fs::path const below = folder.path / "file" / "below";
  CHECK(message_of<RunError>([&] { write_file(below, "x"); }) == below.string() + ": cannot write: Not a directory");
  CHECK(read_file(folder.path / "file") == "old");

  // Here the temporary file is written, and only the last step fails.
  fs::path const taken = folder.path / "taken";
  make_folder(taken / "inside");
  CHECK(message_of<RunError>([&] { write_file(taken, "x"); }) == taken.string() + ": cannot write: Is a directory");
  CHECK(entries_of(folder.path) == 2);

  if (fs::exists("/dev/full"))
    CHECK(message_of<RunError>([] { append_file("/dev/full", "x"); }) ==
          "/dev/full: cannot write: No space left on device");
}

TEST_CASE("files: append, folders, removal", "[base]") {
  TemporaryFolder const folder;
  fs::path const journal = folder.path / "journal.jsonl";
  append_file(journal, "{}\n");
  append_file(journal, "[]\n");
  CHECK(read_file(journal) == "{}\n[]\n");
  make_folder(folder.path / "x" / "y");
  make_folder(folder.path / "x" / "y");
  CHECK(fs::is_directory(folder.path / "x" / "y"));
  CHECK_THROWS_AS(make_folder(journal / "z"), RunError);
  remove_tree(folder.path / "x");
  remove_tree(folder.path / "x");
  CHECK_FALSE(fs::exists(folder.path / "x"));
}

TEST_CASE("files: a lock keeps another process out until it is let go", "[base]") {
  TemporaryFolder const folder;
  fs::path const file = folder.path / "deep" / "lock";
  fs::path const taken = folder.path / "taken";
  auto held = std::optional<Lock>(file);
  Lock moved(std::move(*held));
  held.reset();  // the moved-from lock lets go of nothing

  std::array<int, 2> ready{};
  REQUIRE(pipe(ready.data()) == 0);
  pid_t const child = fork();
  if (child == 0) {
    char const byte = 'r';
    bool const told = write(ready[1], &byte, 1) == 1;
    Lock const mine(file);
    append_file(taken, "child\n");
    _exit(told ? 0 : 1);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  close(ready[1]);
  usleep(60'000);  // time enough for three tries of the child
  CHECK_FALSE(fs::exists(taken));
  append_file(taken, "parent\n");
  { Lock const let_go(std::move(moved)); }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(read_file(taken) == "parent\nchild\n");
}

TEST_CASE("files: the lock of a dead process is free", "[base]") {
  TemporaryFolder const folder;
  fs::path const file = folder.path / "lock";
  CHECK(in_child([&] {
          Lock const mine(file);
          _exit(7);  // no destructor runs
          return 0;
        }) == 7);
  Lock const free(file);
  CHECK(fs::exists(file));  // reached at all: the constructor waits for a lock that is held
}
