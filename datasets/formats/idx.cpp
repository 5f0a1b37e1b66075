#include "datasets/formats/idx.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/inflated_file.h"
#include "datasets/formats/refuse.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t images_magic = 0x00000803, labels_magic = 0x00000801;

// Sets are held in memory as they are; a header that promises more is damaged, or asks for another reader.
constexpr std::uint64_t most_bytes = std::uint64_t{4} << 30;

constexpr char const* fetch_again = "Download it again";

// One dimension for labels, three for images.
struct Want {
  std::uint32_t magic;
  std::string_view what;              // "images"
  std::vector<std::uint32_t> record;  // shape of one record; empty: a single byte
};

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (char const c : bytes.substr(0, 4)) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

std::string_view element_type(unsigned code) {
  switch (code) {
    case 0x08:
      return "unsigned bytes";
    case 0x09:
      return "signed bytes";
    case 0x0b:
      return "16-bit integers";
    case 0x0c:
      return "32-bit integers";
    case 0x0d:
      return "floats";
    case 0x0e:
      return "doubles";
    default:
      return "";
  }
}

[[noreturn]] void refuse_magic(fs::path const& path, std::string_view head, Want const& want) {
  auto const expected = fmt::format("{} 0x{:08x} at byte 0", want.what, want.magic);
  if (auto const foreign = foreign_format(head)) refuse_file(path, foreign->found, expected, foreign->what_to_do);
  auto const magic = big_endian(head);
  std::string is = "no IDX file";
  char const* what_to_do = fetch_again;
  auto const type = element_type(magic >> 8 & 0xff);
  if (magic == images_magic || magic == labels_magic) {
    is = magic == images_magic ? "a 3-D image file" : "a 1-D label file";
    what_to_do = "Check that images and labels are not swapped";
  } else if (magic == 0x03080000 || magic == 0x01080000) {
    is = "a little-endian copy; IDX is big-endian";
    what_to_do = "Take the original file";
  } else if (magic >> 16 == 0 && !type.empty()) {
    is = fmt::format("an IDX file of {} in {} dimensions", type, magic & 0xff);
    what_to_do = "Take the right file";
  }
  refuse_file(path, fmt::format("magic 0x{:08x} is {}", magic, is), expected, what_to_do);
}

// The length of the records, checked for overflow and for what memory can be asked to hold.
std::uint64_t payload_of(fs::path const& path, std::vector<std::uint32_t> const& dims) {
  std::uint64_t bytes = 1;
  for (auto const d : dims) {
    if (d != 0 && bytes > most_bytes / d)
      refuse_file(path, fmt::format("header at byte 4 promises {} records", dims[0]),
                  fmt::format("at most {} bytes in all", most_bytes), fetch_again);
    bytes *= d;
  }
  return bytes;
}

void check_fields(fs::path const& path, std::vector<std::uint32_t> const& dims, Want const& want) {
  if (dims[0] == 0) refuse_file(path, "0 records at byte 4", "at least 1", fetch_again);
  if (dims[0] > static_cast<std::uint32_t>(std::numeric_limits<int>::max()))
    refuse_file(path, fmt::format("{} records at byte 4", dims[0]),
                fmt::format("at most {}", std::numeric_limits<int>::max()), fetch_again);
  if (want.record.empty() || std::equal(want.record.begin(), want.record.end(), dims.begin() + 1, dims.end())) return;
  refuse_file(path, fmt::format("{} x {} pixels at byte 8", dims[1], dims[2]),
              fmt::format("{} x {}", want.record[0], want.record[1]), "This is another data set: take the right one");
}

// A gzip stream does not say what is left without being inflated: count a little, then stop, in case of a bomb.
[[noreturn]] void refuse_extra(InflatedFile& file, fs::path const& path, std::uint64_t end) {
  std::vector<std::uint8_t> rest(1 << 20);
  auto const counted = 1 + file.read(rest.data(), rest.size());
  refuse_file(path,
              fmt::format("{}{} extra bytes after the last record, at byte {}",
                          counted > rest.size() ? "more than " : "", std::min(counted, rest.size()), end),
              fmt::format("{} bytes", end), fetch_again);
}

