#include "datasets/formats/cifar_binary.h"

#include "core/base/sha256.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

std::string zeros(std::size_t count) {
  std::string bytes;
  bytes.resize(count);
  return bytes;
}

// A record as published: labels, then 1,024 red, green and blue bytes by rows.
std::string record(std::string const& labels, int image) {
  auto text = labels;
  for (int channel = 0; channel < 3; ++channel)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x) text += static_cast<char>(image * 91 + channel * 57 + y * 7 + x * 3);
  return text;
}

std::string batch10(std::string const& labels) {
  std::string text;
  for (auto const label : labels) text += record({label}, static_cast<int>(text.size() / 3073));
  return text;
}

constexpr char const* batches[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                   "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

void write_cifar10(TestFolder const& folder) {
  for (auto const* name : batches) folder.write(name, batch10("\x03\x09"));
  folder.write("data_batch_2.bin", gzip(batch10("\x00\x01\x02"s)));
}

void write_cifar100(TestFolder const& folder) {
  folder.write("train.bin", record("\x13\x63", 0) + record("\x00\x07"s, 1) + record("\x05\x2a", 2));
  folder.write("test.bin", record("\x04\x05", 3));
}

CifarFormat const format10{.classes = {10}, .others = {}, .import_name = "cifar10"};

}  // namespace

TEST_CASE("cifar10: five batches are one split, pixels as they lie", "[datasets]") {
  TestFolder const folder;
  write_cifar10(folder);
  auto const source = data_at("cifar10", folder.path());
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{3, 32, 32});
  CHECK(facts.classes == 10);
  CHECK(facts.class_names[2] == "bird");
  CHECK(facts.labels == std::vector<int>{3, 9, 0, 1, 2, 3, 9, 3, 9, 3, 9});
  CHECK(facts.test_rows == 2);
  CHECK(facts.known == "unknown");
  CHECK(source.files().size() == 6);

  auto const train = source.open(Split::train);
  CHECK(train.mean == std::vector<float>{0.4914F, 0.4822F, 0.4465F});
  CHECK(train.deviation == std::vector<float>{0.2470F, 0.2435F, 0.2616F});
  auto const expected = record("", 2);
  auto const image = image_of(train, 4);  // the last of the second batch
  CHECK(std::string(image.begin(), image.end()) == expected);
  CHECK(image[1024 + 32] == static_cast<std::uint8_t>(2 * 91 + 57 + 7));  // second row of green
  // Of the inflated files, in order.
  auto const batch = sha256(batch10("\x03\x09")), second = sha256(batch10("\x00\x01\x02"s));
  CHECK(facts.identity == sha256(sha256(batch + second + batch + batch + batch) + sha256(batch)));
}

