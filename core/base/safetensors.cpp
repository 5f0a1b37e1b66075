#include "core/base/safetensors.h"

#include <array>
#include <bit>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"

namespace eexit {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are written as they lie in memory");

using Json = nlohmann::ordered_json;

struct Kind {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array kinds{Kind{Dtype::f64, "F64", 8},     Kind{Dtype::f32, "F32", 4}, Kind{Dtype::f16, "F16", 2},
                           Kind{Dtype::bf16, "BF16", 2},   Kind{Dtype::i64, "I64", 8}, Kind{Dtype::i32, "I32", 4},
                           Kind{Dtype::i16, "I16", 2},     Kind{Dtype::i8, "I8", 1},   Kind{Dtype::u8, "U8", 1},
                           Kind{Dtype::boolean, "BOOL", 1}};

Kind const& kind_of(Dtype dtype) {
  auto const* const found = std::find_if(kinds.begin(), kinds.end(), [&](auto& kind) { return kind.dtype == dtype; });
  require(found != kinds.end(), "a tensor has a known dtype");
  return *found;
}

constexpr std::size_t prefix_size = 8;
constexpr std::size_t digest_size = 64;
// Quotes inside a JSON text are escaped, so these bytes stand in a header only where the digest itself does.
constexpr std::string_view digest_key = "\"digest\":\"";

// Bytes of a tensor; none when a length is negative or the product does not fit.
std::optional<std::size_t> byte_count(std::vector<std::int64_t> const& shape, std::size_t element) {
  std::size_t count = element;
  for (auto const length : shape) {
    if (length < 0 || __builtin_mul_overflow(count, static_cast<std::size_t>(length), &count)) return std::nullopt;
  }
  return count;
}

// Widest dtypes first, then by name: with a header of whole eight bytes every tensor starts aligned.
std::vector<std::string> order_of(TensorFile const& file) {
  std::vector<std::string> order;
  for (auto const& [name, tensor] : file.tensors) order.push_back(name);
  std::stable_sort(order.begin(), order.end(), [&](auto const& a, auto const& b) {
    return size_of(file.tensors.at(a).dtype) > size_of(file.tensors.at(b).dtype);
  });
  return order;
}

std::string encode_header(TensorFile const& file, std::vector<std::string> const& order, bool digest) {
  Json header = Json::object();
  auto metadata = file.metadata;
  if (digest) metadata["digest"] = std::string(digest_size, '0');
  for (auto const& [key, value] : metadata) {
    require(valid_utf8(key) && valid_utf8(value), "metadata is UTF-8");
    header["__metadata__"][key] = value;
  }
  std::size_t begin = 0;
  for (auto const& name : order) {
    TensorBytes const& tensor = file.tensors.at(name);
    require(valid_utf8(name) && name != "__metadata__", "a tensor's name is UTF-8 and not __metadata__");
    require(byte_count(tensor.shape, size_of(tensor.dtype)) == tensor.bytes.size(), "a tensor's bytes fill its shape");
    std::size_t const end = begin + tensor.bytes.size();
    header[name] = {{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

std::string digest_with_zeroes(std::string_view bytes, std::size_t digits_at) {
  Sha256 digest;
  digest.add(bytes.substr(0, digits_at));
  digest.add(std::string(digest_size, '0'));
  digest.add(bytes.substr(digits_at + digest_size));
  return digest.hex();
}

struct Span {
  std::size_t begin, end;
  std::string name;
};

// Reads one file; every failure names it.
class Decoder {
 public:
  Decoder(std::string_view bytes, std::string const& where) : bytes_(bytes), where_(where) {}

  TensorFile decode(bool need_digest) {
    auto const header_size = read_header();
    TensorFile file;
    std::vector<Span> spans;
    for (auto const& [name, entry] : header_.items()) {
      if (name == "__metadata__")
        read_metadata(entry, file);
      else
        spans.push_back(read_entry(name, entry, file));
    }
    std::string_view const data = bytes_.substr(prefix_size + header_size);
    check_spans(spans, data.size());
    check_digest(file, bytes_.substr(prefix_size, header_size), need_digest);
    for (auto const& span : spans) file.tensors.at(span.name).bytes = data.substr(span.begin, span.end - span.begin);
    return file;
  }

 private:
  [[noreturn]] void fail(std::string const& what) const { throw RunError(where_ + ": " + what); }

  [[noreturn]] void fail(std::string const& tensor, std::string const& what) const {
    fail("tensor \"" + shortened(tensor, 60) + "\": " + what);
  }

  std::size_t read_header() {
    if (bytes_.size() < prefix_size) fail("cut short: " + std::to_string(bytes_.size()) + " bytes");
    std::uint64_t size = 0;
    for (std::size_t i = prefix_size; i-- > 0;) size = size << 8 | static_cast<unsigned char>(bytes_[i]);
    if (size > bytes_.size() - prefix_size)
      fail("cut short or damaged: a header of " + std::to_string(size) + " bytes in a file of " +
           std::to_string(bytes_.size()));
    auto const text = bytes_.substr(prefix_size, size);
    if (text.find('\0') == std::string_view::npos) header_ = Json::parse(text, nullptr, false);
    if (!header_.is_object()) fail("the header is not a JSON object");
    return size;
  }

  void read_metadata(Json const& entry, TensorFile& file) const {
    if (!entry.is_object()) fail("the metadata is not a JSON object");
    for (auto const& [key, value] : entry.items()) {
      if (!value.is_string()) fail("metadata \"" + shortened(key, 60) + "\" is not a text");
      file.metadata[key] = value.get<std::string>();
    }
  }

  Span read_entry(std::string const& name, Json const& entry, TensorFile& file) const {
    bool const known = entry.is_object() && entry.size() == 3 && entry.contains("dtype") && entry.contains("shape") &&
                       entry.contains("data_offsets");
    if (!known) fail(name, "expected dtype, shape and data_offsets");
    auto const* kind = kinds.begin();
    while (kind != kinds.end() && entry["dtype"] != kind->name) ++kind;
    if (kind == kinds.end()) fail(name, "unknown dtype " + shortened(entry["dtype"].dump(), 60));

    TensorBytes tensor{.dtype = kind->dtype, .shape = {}, .bytes = {}};
    if (!entry["shape"].is_array()) fail(name, "shape is not a list");
    for (auto const& length : entry["shape"]) tensor.shape.push_back(static_cast<std::int64_t>(whole(name, length)));
    auto const& offsets = entry["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) fail(name, "data_offsets is not a pair");
    Span const span{whole(name, offsets[0]), whole(name, offsets[1]), name};
    auto const expected = byte_count(tensor.shape, kind->size);
    if (!expected || span.end < span.begin || span.end - span.begin != *expected)
      fail(name, "the shape does not fit the offsets");
    file.tensors[name] = std::move(tensor);
    return span;
  }

  std::size_t whole(std::string const& name, Json const& value) const {
    bool const fine = value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t{1} << 62;
    if (!fine) fail(name, "expected a whole number, found " + shortened(value.dump(), 60));
    return value.get<std::size_t>();
  }

  void check_spans(std::vector<Span>& spans, std::size_t size) const {
    std::sort(spans.begin(), spans.end(),
              [](Span const& a, Span const& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::size_t at = 0;
    for (auto const& span : spans) {
      if (span.begin != at) fail(span.name, "a gap or an overlap in the data before it");
      at = span.end;
    }
    if (at != size) fail("the table needs " + std::to_string(at) + " bytes of data, found " + std::to_string(size));
  }

  void check_digest(TensorFile const& file, std::string_view header, bool need_digest) const {
    auto const stored = file.metadata.find("digest");
    if (stored == file.metadata.end()) {
      if (need_digest) fail("no digest in the metadata");
      return;
    }
    auto const key_at = header.find(digest_key);
    if (key_at == std::string_view::npos) fail("the digest cannot be found in the header");
    auto const digits_at = key_at + digest_key.size();
    if (header.substr(digits_at, digest_size) != stored->second) fail("the digest is not 64 plain digits");
    if (stored->second != digest_with_zeroes(bytes_, prefix_size + digits_at))
      fail("damaged: the digest does not match");
  }

  std::string_view bytes_;
  std::string const& where_;
  Json header_;
};

}  // namespace

std::size_t size_of(Dtype dtype) { return kind_of(dtype).size; }

std::string_view name_of(Dtype dtype) { return kind_of(dtype).name; }

std::string encode_tensors(TensorFile const& file, bool digest) {
  auto const order = order_of(file);
  std::string const header = encode_header(file, order, digest);
  std::string bytes;
  for (std::size_t i = 0; i < prefix_size; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  bytes += header;
  for (auto const& name : order) bytes += file.tensors.at(name).bytes;
  if (digest) {
    auto const digits_at = bytes.find(digest_key) + digest_key.size();
    bytes.replace(digits_at, digest_size, digest_with_zeroes(bytes, digits_at));
  }
  return bytes;
}

TensorFile decode_tensors(std::string_view bytes, std::string const& where, bool need_digest) {
  return Decoder(bytes, where).decode(need_digest);
}

void write_tensors(fs::path const& path, TensorFile const& file) { write_file(path, encode_tensors(file)); }

TensorFile read_tensors(fs::path const& path) { return decode_tensors(read_file(path), path.string()); }

}  // namespace eexit
