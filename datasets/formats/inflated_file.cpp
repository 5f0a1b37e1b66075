#include "datasets/formats/inflated_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "datasets/formats/refuse.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

struct InflatedFile::State {
  fs::path path;
  std::unique_ptr<std::FILE, Close> file;
  std::uint64_t size = 0;      // on disk
  std::uint64_t inflated = 0;  // handed out so far
  bool zipped = false;
  bool member_done = false;  // the gzip member's trailer was met and checked
  std::string expected = "a whole gzip stream";
  z_stream stream{};
  std::array<std::uint8_t, 65536> buffer{};

  ~State() {
    if (zipped) inflateEnd(&stream);
  }

  std::size_t read_plain(std::uint8_t* out, std::size_t wanted) {
    std::size_t const got = std::fread(out, 1, wanted, file.get());
    if (got < wanted && std::ferror(file.get()))
      throw RunError(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
    return got;
  }

  // More compressed bytes; false at the end of the file.
  bool fill() {
    if (stream.avail_in > 0) return true;
    stream.next_in = buffer.data();
    stream.avail_in = static_cast<uInt>(read_plain(buffer.data(), buffer.size()));
    return stream.avail_in > 0;
  }

  std::uint64_t offset() const { return static_cast<std::uint64_t>(std::ftell(file.get())) - stream.avail_in; }

  // A gzip file may hold several members, one after another. False at the end of the file.
  bool next_member() {
    if (!fill()) return false;
    if (*stream.next_in != 0x1f)
      refuse_file(path, fmt::format("{} extra bytes after the gzip stream, at byte {}", size - offset(), offset()),
                  "the end of the file", "Download it again");
    require(inflateReset(&stream) == Z_OK, "zlib starts again");
    member_done = false;
    return true;
  }

  // One step of zlib into `out`; returns the bytes it gave.
  std::size_t inflate_some(std::uint8_t* out, std::size_t room) {
    if (!fill())
      refuse_file(path, fmt::format("gzip stream ends early at inflated byte {}", inflated), expected,
                  "The file is cut short: download it again");
    auto const wanted = static_cast<uInt>(std::min<std::size_t>(room, 1U << 30));
    stream.next_out = out;
    stream.avail_out = wanted;
    int const status = ::inflate(&stream, Z_NO_FLUSH);
    std::size_t const got = wanted - stream.avail_out;
    inflated += got;
    if (status == Z_MEM_ERROR) throw RunError(path.string() + ": no memory to inflate it");
    member_done = status == Z_STREAM_END;
    bool const stuck = status == Z_BUF_ERROR && stream.avail_in > 0;
    if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || stuck)
      refuse_file(path,
                  fmt::format("gzip stream is damaged at byte {}, inflated byte {}: {}", offset(), inflated,
                              stream.msg ? stream.msg : "not deflate data"),
                  expected, "Download it again");
    return got;
  }
};

InflatedFile::InflatedFile(fs::path path) : state_(std::make_unique<State>()) {
  auto& state = *state_;
  state.path = std::move(path);
  std::error_code error;
  auto const status = fs::status(state.path, error);
  if (status.type() == fs::file_type::not_found)
    refuse_file(state.path, "no such file", "a data file", "Check the folder", Exit::missing);
  if (error)
    refuse_file(state.path, "cannot be reached: " + error.message(), "a data file", "Check links and permissions",
                Exit::missing);
  if (!fs::is_regular_file(status))
    refuse_file(state.path, fs::is_directory(status) ? "is a folder" : "is not a regular file", "a data file",
                "Check the folder", Exit::missing);
  state.file.reset(std::fopen(state.path.c_str(), "rb"));
  if (!state.file)
    refuse_file(state.path, std::string("cannot be opened: ") + std::strerror(errno), "a readable file",
                "Check permissions", Exit::missing);
  state.size = fs::file_size(state.path);
  if (state.size == 0) refuse_file(state.path, "is empty, has 0 bytes", "a data file", "Download it again");

  std::array<std::uint8_t, 2> magic{};
  state.zipped = state.read_plain(magic.data(), 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  std::rewind(state.file.get());
  if (!state.zipped) return;
  constexpr int gzip_only = 15 + 16;  // zlib checks header, CRC32 and length itself
  if (inflateInit2(&state.stream, gzip_only) != Z_OK) {
    state.zipped = false;
    throw RunError(state.path.string() + ": no memory to inflate it");
  }
}

InflatedFile::~InflatedFile() = default;

bool InflatedFile::zipped() const { return state_->zipped; }

std::uint64_t InflatedFile::file_size() const { return state_->size; }

void InflatedFile::expect(std::string what) { state_->expected = std::move(what); }

std::size_t InflatedFile::read(std::uint8_t* out, std::size_t wanted) {
  auto& state = *state_;
  if (!state.zipped) return state.read_plain(out, wanted);
  std::size_t got = 0;
  while (got < wanted) {
    if (state.member_done && !state.next_member()) break;
    got += state.inflate_some(out + got, wanted - got);
  }
  return got;
}

}  // namespace eexit
