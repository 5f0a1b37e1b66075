#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
namespace fs = std::filesystem;

namespace {

// A line of 64 values and a label, as scikit-learn's file has them.
std::string line(int label, int first) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += std::to_string((first + i) % 17) + ",";
  return text + std::to_string(label) + "\n";
}

// Six rows of class 1, ten of class 7, in turn as long as there are both.
std::string file_of_rows() {
  std::string text;
  for (int i = 0; i < 10; ++i) text += (i < 6 ? line(1, 20 + i) : "") + line(7, i);
  return text;
}

}  // namespace

TEST_CASE("digits: every fifth row of each class is for testing", "[datasets]") {
  TestFolder const folder;
  for (bool const zipped : {false, true}) {
    folder.write(zipped ? "digits.csv.gz" : "digits.csv", zipped ? gzip(file_of_rows()) : file_of_rows());
    auto const source = data_at("digits", folder.path());
    auto const facts = source.facts();
    CHECK(facts.shape == ImageShape{1, 8, 8});
    CHECK(facts.labels == std::vector<int>{1, 7, 1, 7, 1, 7, 1, 7, 1, 7, 7, 7, 7});
    CHECK(facts.test_rows == 3);
    CHECK(facts.known == "unknown");
    auto const test = source.open(Split::test);
    CHECK(test.labels == std::vector<int>{1, 7, 7});
    auto const image = image_of(test, 2);  // the tenth of class 7: 9, 10, ...
    CHECK(image[0] == 143);                // 9 / 16 of 255 = 143.4
    CHECK(image[7] == 255);
    CHECK(image[8] == 0);
    if (!zipped) fs::remove(folder.path() / "digits.csv");
  }
}

TEST_CASE("digits: what is wrong with a file is told", "[datasets]") {
  TestFolder const folder;
  auto const good = file_of_rows();
  auto const refused = [&](std::string const& content, std::string const& part) {
    check_refusal(folder.write("digits.csv", content), part, [&] { data_at("digits", folder.path()).facts(); });
  };
  auto const first = line(1, 20).size();
  refused("17" + line(1, 0).substr(1),
          "no value 0 of row 0 at byte 0 (expected lines of 64 values 0 to 16 and a label");
  refused("160" + line(1, 0).substr(1), "no value 0 of row 0 at byte 0");
  refused("a,b\n", "no value 0 of row 0 at byte 0");
  refused("0.0" + line(1, 0).substr(1), "no value 0 of row 0 at byte 0");
  refused(line(1, 20) + line(10, 0), "no label of row 1 at byte " + std::to_string(first + line(10, 0).size() - 3));
  refused(good.substr(0, good.size() - 1), "no label of row 15 at byte ");
  refused(good + "5,6\n", "no value 1 of row 16 at byte " + std::to_string(good.size() + 2));
  refused(good + "\n", "no value 0 of row 16 at byte " + std::to_string(good.size()));
  refused(line(1, 0) + line(2, 0), "2 rows, none of them left for testing (expected five rows of a class at least)");
  check_foreign_formats(
      good, [&](std::string const& content) { return folder.write("digits.csv", content); },
      [&] { data_at("digits", folder.path()).facts(); });
}

TEST_CASE("digits: the package is named when nothing is found", "[datasets]") {
  TestFolder const folder;
  check_refusal(
      folder.path(), "no file digits.csv in this folder", [&] { data_at("digits", folder.path()).files(); },
      Exit::missing);
  if (fs::exists("/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz")) return;
  DataVariable const variable(folder.path().string());
  auto reader = data_reader("{}");
  auto const source = find(datasets(), "data set", "digits", "test").make(reader);
  auto const refusal = refusal_of([&] { source.facts(); });
  REQUIRE(refusal);
  CHECK(refusal->code == Exit::missing);
  CHECK(has(refusal->message, (folder.path() / "digits").string() + ", "));
  CHECK(has(refusal->message, "Install the Debian package python3-sklearn, or name the folder by spec.json /data/dir"));
}

TEST_CASE("digits: scikit-learn's file, where it is installed", "[datasets]") {
  fs::path const folder = "/usr/lib/python3/dist-packages/sklearn/datasets/data";
  if (!fs::exists(folder / "digits.csv.gz")) {
    WARN("python3-sklearn is not installed: its digits are not read");
    return;
  }
  auto const source = data_at("digits", folder);
  auto const facts = source.facts();
  CHECK(facts.known == "digits");
  CHECK(facts.labels.size() == 1442);
  CHECK(facts.test_rows == 355);
  auto const train = source.open(Split::train);
  double sum = 0;
  for (int row = 0; row < train.rows(); ++row)
    for (auto const pixel : image_of(train, row)) sum += pixel / 255.0 / 64 / train.rows();
  CHECK(sum == Approx(train.mean.at(0)).margin(1e-4));
}

TEST_CASE("digits: damaged files are refused or read with the right sizes", "[datasets]") {
  TestFolder const folder;
  auto const content = file_of_rows();
  auto const write = [&](std::string const& bytes) { return folder.write("digits.csv", bytes); };
  auto const read = [&] {
    auto const dataset = data_at("digits", folder.path()).open(Split::train);
    return dataset.rows() >= 1 && image_of(dataset, dataset.rows() - 1).size() == 64;
  };
  auto const plain = damage_of(content, write, read);
  CHECK(plain.odd == 0);
  CHECK(plain.cuts >= 200);
  CHECK(plain.cuts_read <= 16);  // only between rows
  CHECK(plain.flips_read > 100);
  auto const zipped = damage_of(gzip(content), write, read);
  CHECK(zipped.odd == 0);
  CHECK(zipped.cuts_read == 0);
}
