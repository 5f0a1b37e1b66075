#include "core/base/sha256.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
using namespace std::string_literals;

namespace {

void write_split(TestFolder const& folder, std::string const& split, std::string const& labels) {
  for (auto const* part : {"train", "test"}) {
    auto const stem = "emnist-" + split + "-" + part;
    folder.write(stem + "-images-idx3-ubyte", idx_images(static_cast<std::uint32_t>(labels.size())));
    folder.write(stem + "-labels-idx1-ubyte.gz", gzip(idx_labels(labels)));
  }
}

std::string with_split(std::string const& split) { return R"(, "split": ")" + split + '"'; }

}  // namespace

TEST_CASE("emnist: images are turned, the split chooses files and classes", "[datasets]") {
  TestFolder const folder;
  write_split(folder, "balanced", "\x00\x2e"s);
  write_split(folder, "byclass", "\x3d");
  auto const source = data_at("emnist", folder.path());
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{1, 28, 28});
  CHECK(facts.classes == 47);
  CHECK(facts.labels == std::vector<int>{0, 46});
  CHECK(facts.class_names[46] == "t");
  CHECK(source.files()[0] == folder.path() / "emnist-balanced-train-images-idx3-ubyte");
  auto const train = source.open(Split::train);
  auto const stored = idx_images(2).substr(16);
  auto const image = image_of(train, 1);
  for (std::size_t row = 0; row < 28; ++row)
    for (std::size_t column = 0; column < 28; ++column)
      REQUIRE(image[row * 28 + column] == static_cast<std::uint8_t>(stored[784 + column * 28 + row]));
  CHECK(train.mean == std::vector<float>{0.1736F});
  CHECK(train.deviation == std::vector<float>{0.3317F});

  auto const byclass = data_at("emnist", folder.path(), with_split("byclass")).facts();
  CHECK(byclass.classes == 62);
  CHECK(byclass.class_names[61] == "z");
  CHECK(byclass.labels == std::vector<int>{61});
  for (auto const& [split, classes] :
       {std::pair{"bymerge"s, 47U}, {"letters"s, 26U}, {"digits"s, 10U}, {"mnist"s, 10U}}) {
    write_split(folder, split, "\x01\x02");
    CHECK(data_at("emnist", folder.path(), with_split(split)).facts().class_names.size() == classes);
  }
  CHECK_THROWS_AS(data_at("emnist", folder.path(), with_split("letter")), SpecError);
}

TEST_CASE("emnist: labels of letters begin with 1", "[datasets]") {
  TestFolder const folder;
  write_split(folder, "letters", "\x01\x1a\x03");
  auto const source = data_at("emnist", folder.path(), with_split("letters"));
  CHECK(source.facts().labels == std::vector<int>{0, 25, 2});
  auto const file = folder.path() / "emnist-letters-train-labels-idx1-ubyte.gz";
  folder.write(file.filename(), gzip(idx_labels("\x01\x00\x03"s)));
  check_refusal(file, "label 0 at index 1 (byte 9) (expected 1 to 26)", [&] { source.facts(); });
  folder.write(file.filename(), gzip(idx_labels("\x1b\x01\x03")));
  check_refusal(file, "label 27 at index 0 (byte 8) (expected 1 to 26)", [&] { source.facts(); });
  check_refusal(
      folder.path(), "no file emnist-balanced-train-images-idx3-ubyte in this folder",
      [&] { data_at("emnist", folder.path()).files(); }, Exit::missing);
}

TEST_CASE("kmnist: the files of MNIST", "[datasets]") {
  TestFolder const folder;
  for (auto const* part : {"train", "t10k"}) {
    folder.write(part + "-images-idx3-ubyte"s, idx_images(2));
    folder.write(part + "-labels-idx1-ubyte"s, idx_labels("\x09\x00"s));
  }
  auto const facts = data_at("kmnist", folder.path()).facts();
  CHECK(facts.labels == std::vector<int>{9, 0});
  CHECK(facts.class_names[9] == "wo");
  CHECK(facts.known == "unknown");
}
