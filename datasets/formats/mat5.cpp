#include "datasets/formats/mat5.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>
#include <limits>
#include <optional>

#include "datasets/formats/inflated_file.h"
#include "datasets/formats/md5.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t header_bytes = 128, tag_bytes = 8, piece = 1 << 20;
constexpr std::uint32_t int8_type = 1, int32_type = 5, uint32_type = 6, matrix_type = 14, compressed_type = 15,
                        last_type = 18;
constexpr char const* a_variable = "a whole variable";

// The file's bytes in order, counted and, where asked for, digested.
struct Outer {
  fs::path path;
  InflatedFile file;
  std::optional<Md5> md5 = {};
  std::uint64_t at = 0;
  bool swap = false;  // the file's byte order is not this machine's

  std::size_t read(std::uint8_t* out, std::size_t wanted) {
    auto const got = file.read(out, wanted);
    if (md5) md5->add({reinterpret_cast<char const*>(out), got});
    at += got;
    return got;
  }
  std::uint32_t number(std::uint8_t const* bytes) const {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, 4);
    return swap ? __builtin_bswap32(value) : value;
  }
};

// The inside of one element of the file, inflated on the way when it is compressed.
class Body {
 public:
  Body(Outer& outer, std::uint64_t element_at, std::uint64_t bytes, bool packed)
      : outer_(outer), at_(element_at), left_(bytes), packed_(packed) {
    if (packed_ && inflateInit(&stream_) != Z_OK) {
      packed_ = false;
      throw RunError(outer.path.string() + ": no memory to inflate it");
    }
  }
  Body(Body const&) = delete;
  Body& operator=(Body const&) = delete;
  ~Body() {
    if (packed_) inflateEnd(&stream_);
  }

  Outer& outer() const { return outer_; }
  std::uint64_t at() const { return at_; }

  [[noreturn]] void refuse(std::string const& found) const {
    refuse_file(outer_.path, fmt::format("variable at byte {} {}", at_, found), a_variable, fetch_again);
  }

  void need(std::uint8_t* out, std::size_t wanted) {
    std::size_t got = packed_ ? 0 : from_file(out, wanted);
    given_ += got;
    while (packed_ && got < wanted && !ended_) got += inflate_some(out + got, wanted - got);
    if (got < wanted) refuse(fmt::format("ends early at its byte {}", given_));
  }

  // All of it was needed: its end, and that of the compressed stream with its check sum, must be here.
  void finish() {
    std::uint8_t extra = 0;
    while (packed_ && !ended_)
      if (inflate_some(&extra, 1) > 0) refuse(fmt::format("goes on after its byte {}", given_ - 1));
    auto const left = left_ + stream_.avail_in;
    if (left > 0) refuse(fmt::format("has {} extra bytes at its end", left));
  }

  // What is left is passed over as it lies in the file.
  void abandon() {
    while (left_ > 0) from_file(buffer_.data(), buffer_.size());
  }

 private:
  // Fewer only at the element's end.
  std::size_t from_file(std::uint8_t* out, std::size_t wanted) {
    auto const bytes = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left_));
    if (outer_.read(out, bytes) < bytes)
      refuse_file(outer_.path, fmt::format("has {} bytes, the variable at byte {} goes on", outer_.at, at_), a_variable,
                  "The file is cut short: download it again");
    left_ -= bytes;
    return bytes;
  }

  std::size_t inflate_some(std::uint8_t* out, std::size_t wanted) {
    if (stream_.avail_in == 0) {
      stream_.next_in = buffer_.data();
      stream_.avail_in = static_cast<uInt>(from_file(buffer_.data(), buffer_.size()));
      if (stream_.avail_in == 0) refuse(fmt::format("has zlib data that ends early, at inflated byte {}", given_));
    }
    auto const room = static_cast<uInt>(std::min<std::size_t>(wanted, 1U << 30));
    stream_.next_out = out;
    stream_.avail_out = room;
    int const status = ::inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw RunError(outer_.path.string() + ": no memory to inflate it");
    ended_ = status == Z_STREAM_END;
    bool const stuck = status == Z_BUF_ERROR && stream_.avail_in > 0;
    if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || stuck)
      refuse(fmt::format("has zlib data that is damaged at byte {}: {}", outer_.at - stream_.avail_in,
                         stream_.msg ? stream_.msg : "not deflate data"));
    given_ += room - stream_.avail_out;
    return room - stream_.avail_out;
  }

  Outer& outer_;
  std::uint64_t at_, left_, given_ = 0;
  bool packed_, ended_ = false;
  z_stream stream_{};
  std::array<std::uint8_t, 65536> buffer_{};
};

// A field of a variable: type, length, and for the smallest the data itself.
struct Tag {
  std::uint32_t type = 0, bytes = 0;
  bool small = false;
  std::array<std::uint8_t, 4> data{};
  std::uint32_t padding() const { return small ? 0 : (8 - bytes % 8) % 8; }
};

