#include "core/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/error.h"
#include "core/base/signals.h"

namespace eexit {
namespace {

[[noreturn]] void fail(fs::path const& path, char const* what, int error) {
  throw RunError(path.string() + ": cannot " + what + ": " + std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() { close(); }
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  // 0, or -1 with errno: some file systems report a full disk only here.
  int close() { return number_ < 0 ? 0 : ::close(std::exchange(number_, -1)); }

 private:
  int number_;
};

// False with errno set when not all bytes could be written.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

fs::path folder_of(fs::path const& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void make_folder_for(fs::path const& path, char const* what) {
  std::error_code error;
  fs::create_directories(folder_of(path), error);
  if (error) fail(path, what, error.value());
}

// errno, or 0 when the bytes are on the disk.
int write_synced(fs::path const& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.number() < 0) return errno;
  if (!write_all(file.number(), bytes)) return errno;
  if (::fsync(file.number()) != 0) return errno;
  return file.close() != 0 ? errno : 0;
}

int sync_folder(fs::path const& folder) {
  Descriptor const descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return errno;
  if (::fsync(descriptor.number()) == 0) return 0;
  // Some file systems cannot sync a folder; nothing more can be done there.
  return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

}  // namespace

std::string read_file(fs::path const& path) {
  // Not blocking: a pipe must be refused, not waited for.
  Descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int const error = file.number() < 0 ? errno : 0;
  struct stat status {};
  bool const absent = error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
  if (error != 0 && !absent) fail(path, "read", error);
  if (error == 0 && ::fstat(file.number(), &status) != 0) fail(path, "read", errno);
  if (absent || !S_ISREG(status.st_mode)) throw SpecError(path.string() + ": no such file", Exit::missing);

  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.size()) bytes.resize(size + 4096);  // one more read tells whether the file ends here
    ssize_t const got = ::read(file.number(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

void write_file(fs::path const& path, std::string_view bytes) {
  make_folder_for(path, "write");
  fs::path const folder = folder_of(path);
  // Process numbers repeat on machines that share the folder.
  static auto const own = std::to_string(::getpid()) + "-" + std::to_string(std::random_device()());
  fs::path const temporary = folder / ("." + path.filename().string() + "." + own + ".tmp");
  int error = write_synced(temporary, bytes);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail(path, "write", error);
  }
  if (int const unsynced = sync_folder(folder)) fail(path, "write", unsynced);
}

void append_file(fs::path const& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (file.number() < 0 || !write_all(file.number(), bytes) || file.close() != 0) fail(path, "write", errno);
}

void make_folder(fs::path const& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail(path, "make the folder", error.value());
}

void remove_tree(fs::path const& path) {
  require(path != path.root_path(), "remove_tree is never given a root");
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail(path, "remove", error.value());
}

Lock::Lock(fs::path const& file) {
  // Polled, not waited for in the kernel: a signal must be able to end the wait.
  for (;;) {
    if (auto got = attempt(file)) {
      descriptor_ = std::exchange(got->descriptor_, -1);
      return;
    }
    throw_if_stop_requested();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::optional<Lock> Lock::attempt(fs::path const& file) {
  make_folder_for(file, "lock");
  Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (descriptor.number() < 0) fail(file, "lock", errno);
  while (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) fail(file, "lock", errno);
  }
  Lock lock;
  lock.descriptor_ = descriptor.release();
  return lock;
}

bool Lock::held(fs::path const& file) {
  // Reading is enough to look, also where the folder is mounted read-only or belongs to somebody else.
  Descriptor const descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.number() < 0) return false;  // nobody ever locked it
  // Shared, and for a moment only: those who look do not keep each other out.
  if (::flock(descriptor.number(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(descriptor.number(), LOCK_UN);
  return false;
}

Lock::Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Lock::~Lock() {
  if (descriptor_ < 0) return;
  // Said outright: a child forked meanwhile may still hold a copy of the descriptor.
  ::flock(descriptor_, LOCK_UN);
  ::close(descriptor_);
}

}  // namespace eexit
