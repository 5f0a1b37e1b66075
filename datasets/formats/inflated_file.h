// A file read from front to back, inflated on the way when its first bytes say gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace eexit {

class InflatedFile {
 public:
  // SpecError: missing, not a regular file, not readable (Exit::missing); empty (Exit::data).
  explicit InflatedFile(std::filesystem::path);
  InflatedFile(InflatedFile const&) = delete;
  InflatedFile& operator=(InflatedFile const&) = delete;
  ~InflatedFile();

  bool zipped() const;
  std::uint64_t file_size() const;  // on disk

  // The next bytes, at most `wanted`; fewer only at the end. A gzip stream's own checks (CRC32, length) are done when
  // its end is met. SpecError on a stream that is cut short or damaged, or has foreign bytes after it.
  std::size_t read(std::uint8_t* out, std::size_t wanted);

  // What a full file would hold, for the message about a stream cut short.
  void expect(std::string what);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Sets are held in memory as they are; a file that promises or holds more is damaged, or asks for another reader.
inline constexpr std::uint64_t most_resident_bytes = std::uint64_t{4} << 30;

// Appends what is left of the file. Grows piece by piece with the bytes that are really there, so a stream that
// inflates without end costs no more than `most` bytes; more is a SpecError.
void read_rest(InflatedFile&, std::filesystem::path const&, std::vector<std::uint8_t>&,
               std::uint64_t most = most_resident_bytes);

}  // namespace eexit
