// TensorBoard's event files: TFRecords (length, masked CRC-32C of it, data, masked CRC-32C of the data) of protocol
// buffers `Event`, written by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace eexit {

std::uint32_t crc32c(std::string_view bytes);  // Castagnoli, as in RFC 3720

struct Scalar {
  std::string tag{};  // "val/loss/exit_last": TensorBoard groups charts by what stands before the first "/"
  double value = 0;   // kept as a float
};

// One file of scalars in a folder ("run" in TensorBoard's words), always a new one:
// events.out.tfevents.<seconds>.<host>.<pid>.<number>. Its first scalars tell TensorBoard to drop what older files of
// the folder hold from that step on, so that steps repeated after an interruption are drawn once. Every call is one
// write to the end of the file: a killed process leaves whole records, but the last may be cut, which TensorBoard
// passes over. RunError (Exit::io) naming the file when it cannot be written.
class TensorBoardFile {
 public:
  explicit TensorBoardFile(std::filesystem::path const& folder);  // makes it when it is missing
  TensorBoardFile(TensorBoardFile&&) noexcept;
  TensorBoardFile(TensorBoardFile const&) = delete;
  TensorBoardFile& operator=(TensorBoardFile const&) = delete;
  TensorBoardFile& operator=(TensorBoardFile&&) = delete;
  ~TensorBoardFile();

  // `wall_time` in seconds since 1970.
  void scalars(std::span<Scalar const>, long step, double wall_time);
  std::filesystem::path const& path() const { return path_; }

 private:
  void append(std::string const& records);

  std::filesystem::path path_;
  int descriptor_ = -1;
  bool begun_ = false;
};

}  // namespace eexit
