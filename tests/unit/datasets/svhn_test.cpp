#include <cstring>

#include "datasets/formats/mat5.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/mat5_bytes.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

std::uint8_t pixel(int row, int column, int channel, int image) {
  return static_cast<std::uint8_t>(row * 7 + column * 3 + channel * 50 + image * 11 + row * column);
}

// As published: the first index, the row, changes fastest.
std::string pixels(int images) {
  std::string text;
  for (int n = 0; n < images; ++n)
    for (int channel = 0; channel < 3; ++channel)
      for (int column = 0; column < 32; ++column)
        for (int row = 0; row < 32; ++row) text += static_cast<char>(pixel(row, column, channel, n));
  return text;
}

std::string x_of(MatBytes const& mat, int images) {
  return mat.matrix(9, {32, 32, 3, static_cast<std::uint64_t>(images)}, "X", mat.element(2, pixels(images)));
}
// Class double, stored as bytes, as MATLAB does with whole numbers.
std::string y_of(MatBytes const& mat, std::string const& labels) {
  auto const data = labels.size() <= 4 ? mat.small_element(2, labels) : mat.element(2, labels);
  return mat.matrix(6, {labels.size(), 1}, "y", data);
}

std::string file_of(MatBytes const& mat, std::string const& labels) {
  return mat.header() + mat.packed(x_of(mat, static_cast<int>(labels.size()))) + mat.packed(y_of(mat, labels));
}

void write_set(TestFolder const& folder) {
  folder.write("train_32x32.mat", file_of({}, "\x01\x0a\x03"));
  folder.write("test_32x32.mat", file_of({}, "\x09\x02"));
}

std::vector<std::uint8_t> image(int n) {
  std::vector<std::uint8_t> out;
  for (int channel = 0; channel < 3; ++channel)
    for (int row = 0; row < 32; ++row)
      for (int column = 0; column < 32; ++column) out.push_back(pixel(row, column, channel, n));
  return out;
}

}  // namespace

TEST_CASE("svhn: planes by rows, and label 10 is the digit 0", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{3, 32, 32});
  CHECK(facts.classes == 10);
  CHECK(facts.labels == std::vector<int>{1, 0, 3});
  CHECK(facts.test_rows == 2);
  CHECK(facts.known == "unknown");
  auto const train = source.open(Split::train);
  for (int n = 0; n < 3; ++n) CHECK(image_of(train, n) == image(n));
  CHECK(train.mean == std::vector<float>{0.4377F, 0.4438F, 0.4728F});
}

TEST_CASE("svhn: extra adds to the training rows", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const extra = data_at("svhn", folder.path(), R"(, "extra": true)");
  check_refusal(
      folder.path(), "no file extra_32x32.mat in this folder", [&] { extra.files(); }, Exit::missing);
  folder.write("extra_32x32.mat", file_of({}, "\x05\x06\x07\x08\x0a"));
  CHECK(extra.facts().labels == std::vector<int>{1, 0, 3, 5, 6, 7, 8, 0});
  CHECK(image_of(extra.open(Split::train), 4) == image(1));
  CHECK(extra.facts().test_rows == 2);
  auto const without = data_at("svhn", folder.path());
  CHECK(without.facts().labels.size() == 3);
  CHECK(without.facts().identity != extra.facts().identity);
}

