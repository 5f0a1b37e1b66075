#include "datasets/formats/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>

#include "core/base/text.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

using namespace std::string_view_literals;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t fixed_header = 10;  // magic, two bytes of version, two of the length of what follows
constexpr std::int64_t most_items = std::int64_t{1} << 40;

// The header's text: a Python dict of three known keys.
class Dict {
 public:
  Dict(fs::path const& path, std::string_view text) : path_(path), rest_(text) {}

  void read(NpyFile& file) {
    take('{');
    std::set<std::string> seen;
    while (!next_is('}')) {
      auto const key = quoted();
      if (!seen.insert(key).second) refuse(fmt::format("key \"{}\" twice", shortened(key, 40)));
      take(':');
      read_value(key, file);
      if (!next_is('}')) take(',');
    }
    take('}');
    skip_space();
    if (!rest_.empty()) refuse("more after the closing brace");
    if (seen.size() != 3) refuse("a key is missing");
  }

 private:
  fs::path const& path_;
  std::string_view rest_;

  [[noreturn]] void refuse(std::string const& found) const {
    refuse_file(path_, "header of the array: " + found, "descr, fortran_order and shape",
                "Save it again with numpy.save");
  }

  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool next_is(char c) {
    skip_space();
    return rest_.starts_with(c);
  }
  void take(char c) {
    if (!next_is(c)) refuse(fmt::format("no '{}' before \"{}\"", c, shortened(printable(), 20)));
    rest_.remove_prefix(1);
  }
  std::string printable() const {
    std::string text(rest_.substr(0, 30));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 32 || c > 126; }, '?');
    return text;
  }
  std::string quoted() {
    skip_space();
    auto const quote = rest_.empty() ? '\'' : rest_.front();
    if (quote != '"') take('\'');
    if (quote == '"') take('"');
    auto const end = rest_.find(quote);
    if (end == rest_.npos) refuse("a text without an end");
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 32 || c > 126; }, '?');
    return text;
  }

  void read_value(std::string const& key, NpyFile& file) {
    if (key == "descr") {
      auto const type = quoted();
      if (type != "|u1" && type != "<i8")
        refuse_file(path_, fmt::format("an array of type \"{}\"", shortened(type, 20)), "\"|u1\" or \"<i8\"",
                    "Convert it with numpy's astype");
      file.bytes = type == "|u1";
    } else if (key == "fortran_order") {
      if (next_is('T')) refuse_file(path_, "in Fortran order", "C order", "Save numpy.ascontiguousarray of it");
      if (!rest_.starts_with("False")) refuse("fortran_order is neither True nor False");
      rest_.remove_prefix(5);
    } else if (key == "shape") {
      read_shape(file);
    } else {
      refuse(fmt::format("unknown key \"{}\"", shortened(key, 40)));
    }
  }

  void read_shape(NpyFile& file) {
    take('(');
    while (!next_is(')')) {
      std::int64_t length = -1;
      auto const* const end = rest_.data() + rest_.size();
      auto const parsed = std::from_chars(rest_.data(), end, length);
      if (parsed.ec != std::errc() || length < 0) refuse("a length that is no number");
      rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
      file.shape.push_back(length);
      if (!next_is(')')) take(',');
    }
    take(')');
    if (file.shape.empty() || file.shape.size() > 8) refuse(fmt::format("{} dimensions", file.shape.size()));
  }
};

std::ifstream opened(fs::path const& path) {
  std::error_code error;
  auto const status = fs::status(path, error);
  if (!fs::is_regular_file(status))
    refuse_file(path, fs::exists(status) ? "is not a regular file" : "no such file", "an .npy file", "Check the folder",
                Exit::missing);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) refuse_file(path, "cannot be opened", "a readable file", "Check permissions", Exit::missing);
  return stream;
}

std::string bytes_at(std::ifstream& stream, fs::path const& path, std::uint64_t at, std::size_t count) {
  std::string bytes(count, '\0');
  stream.seekg(static_cast<std::streamoff>(at));
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  if (stream.bad()) throw RunError(path.string() + ": cannot be read");
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

// The items of the array; nothing when the header promises more than any file holds.
std::optional<std::int64_t> items_of(NpyFile const& file) {
  std::int64_t items = 1;
  for (auto const length : file.shape) {
    if (length != 0 && items > most_items / length) return std::nullopt;
    items *= length;
  }
  return items;
}

std::string read_items(NpyFile const& file, std::int64_t first, std::int64_t count, std::int64_t item_bytes) {
  auto stream = opened(file.path);
  auto const size = static_cast<std::size_t>(count * item_bytes);
  auto bytes = bytes_at(stream, file.path, file.start + static_cast<std::uint64_t>(first * item_bytes), size);
  if (bytes.size() != size) throw RunError(file.path.string() + ": has become shorter while it was read");
  return bytes;
}

}  // namespace

std::int64_t NpyFile::row_items() const {
  std::int64_t items = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) items *= shape[i];
  return items;
}

NpyFile open_npy(fs::path const& path) {
  auto stream = opened(path);
  auto const head = bytes_at(stream, path, 0, 64);
  stream.clear();
  if (head.empty()) refuse_file(path, "is empty, has 0 bytes", "an .npy file", "Get the file again");
  if (!head.starts_with(magic)) {
    if (auto const foreign = foreign_format(head))
      refuse_file(path, foreign->found, "an .npy file", foreign->what_to_do);
    refuse_file(path, "does not begin with NumPy's magic", "an .npy file", "Get the file again");
  }
  if (head.size() < fixed_header)
    refuse_file(path, fmt::format("has {} bytes", head.size()), "a header", "The file is cut short: get it again");
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
  if (byte(6) != 1 || byte(7) != 0)
    refuse_file(path, fmt::format("is version {}.{} of the format", byte(6), byte(7)), "version 1.0",
                "Save it again with numpy.save");
  std::size_t const length = byte(8) + 256U * byte(9);
  auto const text = bytes_at(stream, path, fixed_header, length);
  if (text.size() < length)
    refuse_file(path, fmt::format("has {} bytes", fixed_header + text.size()),
                fmt::format("a header of {} bytes", fixed_header + length), "The file is cut short: get it again");

  NpyFile file{.path = path, .start = fixed_header + length};
  Dict(path, text).read(file);
  auto const items = items_of(file);
  if (!items) refuse_file(path, "header promises more than 2^40 items", "a smaller array", "Get the file again");
  auto const promised = file.start + static_cast<std::uint64_t>(*items) * (file.bytes ? 1 : 8),
             size = fs::file_size(path);
  if (size != promised)
    refuse_file(path, fmt::format("has {} bytes, header promises {}", size, promised),
                fmt::format("{} bytes", promised), "Get the file again");
  return file;
}

std::vector<std::uint8_t> read_npy_rows(NpyFile const& file, std::int64_t first, std::int64_t count) {
  require(file.bytes && first >= 0 && count >= 0 && first <= file.rows() - count, "rows of an array of bytes");
  auto const bytes = read_items(file, first * file.row_items(), count * file.row_items(), 1);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::int64_t> read_npy_integers(NpyFile const& file, std::int64_t first, std::int64_t count) {
  require(file.shape.size() == 1 && first >= 0 && count >= 0 && first <= file.rows() - count, "items of a list");
  std::size_t const each = file.bytes ? 1 : 8;
  auto const bytes = read_items(file, first, count, static_cast<std::int64_t>(each));
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t value = 0;
    for (std::size_t k = each; k-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i * each + k]);
    values[i] = static_cast<std::int64_t>(value);
  }
  return values;
}

}  // namespace eexit
