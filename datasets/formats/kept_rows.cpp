#include "datasets/formats/kept_rows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"

namespace eexit {

namespace {

// [row][bytes of the row, its seal]. Nothing is synced: after a crash the seals tell what is there.
class RowFile {
 public:
  RowFile(fs::path path, std::string what, std::size_t row_bytes)
      : path_(std::move(path)), what_(std::move(what)), bytes_(row_bytes) {
    make_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("open");
  }
  RowFile(RowFile const&) = delete;
  RowFile& operator=(RowFile const&) = delete;
  ~RowFile() { ::close(descriptor_); }

  bool is_new() const {
    struct stat status {};
    return ::fstat(descriptor_, &status) == 0 && status.st_size == 0;
  }

  // False when the row is not there.
  bool read(int row, std::uint8_t* out) const {
    std::array<char, seal_bytes> seal{};
    std::array<iovec, 2> const parts = {{{out, bytes_}, {seal.data(), seal.size()}}};
    ssize_t got = 0;
    do got = ::preadv(descriptor_, parts.data(), parts.size(), place_of(row));
    while (got < 0 && errno == EINTR);
    if (got < 0) fail("read");
    return static_cast<std::size_t>(got) == bytes_ + seal_bytes &&
           std::string_view(seal.data(), seal.size()) == seal_of(row, out);
  }

  void write(int row, std::uint8_t const* pixels) const {
    auto const sealed = std::string(view_of(pixels)) + seal_of(row, pixels);
    auto at = place_of(row);
    for (std::string_view left = sealed; !left.empty();) {
      auto const written = ::pwrite(descriptor_, left.data(), left.size(), at);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("write");
      left.remove_prefix(static_cast<std::size_t>(written));
      at += written;
    }
  }

 private:
  static constexpr std::size_t seal_bytes = 64;

  std::string_view view_of(std::uint8_t const* pixels) const { return {reinterpret_cast<char const*>(pixels), bytes_}; }

  off_t place_of(int row) const { return static_cast<off_t>(row) * static_cast<off_t>(bytes_ + seal_bytes); }

  std::string seal_of(int row, std::uint8_t const* pixels) const {
    Sha256 digest;
    digest.add(what_ + " " + std::to_string(row) + "\n");
    digest.add(view_of(pixels));
    return digest.hex();
  }

  [[noreturn]] void fail(std::string_view verb) const {
    throw RunError(fmt::format("{}: cannot {}: {}", path_.string(), verb, std::generic_category().message(errno)));
  }

  fs::path path_;
  std::string what_;
  std::size_t bytes_;
  int descriptor_ = -1;
};

}  // namespace

Dataset with_kept_rows(Dataset dataset, fs::path const& path, std::string const& what) {
  auto const bytes = static_cast<std::size_t>(dataset.shape.bytes());
  auto const file = std::make_shared<RowFile const>(path, what, bytes);
  if (file->is_new())
    say("data", fmt::format("rows are kept in {} once they are made, {} MB for all", path.string(),
                            grouped(static_cast<long long>(dataset.rows()) * dataset.shape.bytes() / 1'000'000)));
  dataset.read = [make = std::move(dataset.read), file, bytes, count = dataset.rows()](std::span<int const> rows,
                                                                                       std::uint8_t* out) {
    for (int const& row : rows) {
      require(row >= 0 && row < count, "a row of the data set");
      if (!file->read(row, out)) {
        make({&row, 1}, out);
        file->write(row, out);
      }
      out += bytes;
    }
  };
  return dataset;
}

}  // namespace eexit