TEST_CASE("svhn: the same content in every packing", "[datasets]") {
  MatBytes const little, big{.big = true};
  auto const labels = "\x01\x0a\x03"s;
  std::uint64_t one = 0, ten = 0, three = 0;
  double const numbers[] = {1, 10, 3};
  std::memcpy(&one, &numbers[0], 8), std::memcpy(&ten, &numbers[1], 8), std::memcpy(&three, &numbers[2], 8);
  auto const as = [&](MatBytes const& mat, std::uint32_t type, std::vector<std::uint64_t> const& values, int width) {
    return mat.matrix(6, {values.size(), 1}, "y", mat.element(type, mat.values(values, width)));
  };
  auto const other = little.matrix(6, {1, 3}, "some_other", little.element(9, std::string(24, 'a')));
  auto const cell = little.element(14, little.element(6, little.number(1, 4) + little.number(0, 4)) +
                                           little.element(5, little.values({1, 1}, 4)) + little.element(1, "cell"));
  std::vector<std::string> const files = {
      file_of(little, labels),
      file_of(big, labels),
      gzip(file_of(little, labels)),
      little.header() + x_of(little, 3) + y_of(little, labels),
      little.header() + y_of(little, labels) + other + cell + little.packed(other) + x_of(little, 3),
      big.header() + big.packed(x_of(big, 3)) + as(big, 9, {one, ten, three}, 8),
      big.header() + as(big, 4, {1, 10, 3}, 2) + x_of(big, 3),
      little.header() + x_of(little, 3) + as(little, 9, {one, ten, three}, 8),
      little.header() + x_of(little, 3) + as(little, 5, {1, 10, 3}, 4),
      little.header() + x_of(little, 3) + as(little, 13, {1, 10, 3}, 8),
      little.header() + x_of(little, 3) + little.matrix(9, {1, 3}, "y", little.small_element(2, labels)),
  };
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  auto const first = source.facts();
  for (std::size_t i = 0; i < files.size(); ++i) {
    INFO("packing " << i);
    folder.write("train_32x32.mat", files[i]);
    CHECK(source.facts().labels == first.labels);
    CHECK(source.facts().identity == first.identity);
  }
  // MATLAB drops a last dimension of one.
  folder.write("train_32x32.mat", little.header() + little.matrix(9, {32, 32, 3}, "X", little.element(2, pixels(1))) +
                                      y_of(little, "\x04"));
  CHECK(source.facts().labels == std::vector<int>{4});
}

TEST_CASE("svhn: what is wrong with a file is told", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  MatBytes const mat;
  auto const refused = [&](std::string const& content, std::string const& part) {
    check_refusal(folder.write("test_32x32.mat", content), part, [&] { source.open(Split::test); });
  };
  auto const x = x_of(mat, 2), y = y_of(mat, "\x09\x02");
  refused("\x89HDF\r\n\x1a\n" + std::string(600, '\0'),
          "is a MATLAB 7.3 file (HDF5) (expected a MAT-file of version 5). Save it again with -v7");
  refused("MATLAB 7.3 MAT-file, Platform" + std::string(600, ' '), "is a MATLAB 7.3 file");
  refused(std::string(600, 'x'), "does not begin with MATLAB 5.0 MAT-file");
  refused(mat.header().substr(0, 100), "has 100 bytes (expected a header of 128 bytes)");
  auto header = mat.header();
  header[126] = 'X';
  refused(header + x + y, "names no byte order at byte 126");
  header = mat.header();
  header[125] = 2;
  refused(header + x + y, "has version 0x0200 at byte 124");

  refused(mat.header(), "has no variable X but none (expected variables X and y)");
  refused(mat.header() + x, "has no variable y but X");
  refused(mat.header() + mat.packed(y) + mat.matrix(6, {1, 1}, "meta", mat.small_element(2, "a")),
          "has no variable X but y, meta");
  refused(mat.header() + x + y_of(mat, "\x01\x02\x03"), "2 images in X but 3 labels in y");
  refused(mat.header() + x + y_of(mat, "\x01\x0b"), "label 11 at index 1 of y (expected whole numbers 1 to 10)");
  refused(mat.header() + x + y_of(mat, "\x00\x01"s), "label 0 at index 0 of y");
  refused(mat.header() + x +
              mat.matrix(7, {2, 1}, "y", mat.element(7, mat.number(0x3f800000, 4) + mat.number(0x3fc00000, 4))),
          "label 1.5 at index 1 of y");
  refused(mat.header() + x +
              mat.matrix(7, {2, 1}, "y", mat.element(7, mat.number(0x3f800000, 4) + mat.number(0x7fc00000, 4))),
          "label nan at index 1 of y");
  refused(mat.header() + x + mat.matrix(9, {1, 2, 1}, "y", mat.small_element(2, "ab")),
          "variable y at byte 6336 is 1 x 2 x 1");
  refused(mat.header() + x + x + y, "variable X at byte 6336 is there twice");
  refused(mat.header() + mat.matrix(9, {32, 32, 2, 3}, "X", mat.element(2, pixels(2))) + y,
          "variable X at byte 128 is 32 x 32 x 2 x 3 (expected 32 x 32 x 3 x images)");
  refused(mat.header() + mat.matrix(6, {32, 32, 3, 1}, "X", mat.element(9, std::string(3072 * 8, '\0'))) + y,
          "variable X at byte 128 is stored as double (expected uint8)");
  refused(mat.header() + mat.matrix(9 | 0x0800, {32, 32, 3, 2}, "X", mat.element(2, pixels(2))) + y, "is complex");
  refused(mat.header() + mat.matrix(9, {32, 32, 3, 3}, "X", mat.element(2, pixels(2))) + y,
          "has 6144 bytes of values, its dimensions promise 9216");
  refused(mat.header() + mat.matrix(9, {0x7fffffff, 0x7fffffff, 3, 3}, "X", mat.element(2, pixels(2))) + y,
          "has dimension 1 of 2147483647");
  refused(mat.header() + mat.matrix(9, {32, 32, 3, 0}, "X", mat.element(2, "")) + y, "is 32 x 32 x 3 x 0");
}