Tag tag_from(Outer const& outer, std::array<std::uint8_t, tag_bytes> const& raw) {
  Tag tag{.type = outer.number(raw.data()), .bytes = outer.number(raw.data() + 4)};
  if (tag.type >> 16 == 0) return tag;
  tag.small = true;
  tag.bytes = tag.type >> 16;
  tag.type &= 0xffff;
  std::copy_n(raw.begin() + 4, 4, tag.data.begin());
  return tag;
}

// The fields of one matrix element, within the length that it promises.
struct Fields {
  Body& body;
  std::uint64_t left;

  void take(std::uint8_t* out, std::uint64_t bytes) {
    if (bytes > left) body.refuse("has fields that are longer than it is");
    body.need(out, static_cast<std::size_t>(bytes));
    left -= bytes;
  }
  Tag tag() {
    std::array<std::uint8_t, tag_bytes> raw{};
    take(raw.data(), raw.size());
    auto const tag = tag_from(body.outer(), raw);
    if (tag.small && tag.bytes > 4) body.refuse(fmt::format("has a small field of {} bytes", tag.bytes));
    return tag;
  }
  void skip_padding(Tag const& tag) {
    std::array<std::uint8_t, 8> padding{};
    take(padding.data(), tag.padding());
  }
  // A field of at most 255 bytes, whole.
  std::vector<std::uint8_t> whole(std::uint32_t type, char const* what) {
    auto const found = tag();
    if (found.type != type || found.bytes > 255)
      body.refuse(fmt::format("has {} of type {} in {} bytes", what, found.type, found.bytes));
    std::vector<std::uint8_t> bytes(found.bytes);
    if (found.small)
      std::copy_n(found.data.begin(), found.bytes, bytes.begin());
    else
      take(bytes.data(), found.bytes);
    skip_padding(found);
    return bytes;
  }
};

void swap_values(std::span<std::uint8_t> bytes, std::size_t size) {
  for (std::size_t at = 0; at + size <= bytes.size(); at += size)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
}

MatVariable head_of(Fields& fields, std::uint32_t& flags) {
  MatVariable variable{.at = fields.body.at()};
  auto const& outer = fields.body.outer();
  auto const flag_bytes = fields.whole(uint32_type, "flags");
  if (flag_bytes.size() != 8) fields.body.refuse(fmt::format("has flags of {} bytes", flag_bytes.size()));
  flags = outer.number(flag_bytes.data());
  auto const dims = fields.whole(int32_type, "dimensions");
  if (dims.size() < 8 || dims.size() % 4 != 0)
    fields.body.refuse(fmt::format("has dimensions of {} bytes", dims.size()));
  variable.count = 1;
  for (std::size_t at = 0; at < dims.size(); at += 4) {
    auto const size = outer.number(dims.data() + at);
    variable.dims.push_back(size);
    if (size > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()) ||
        (size != 0 && variable.count > std::numeric_limits<std::uint64_t>::max() / 8 / size))
      fields.body.refuse(fmt::format("has dimension {} of {}", at / 4, size));
    variable.count *= size;
  }
  auto const name = fields.whole(int8_type, "a name");
  variable.name.assign(name.begin(), name.end());
  for (auto const c : name)
    if (c >= 128 || (!std::isalnum(c) && c != '_')) fields.body.refuse(fmt::format("has byte {} in its name", c));
  return variable;
}

bool is_stored(std::uint32_t type) { return (type >= 1 && type <= 7) || type == 9 || type == 12 || type == 13; }

// False when nobody wants it, or it is no numeric array: the rest is unread.
bool read_matrix(Fields fields, std::function<MatSink(MatVariable const&)> const& want, MatContent& content) {
  auto& body = fields.body;
  std::uint32_t flags = 0;
  auto variable = head_of(fields, flags);
  content.names.push_back(variable.name);
  auto const of_class = flags & 0xff;
  if (of_class < 6 || of_class > 15) return false;  // not double to uint64
  auto const tag = fields.tag();
  if (!is_stored(tag.type)) body.refuse(fmt::format("has values of type {}", tag.type));
  variable.stored = static_cast<MatStored>(tag.type);
  auto const size = bytes_of(variable.stored);
  if (tag.bytes != variable.count * size)
    body.refuse(fmt::format("has {} bytes of values, its dimensions promise {}", tag.bytes, variable.count * size));
  auto const sink = want(variable);
  if (!sink) return false;
  constexpr std::uint32_t complex_flag = 0x0800;
  if (flags & complex_flag) body.refuse("is complex");
  std::vector<std::uint8_t> values(tag.small ? 4 : std::min<std::size_t>(piece, tag.bytes));
  for (std::uint64_t left = tag.bytes; left > 0;) {
    auto const part = std::span(values).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, values.size())));
    if (tag.small)
      std::copy_n(tag.data.begin(), part.size(), part.begin());
    else
      fields.take(part.data(), part.size());
    if (body.outer().swap) swap_values(part, size);
    sink(part);
    left -= part.size();
  }
  fields.skip_padding(tag);
  if (fields.left > 0) body.refuse(fmt::format("has {} bytes after its values", fields.left));
  return true;
}

