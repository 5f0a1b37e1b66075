#include "datasets/formats/idx.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

// The file, written plain and gzipped, is refused by the reader with a message holding `part`.
template <class Read>
void check_refused(std::string const& content, std::string const& part, Read read, bool zipped_too = true) {
  TestFolder const folder;
  for (bool const zipped : {false, true}) {
    if (zipped && !zipped_too) continue;
    auto const path = folder.write("file", zipped ? gzip(content) : content);
    INFO((zipped ? "zipped" : "plain"));
    check_refusal(path, part, [&] { read(path); });
  }
}

auto const images = [](fs::path const& path) { return read_idx_images(path, 28, 28); };
auto const labels = [](fs::path const& path) { return read_idx_labels(path, 10); };

}  // namespace

TEST_CASE("IDX files are read, gzip or plain whatever their name", "[datasets]") {
  TestFolder const folder;
  auto const content = idx_images(2);
  for (auto const& [name, bytes] : {std::pair{"plain.gz"s, content}, {"zipped"s, gzip(content)}}) {
    auto const file = images(folder.write(name, bytes));
    CHECK(file.dims == std::vector<std::uint32_t>{2, 28, 28});
    CHECK(file.records() == 2);
    CHECK(file.header + std::string(file.data.begin(), file.data.end()) == content);
    CHECK(sha256_of(file) == sha256(content));
  }
  auto const file = labels(folder.write("labels", idx_labels("\x01\x02\x09\x00"s)));
  CHECK(file.data == std::vector<std::uint8_t>{1, 2, 9, 0});
}

TEST_CASE("a gzip file of several members is one file", "[datasets]") {
  TestFolder const folder;
  auto const content = idx_images(2);
  auto const file = images(folder.write("two", gzip(content.substr(0, 700)) + gzip(content.substr(700))));
  CHECK(sha256_of(file) == sha256(content));
}

TEST_CASE("MD5 of an inflated file", "[datasets]") {
  TestFolder const folder;
  // md5sum of the nine bytes 00 00 08 01 00 00 00 01 05.
  auto const md5 = md5_of(labels(folder.write("labels", idx_labels("\x05"))));
  CHECK((md5.empty() || md5 == "75e517bea266c378444662e37b2e8b92"));
}

TEST_CASE("files that are not there, or no files, are missing", "[datasets]") {
  TestFolder const folder;
  fs::create_directory(folder.path() / "folder");
  fs::create_symlink(folder.path() / "loop", folder.path() / "loop");
  for (auto const* name : {"nothing", "folder", "loop"}) {
    auto const path = folder.path() / name;
    auto const refusal = refusal_of([&] { images(path); });
    REQUIRE(refusal);
    CHECK(refusal->code == Exit::missing);
    CHECK(one_line(refusal->message, path));
  }
}

TEST_CASE("an empty file is refused", "[datasets]") { check_refused("", "is empty, has 0 bytes", images, false); }

TEST_CASE("foreign formats are named", "[datasets]") {
  check_refused("<!DOCTYPE html>\n<html><body>404</body></html>", "is an HTML page, the download failed", images);
  check_refused("<html>", "is an HTML page", labels);
  check_refused("\n <HTML><head>", "is an HTML page", labels);
  check_refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 26421880\n",
                "is a Git LFS pointer, not the data", images);
  check_refused("PK\x03\x04" + std::string(40, 'x'), "is a zip archive", images);
  check_refused("\x28\xb5\x2f\xfd" + std::string(40, 'x'), "is compressed with zstd", images);
  check_refused("\xfd\x37\x7a\x58\x5a\x00"s + std::string(40, 'x'), "is compressed with xz", labels);
  check_refused("BZh91AY&SY" + std::string(40, 'x'), "is compressed with bzip2", labels);
  check_refused("\x89PNG\r\n\x1a\n" + std::string(40, 'x'), "magic 0x89504e47 is no IDX file", images);
  TestFolder const folder;
  auto const path = folder.write("twice", gzip(gzip(idx_images(1))));
  auto const refusal = refusal_of([&] { images(path); });
  REQUIRE(refusal);
  CHECK(refusal->message.find("is gzip inside gzip") != std::string::npos);
}

TEST_CASE("images given as labels, labels as images, and other IDX files", "[datasets]") {
  check_refused(idx_images(1), "magic 0x00000803 is a 3-D image file (expected labels 0x00000801 at byte 0)", labels);
  check_refused(idx_labels("\x01\x02\x03\x04\x05\x06\x07\x08"), "magic 0x00000801 is a 1-D label file", images);
  check_refused("\x03\x08\x00\x00\x01\x00\x00\x00\x1c\x00\x00\x00\x1c\x00\x00\x00"s,
                "little-endian copy; IDX is big-endian", images);
  check_refused("\x01\x08\x00\x00\x01\x00\x00\x00\x05"s, "little-endian copy", labels);
  check_refused(big_endian_text(0xd02) + std::string(40, 'x'), "an IDX file of floats in 2 dimensions", images);
}