TEST_CASE("svhn: files that are cut, too long or damaged", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  MatBytes const mat;
  auto const refused = [&](std::string const& content, std::string const& part) {
    check_refusal(folder.write("test_32x32.mat", content), part, [&] { source.open(Split::test); });
  };
  auto const x = x_of(mat, 2), y = y_of(mat, "\x09\x02");
  auto const content = file_of({}, "\x09\x02");
  refused((mat.header() + x).substr(0, 3000), "has 3000 bytes, the variable at byte 128 goes on");
  refused(content.substr(0, 700), "has 700 bytes, the variable at byte 128 goes on");
  refused(content + "abc", "has 3 bytes after the last variable, at byte " + std::to_string(content.size()));
  refused(content + std::string(16, 'a'), "no variable at byte " + std::to_string(content.size()));
  auto const packed = mat.packed(x), short_data = packed.substr(8, packed.size() - 20);
  refused(mat.header() + mat.number(15, 4) + mat.number(short_data.size(), 4) + short_data + y,
          "variable at byte 128 has zlib data that ends early");
  auto damaged = packed;
  for (std::size_t i = 40; i < 60; ++i) damaged[i] = '\xff';
  refused(mat.header() + damaged + y, "variable at byte 128 has zlib data that is damaged at byte 2");
  auto wrong_sum = packed;
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  refused(mat.header() + wrong_sum + y, "incorrect data check");
  refused(mat.header() + mat.packed(x + std::string(8 << 20, '\0')) + y, "goes on after its byte 6208");
  auto const longer = packed + "12345678";
  refused(mat.header() + mat.number(15, 4) + mat.number(longer.size() - 8, 4) + longer.substr(8) + y,
          "has 8 extra bytes at its end");
}

TEST_CASE("svhn: foreign files are named, and whole house numbers", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  check_foreign_formats(
      file_of({}, "\x01\x02"), [&](std::string const& content) { return folder.write("test_32x32.mat", content); },
      [&] { source.open(Split::test); });

  TestFolder const other;
  fs::create_directory(other.path() / "train");
  other.write("train/digitStruct.mat", "\x89HDF");
  check_refusal(
      other.path() / "train", "holds format 1, whole house numbers (expected train_32x32.mat, test_32x32.mat",
      [&] { data_at("svhn", other.path()).files(); }, Exit::missing);
  other.write("train.tar.gz", gzip("x"));
  check_refusal(
      other.path(), "holds format 1", [&] { data_at("svhn", other.path()).files(); }, Exit::missing);
}

TEST_CASE("svhn: damaged files are refused or read with the right sizes", "[datasets]") {
  TestFolder const folder;
  write_set(folder);
  auto const source = data_at("svhn", folder.path());
  auto const write = [&](std::string const& bytes) { return folder.write("test_32x32.mat", bytes); };
  std::vector<std::uint8_t> out;
  auto const read = [&] {
    auto const dataset = source.open(Split::test);
    out = image_of(dataset, dataset.rows() - 1);
    return dataset.rows() == 2;
  };
  MatBytes const mat;
  auto const plain = damage_of(mat.header() + x_of(mat, 2) + y_of(mat, "\x09\x02"), write, read);
  CHECK(plain.odd == 0);
  CHECK(plain.cuts >= 200);
  CHECK(plain.cuts_read == 0);
  CHECK(plain.flips_read > 1800);  // pixels carry no check of their own
  CHECK(plain.flips_read < 2000);
  auto const packed = damage_of(file_of({}, "\x09\x02"), write, read);
  CHECK(packed.odd == 0);
  CHECK(packed.cuts_read == 0);
  CHECK(packed.flips_read < 800);  // the header's text
}