TEST_CASE("cifar10: class names of batches.meta.txt, when it is there", "[datasets]") {
  TestFolder const folder;
  write_cifar10(folder);
  auto const path = folder.write("batches.meta.txt", "a\nb\nc\r\nd\ne\nf\ng\nh\ni\nj\n\n");
  auto const source = data_at("cifar10", folder.path());
  CHECK(source.facts().class_names == std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  CHECK(source.files().size() == 7);
  folder.write("batches.meta.txt", "a\nb\n");
  check_refusal(path, "has 2 lines with text (expected 10 class names, one a line)", [&] { source.facts(); });
  folder.write("batches.meta.txt", "<html>");
  check_refusal(path, "is an HTML page", [&] { source.facts(); });
  folder.write("batches.meta.txt", "a\n\xff\n");
  check_refusal(path, "is no text at byte 2", [&] { source.facts(); });
}

TEST_CASE("cifar100: fine and coarse labels of one folder", "[datasets]") {
  TestFolder const folder;
  write_cifar100(folder);
  auto const fine = data_at("cifar100", folder.path()),
             coarse = data_at("cifar100", folder.path(), R"(, "labels": "coarse")");
  CHECK(fine.facts().labels == std::vector<int>{99, 7, 42});
  CHECK(fine.facts().classes == 100);
  CHECK(fine.facts().class_names[42] == "42");
  CHECK(coarse.facts().labels == std::vector<int>{19, 0, 5});
  CHECK(coarse.facts().classes == 20);
  CHECK(fine.open(Split::test).labels == std::vector<int>{5});
  CHECK(coarse.open(Split::test).labels == std::vector<int>{4});
  CHECK(fine.facts().identity != coarse.facts().identity);
  CHECK(image_of(fine.open(Split::train), 2) == image_of(coarse.open(Split::train), 2));
  auto const image = image_of(coarse.open(Split::train), 1);
  CHECK(std::string(image.begin(), image.end()) == record("", 1));

  std::string names;
  for (int i = 0; i < 20; ++i) names += "group " + std::to_string(i) + "\n";
  folder.write("coarse_label_names.txt", names);
  CHECK(coarse.facts().class_names[19] == "group 19");
  CHECK(fine.facts().class_names[19] == "19");
  CHECK_THROWS_AS(data_at("cifar100", folder.path(), R"(, "labels": "both")"), SpecError);
}

TEST_CASE("cifar: files of the wrong size or set are told by what they are", "[datasets]") {
  TestFolder const folder;
  write_cifar10(folder);
  auto const source = data_at("cifar10", folder.path());
  auto const refused = [&](std::string const& content, std::string const& part) {
    check_refusal(folder.write("data_batch_1.bin", content), part, [&] { source.open(Split::train); });
  };
  auto const two = batch10("\x01\x02");
  refused(two.substr(0, 6000),
          "has 6000 bytes, 1 records and 2927 bytes of another (expected a multiple of 3073 bytes)");
  refused(two + "abc", "has 6149 bytes, 2 records and 3 bytes of another");
  refused(gzip(two + "abc"), "has 6149 bytes");
  refused(zeros(30740000), "has 30740000 bytes: that is CIFAR-100 test");
  refused(gzip(zeros(153700000)), "has 153700000 bytes: that is CIFAR-100 train");
  refused(batch10("\x01\x0a"), "label 10 at record 1 (byte 3073): misaligned, or another set (expected 0 to 9)");
  refused(
      "\x80\x02}q\x01(U\x0b"
      "batch_labelq\x02" +
          std::string(3000, 'x'),
      "is a file of the Python version");
  refused("\x80\x02}q\x01", "scripts/import cifar10 ");

  TestFolder const hundred;
  write_cifar100(hundred);
  auto const other = data_at("cifar100", hundred.path());
  auto const refused_100 = [&](std::string const& content, std::string const& part) {
    check_refusal(hundred.write("test.bin", content), part, [&] { other.open(Split::test); });
  };
  refused_100(zeros(30730000), "that is a batch of CIFAR-10 (expected a multiple of 3074 bytes)");
  refused_100(record("\x01\x02", 0) + record("\x14\x02", 0), "label 20 at record 1 (byte 3074)");
  refused_100(record("\x01\x64", 0), "label 100 at record 0 (byte 1): misaligned, or another set (expected 0 to 99)");
}

TEST_CASE("cifar: foreign files are named", "[datasets]") {
  TestFolder const folder;
  fs::path path;
  check_foreign_formats(
      batch10("\x01\x02"), [&](std::string const& content) { return path = folder.write("batch", content); },
      [&] {
        std::vector<std::uint8_t> records;
        append_cifar(path, format10, records);
      });
}

TEST_CASE("cifar: where the files are looked for", "[datasets]") {
  TestFolder const folder;
  write_cifar10(folder);
  fs::remove(folder.path() / "data_batch_3.bin");
  auto const source = data_at("cifar10", folder.path());
  check_refusal(
      folder.path(), "no file data_batch_3.bin in this folder", [&] { source.files(); }, Exit::missing);

  TestFolder const outer;
  auto const ask = [] {
    auto reader = data_reader("{}");
    return find(datasets(), "data set", "cifar10", "test").make(reader).files();
  };
  {
    DataVariable const variable("");
    auto const refusal = refusal_of(ask);
    REQUIRE(refusal);
    CHECK(refusal->code == Exit::missing);
    CHECK(has(refusal->message, "data set cifar10: no folder named (expected data_batch_1.bin, "));
    CHECK(has(refusal->message, "Name the folder by spec.json /data/dir or $EEXIT_DATA"));
  }
  DataVariable const variable(outer.path().string());
  auto const below = outer.path() / "cifar-10-batches-bin";
  CHECK(has(refusal_of(ask)->message, below.string() + ", " + outer.path().string()));
  fs::create_directory(below);
  for (auto const* name : batches) outer.write("cifar-10-batches-bin/"s + name, batch10("\x01"));
  CHECK(ask()[5] == below / "test_batch.bin");
  fs::remove_all(below);

  // The Python version in the place of the binary one.
  auto const python = outer.path() / "cifar-10-batches-py";
  fs::create_directory(python);
  outer.write("cifar-10-batches-py/data_batch_1", "\x80\x02}");
  check_refusal(python, "holds the Python version (expected data_batch_1.bin, ", ask, Exit::missing);
  check_refusal(
      python, "scripts/import cifar10 ", [&] { data_at("cifar10", python).files(); }, Exit::missing);
  fs::create_directory(outer.path() / "train");  // is in many a set
  check_refusal(
      outer.path(), "no file train.bin in this folder", [&] { data_at("cifar100", outer.path()).files(); },
      Exit::missing);
  fs::remove(outer.path() / "train");
  outer.write("train", "\x80\x02}");
  check_refusal(
      outer.path(), "scripts/import cifar100 ", [&] { data_at("cifar100", outer.path()).files(); }, Exit::missing);
}

TEST_CASE("cifar: damaged files are refused or read with the right sizes", "[datasets]") {
  TestFolder const folder;
  auto const content = batch10("\x01\x02\x03");
  fs::path path;
  auto const write = [&](std::string const& bytes) { return path = folder.write("damaged", bytes); };
  int count = 0;
  auto const read = [&] {
    std::vector<std::uint8_t> records;
    count = append_cifar(path, format10, records);
    return records.size() == static_cast<std::size_t>(count) * 3073;
  };
  auto const plain = damage_of(content, write, read);
  CHECK(plain.odd == 0);
  CHECK(plain.cuts >= 200);
  CHECK(plain.cuts_read <= 2);     // only between records
  CHECK(plain.flips_read > 1900);  // pixels carry no check of their own
  auto const zipped = damage_of(gzip(content), write, [&] { return read() && count == 3; });
  CHECK(zipped.odd == 0);
  CHECK(zipped.cuts_read == 0);
  CHECK(zipped.flips_read < 100);  // bytes of the gzip header that say nothing
}