TEST_CASE("header fields out of range are refused before anything is read", "[datasets]") {
  auto const header = [](std::uint32_t count, std::uint32_t height, std::uint32_t width) {
    return big_endian_text(0x803) + big_endian_text(count) + big_endian_text(height) + big_endian_text(width);
  };
  check_refused(header(0, 28, 28), "0 records at byte 4", images);
  check_refused(header(0xffffffff, 28, 28), "4294967295 records at byte 4", images);
  check_refused(header(0x7fffffff, 28, 28), "2147483647 records (expected at most 4294967296 bytes", images);
  check_refused(header(10, 32, 32), "32 x 32 pixels at byte 8 (expected 28 x 28)", images);
  check_refused(header(10, 0xffffffff, 0xffffffff), "4294967295 x 4294967295 pixels", images);
}

TEST_CASE("sizes must be exact", "[datasets]") {
  auto const content = idx_images(2);
  check_refused(content.substr(0, 1000), "has 1000 bytes, header promises 1584", images);
  check_refused(content.substr(0, 16), "has 16 bytes, header promises 1584", images);
  check_refused(content.substr(0, 12), "has 12 bytes (expected a header of 16 bytes)", images);
  check_refused(content.substr(0, 3), "has 3 bytes (expected a header of 16 bytes)", images);
  check_refused(content + "abc", "3 extra bytes after the last record, at byte 1584", images);
  check_refused(idx_labels("\x01") + "\x02", "1 extra bytes after the last record, at byte 9", labels);
}

TEST_CASE("a label out of range is told with its index", "[datasets]") {
  check_refused(idx_labels("\x01\x09\x0a\x0b"), "label 10 at index 2 (byte 10) (expected 0 to 9)", labels);
}

TEST_CASE("gzip: cut short, damaged, followed by rubbish, a bomb", "[datasets]") {
  TestFolder const folder;
  auto const content = idx_images(2), zipped = gzip(content);
  auto const message = [&](std::string const& bytes) {
    auto const path = folder.write("file.gz", bytes);
    auto const refusal = refusal_of([&] { images(path); });
    REQUIRE(refusal);
    CHECK(refusal->code == Exit::data);
    CHECK(one_line(refusal->message, path));
    return refusal->message;
  };
  CHECK(has(message(zipped.substr(0, zipped.size() / 2)), "gzip stream ends early at inflated byte "));
  CHECK(has(message(zipped.substr(0, zipped.size() - 1)),
            "ends early at inflated byte 1584 (expected 1584 bytes, as its header promises)"));
  CHECK(
      has(message(zipped + "12345"), "5 extra bytes after the gzip stream, at byte " + std::to_string(zipped.size())));
  auto wrong_sum = zipped, wrong_length = zipped;
  wrong_sum[zipped.size() - 8] ^= 1;
  wrong_length[zipped.size() - 4] ^= 1;
  CHECK(has(message(wrong_sum), "incorrect data check"));
  CHECK(has(message(wrong_length), "incorrect length check"));
  // 4 MiB of zeros after what the header promises: counted up to a mebibyte, then given up.
  CHECK(
      has(message(gzip(content + std::string(4 << 20, '\0'))), "more than 1048576 extra bytes after the last record"));
}

TEST_CASE("as many labels as images", "[datasets]") {
  TestFolder const folder;
  auto const two = images(folder.write("images", idx_images(2)));
  auto const three = labels(folder.write("labels", idx_labels("\x01\x02\x03")));
  auto const refusal = refusal_of([&] { check_same_records(two, three); });
  REQUIRE(refusal);
  CHECK(refusal->message.find("2 images but 3 labels in " + three.path.string() + ": train and t10k files mixed") !=
        std::string::npos);
  CHECK(one_line(refusal->message, two.path));
  CHECK_NOTHROW(check_same_records(two, labels(folder.write("labels", idx_labels("\x01\x02")))));
}

TEST_CASE("damaged files are refused or read with the right sizes", "[datasets]") {
  TestFolder const folder;
  std::string const some_labels = idx_labels(std::string(300, '\x03') + std::string(200, '\x07'));
  int cuts = 0, flips = 0, read_whole = 0, odd = 0;
  Random random(11);
  // True when the file was read; a refusal that is not one line, or a wrong size, counts as odd.
  auto const try_reading = [&](std::string const& bytes, bool is_images) {
    auto const path = folder.write("damaged", bytes);
    try {
      auto const file = is_images ? images(path) : labels(path);
      if (file.data.size() != (is_images ? 2 * 784U : 500U)) ++odd;
      return true;
    } catch (SpecError const& error) {
      if (!one_line(error.what(), path)) ++odd;
      return false;
    }
  };
  for (bool const is_images : {true, false}) {
    auto const plain = is_images ? idx_images(2) : some_labels;
    for (auto const& content : {plain, gzip(plain)}) {
      for (std::size_t length = 0; length < content.size(); length += 1 + length / 100) {
        ++cuts;
        if (try_reading(content.substr(0, length), is_images)) ++odd;
      }
      for (int i = 0; i < 500; ++i) {
        ++flips;
        auto flipped = content;
        auto const bit = random.below(static_cast<int>(content.size()) * 8);
        flipped[static_cast<std::size_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
        read_whole += try_reading(flipped, is_images);
      }
    }
  }
  CHECK(odd == 0);
  CHECK(cuts >= 200);
  CHECK(flips == 2000);
  // Pixels carry no check of their own in a plain file: flips there are read. Labels and gzip catch most.
  CHECK(read_whole > 400);
  CHECK(read_whole < 1200);
}