IdxFile read_idx(fs::path const& path, Want const& want) {
  InflatedFile file(path);
  IdxFile idx;
  idx.path = path;

  // Enough of the front to know foreign formats by; an IDX file this short is refused by its size below.
  std::array<std::uint8_t, 64> front{};
  std::size_t const header_size = 8 + 4 * want.record.size();
  std::size_t head = file.read(front.data(), header_size);
  std::string_view const text(reinterpret_cast<char const*>(front.data()), front.size());
  auto const too_short = [&](std::uint64_t has, std::string_view promised) {
    refuse_file(path, fmt::format("has {} bytes, header promises {}", has, promised), fmt::format("{} bytes", promised),
                "The file is cut short: download it again");
  };
  if (head < 4 || big_endian(text) != want.magic) {
    if (head == header_size) head += file.read(front.data() + head, front.size() - head);
    if (head >= 4 || foreign_format(text.substr(0, head))) refuse_magic(path, text.substr(0, head), want);
  }
  if (head < header_size)
    refuse_file(path, fmt::format("has {} bytes", head), fmt::format("a header of {} bytes", header_size),
                "The file is cut short: download it again");
  idx.header = text.substr(0, header_size);
  for (std::size_t at = 4; at < header_size; at += 4) idx.dims.push_back(big_endian(text.substr(at)));
  check_fields(path, idx.dims, want);

  auto const payload = payload_of(path, idx.dims);
  auto const promised = header_size + payload;
  file.expect(fmt::format("{} bytes, as its header promises", promised));
  if (!file.zipped() && file.file_size() < promised) too_short(file.file_size(), std::to_string(promised));
  if (!file.zipped() && file.file_size() > promised)
    refuse_file(path,
                fmt::format("{} extra bytes after the last record, at byte {}", file.file_size() - promised, promised),
                fmt::format("{} bytes", promised), fetch_again);

  // Deflate packs at most 1032 to 1: a promise beyond that is not worth its memory before the bytes are there.
  idx.data.reserve(std::min(payload, file.file_size() * 1032));
  constexpr std::uint64_t piece = 1 << 20;
  while (idx.data.size() < payload) {
    auto const have = idx.data.size(), wanted = std::min(piece, payload - have);
    idx.data.resize(have + wanted);
    auto const got = file.read(idx.data.data() + have, wanted);
    if (got < wanted) too_short(header_size + have + got, std::to_string(promised));
  }
  std::uint8_t extra = 0;
  if (file.read(&extra, 1) > 0) refuse_extra(file, path, promised);
  return idx;
}

std::string_view view_of(std::vector<std::uint8_t> const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace

IdxFile read_idx_images(fs::path const& path, int height, int width) {
  return read_idx(path,
                  {images_magic, "images", {static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width)}});
}

IdxFile read_idx_labels(fs::path const& path, int classes) {
  auto idx = read_idx(path, {labels_magic, "labels", {}});
  auto const bad = std::find_if(idx.data.begin(), idx.data.end(), [&](int label) { return label >= classes; });
  if (bad != idx.data.end()) {
    auto const index = static_cast<std::size_t>(bad - idx.data.begin());
    refuse_file(path, fmt::format("label {} at index {} (byte {})", *bad, index, idx.header.size() + index),
                fmt::format("0 to {}", classes - 1), "Check that this is the right data set");
  }
  return idx;
}

void check_same_records(IdxFile const& images, IdxFile const& labels) {
  if (images.records() == labels.records()) return;
  refuse_file(images.path,
              fmt::format("{} images but {} labels in {}: train and t10k files mixed", images.records(),
                          labels.records(), labels.path.string()),
              "as many labels as images", "Take both files from the same split");
}

std::string sha256_of(IdxFile const& file) {
  Sha256 digest;
  digest.add(file.header);
  digest.add(view_of(file.data));
  return digest.hex();
}

std::string md5_of(IdxFile const& file) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  if (!context || !EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) ||
      !EVP_DigestUpdate(context.get(), file.header.data(), file.header.size()) ||
      !EVP_DigestUpdate(context.get(), file.data.data(), file.data.size()) ||
      !EVP_DigestFinal_ex(context.get(), bytes.data(), &length))
    return "";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

}  // namespace eexit