void read_header(Outer& outer) {
  std::array<std::uint8_t, header_bytes> header{};
  std::string_view const head(reinterpret_cast<char const*>(header.data()), outer.read(header.data(), header.size()));
  constexpr char const* expected = "a MAT-file of version 5";
  if (auto const foreign = foreign_format(head.substr(0, 64)))
    refuse_file(outer.path, foreign->found, expected, foreign->what_to_do);
  if (head.starts_with("\x89HDF") || head.starts_with("MATLAB 7.3 MAT-file"))
    refuse_file(outer.path, "is a MATLAB 7.3 file (HDF5)", expected, "Save it again with -v7");
  if (head.size() < header_bytes)
    refuse_file(outer.path, fmt::format("has {} bytes", head.size()), "a header of 128 bytes",
                "The file is cut short: download it again");
  if (!head.starts_with("MATLAB 5.0 MAT-file"))
    refuse_file(outer.path, "does not begin with MATLAB 5.0 MAT-file", expected, "Take the right file");
  auto const order = head.substr(126);
  if (order != "IM" && order != "MI")
    refuse_file(outer.path, "names no byte order at byte 126", "IM or MI", fetch_again);
  bool const little = order == "IM";
  outer.swap = little != (std::endian::native == std::endian::little);
  int const version = little ? header[124] | header[125] << 8 : header[125] | header[124] << 8;
  if (version != 0x0100)
    refuse_file(outer.path, fmt::format("has version 0x{:04x} at byte 124", version), "0x0100", fetch_again);
}

// One element of the file; false at its end.
bool read_element(Outer& outer, std::function<MatSink(MatVariable const&)> const& want, MatContent& content) {
  auto const at = outer.at;
  std::array<std::uint8_t, tag_bytes> raw{};
  auto const got = outer.read(raw.data(), raw.size());
  if (got == 0) return false;
  if (got < raw.size())
    refuse_file(outer.path, fmt::format("has {} bytes after the last variable, at byte {}", got, at), a_variable,
                fetch_again);
  auto tag = tag_from(outer, raw);
  if (tag.small || tag.type == 0 || tag.type > last_type)
    refuse_file(outer.path, fmt::format("no variable at byte {}, which has type {}", at, outer.number(raw.data())),
                a_variable, fetch_again);
  bool const packed = tag.type == compressed_type;
  Body body(outer, at, std::uint64_t{tag.bytes} + (packed ? 0 : tag.padding()), packed);
  if (packed) {
    body.need(raw.data(), raw.size());
    tag = tag_from(outer, raw);
    if (tag.type != matrix_type || tag.small) body.refuse(fmt::format("is compressed and of type {}", tag.type));
  }
  if (tag.type == matrix_type && read_matrix({body, tag.bytes}, want, content))
    body.finish();
  else
    body.abandon();
  return true;
}

template <class T>
void append_as(std::span<std::uint8_t const> bytes, std::vector<double>& out) {
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    out.push_back(static_cast<double>(value));
  }
}

}  // namespace

MatContent read_mat5(fs::path const& path, std::function<MatSink(MatVariable const&)> const& want, bool with_md5) {
  Outer outer{.path = path, .file = InflatedFile(path)};
  if (with_md5) outer.md5.emplace();
  MatContent content;
  read_header(outer);
  while (read_element(outer, want, content)) {
  }
  if (outer.md5) content.md5 = outer.md5->hex();
  return content;
}

std::size_t bytes_of(MatStored stored) {
  switch (stored) {
    case MatStored::int8:
    case MatStored::uint8:
      return 1;
    case MatStored::int16:
    case MatStored::uint16:
      return 2;
    case MatStored::int32:
    case MatStored::uint32:
    case MatStored::single:
      return 4;
    case MatStored::real:
    case MatStored::int64:
    case MatStored::uint64:
      return 8;
  }
  throw std::logic_error("a type of MAT values");
}

std::string name_of(MatStored stored) {
  if (stored == MatStored::single) return "single";
  if (stored == MatStored::real) return "double";
  auto const code = static_cast<int>(stored);
  bool const is_signed = code < 7 ? code % 2 == 1 : stored == MatStored::int64;
  return fmt::format("{}int{}", is_signed ? "" : "u", 8 * bytes_of(stored));
}

void append_numbers(MatStored stored, std::span<std::uint8_t const> bytes, std::vector<double>& out) {
  switch (stored) {
    case MatStored::int8:
      return append_as<std::int8_t>(bytes, out);
    case MatStored::uint8:
      return append_as<std::uint8_t>(bytes, out);
    case MatStored::int16:
      return append_as<std::int16_t>(bytes, out);
    case MatStored::uint16:
      return append_as<std::uint16_t>(bytes, out);
    case MatStored::int32:
      return append_as<std::int32_t>(bytes, out);
    case MatStored::uint32:
      return append_as<std::uint32_t>(bytes, out);
    case MatStored::single:
      return append_as<float>(bytes, out);
    case MatStored::real:
      return append_as<double>(bytes, out);
    case MatStored::int64:
      return append_as<std::int64_t>(bytes, out);
    case MatStored::uint64:
      return append_as<std::uint64_t>(bytes, out);
  }
}

}  // namespace eexit
