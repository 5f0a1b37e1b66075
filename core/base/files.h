// Files: whole reads, atomic writes, locks. All failures are RunErrors (Exit::io) or SpecErrors (Exit::missing) that
// name the path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace eexit {

namespace fs = std::filesystem;

// The whole file as bytes. Missing or not a regular file: SpecError with Exit::missing.
std::string read_file(fs::path const&);

// Temporary name in the same folder, write, fsync, rename, fsync of the folder: after a crash the old file or the new
// one is there, never a part. Makes the folder when it is missing.
void write_file(fs::path const&, std::string_view bytes);

// Appends and flushes to the kernel; for journals, whose last line may be cut by a crash.
void append_file(fs::path const&, std::string_view bytes);

void make_folder(fs::path const&);
void remove_tree(fs::path const&);  // a missing one is fine

// An exclusive lock held by this process until destroyed; the kernel drops it when the process dies.
class Lock {
 public:
  explicit Lock(fs::path const& file);                       // waits for it
  static std::optional<Lock> attempt(fs::path const& file);  // none: another process holds it
  static bool held(fs::path const& file);                    // by another process; makes no file
  Lock(Lock&&) noexcept;
  Lock(Lock const&) = delete;
  Lock& operator=(Lock const&) = delete;
  Lock& operator=(Lock&&) = delete;
  ~Lock();

 private:
  Lock() = default;
  int descriptor_ = -1;
};

}  // namespace eexit
