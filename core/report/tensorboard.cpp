#include "core/report/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/host.h"

namespace eexit {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
    table[byte] = crc;
  }
  return table;
}();

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string masked_crc(std::string_view bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + std::uint32_t{0xA282EAD8});
}

std::string record(std::string_view data) {
  auto const length = little_endian(std::uint64_t{data.size()});
  return length + masked_crc(length) + std::string(data) + masked_crc(data);
}

// Protocol buffers: a field is a key (its number and how it is written), then the value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string key(std::uint64_t number, std::uint64_t wire) { return varint(number << 3 | wire); }
std::string field(std::uint64_t number, double value) {
  return key(number, 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string field(std::uint64_t number, float value) {
  return key(number, 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string field(std::uint64_t number, std::uint64_t value) { return key(number, 0) + varint(value); }
std::string field(std::uint64_t number, std::string_view bytes) {
  return key(number, 2) + varint(bytes.size()) + std::string(bytes);
}

// Event: wall_time 1, step 2, file_version 3, summary 5, session_log 7. Summary: value 1. Summary.Value: tag 1,
// simple_value 2. SessionLog: status 1, of which 1 is START.
std::string event(double wall_time, long step, std::uint64_t number, std::string_view what) {
  return record(field(1, wall_time) + field(2, static_cast<std::uint64_t>(step)) + field(number, what));
}

[[noreturn]] void fail(std::filesystem::path const& path, int error) {
  throw RunError(path.string() + ": cannot write: " + std::generic_category().message(error));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (char const c : bytes) crc = crc >> 8 ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

TensorBoardFile::TensorBoardFile(std::filesystem::path const& folder) {
  make_folder(folder);
  double const now = unix_seconds();
  // Ten digits: TensorBoard reads the files of a folder in the order of their names.
  char seconds[16];
  std::snprintf(seconds, sizeof seconds, "%010lld", static_cast<long long>(now));
  auto const name = std::string("events.out.tfevents.") + seconds + "." + host_name() + "." + std::to_string(getpid());
  for (int number = 0; descriptor_ < 0; ++number) {
    path_ = folder / (name + "." + std::to_string(number));
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail(path_, errno);
  }
  append(event(now, 0, 3, "brain.Event:2"));
}

TensorBoardFile::TensorBoardFile(TensorBoardFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), begun_(other.begun_) {}

TensorBoardFile::~TensorBoardFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TensorBoardFile::scalars(std::span<Scalar const> values, long step, double wall_time) {
  if (values.empty()) return;
  std::string records;
  if (!begun_) records = event(wall_time, step, 7, field(1, std::uint64_t{1}));
  std::string summary;
  for (auto const& value : values)
    summary +=
        field(1, std::string_view(field(1, std::string_view(value.tag)) + field(2, static_cast<float>(value.value))));
  append(records + event(wall_time, step, 5, summary));
  begun_ = true;
}

void TensorBoardFile::append(std::string const& records) {
  ssize_t written = -1;
  do written = ::write(descriptor_, records.data(), records.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) fail(path_, errno);
  if (static_cast<std::size_t>(written) < records.size()) fail(path_, ENOSPC);
}

}  // namespace eexit
