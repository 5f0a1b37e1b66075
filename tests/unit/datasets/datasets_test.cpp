#include "datasets/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/sha256.h"
#include "datasets/formats/idx.h"
#include "datasets/formats/idx_folder.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/refused.h"

using namespace eexit;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

fs::path fixture() { return fs::path(EEXIT_TESTS_DIR) / "fixtures" / "fashion-mnist"; }

template <class Ask>
std::string missing(Ask ask) {
  try {
    ask();
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "found";
}

void write_small_set(TestFolder const& folder) {
  folder.write("train-images-idx3-ubyte", idx_images(3));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx_labels("\x01\x02\x01")));
  folder.write("t10k-images-idx3-ubyte", idx_images(2));
  folder.write("t10k-labels-idx1-ubyte", idx_labels("\x00\x09"s));
}

}  // namespace

TEST_CASE("the registry ends with what fits any folder, and parameters of all sets are checked", "[datasets]") {
  auto const all = names(datasets());
  CHECK(all.size() >= 2);
  // A folder is recognised as the first set that fits.
  CHECK(all.back() == "image_folder");
  auto const source = std::make_shared<Source const>(Source{"spec.json", {}});
  for (auto const& entry : datasets()) {
    JsonReader reader(R"({"dri": "x"})", source, "/data");
    CHECK_THROWS_AS(entry.make(reader), SpecError);
    JsonReader good(R"({})", source, "/data");
    CHECK_NOTHROW(entry.make(good));
    CHECK(has(good.resolved(), R"("dir":"")"));
  }
}

TEST_CASE("the fixture: 1,000 + 500 images, as many of each class", "[datasets]") {
  auto const source = data_at("fashion_mnist", fixture());
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{1, 28, 28});
  CHECK(facts.classes == 10);
  CHECK(facts.labels.size() == 1000);
  CHECK(facts.test_rows == 500);
  CHECK(facts.known == "unknown");
  CHECK(facts.class_names.size() == 10);
  CHECK(source.files().size() == 4);
  for (auto const& file : source.files()) CHECK(fs::is_regular_file(file));

  auto const train = source.open(Split::train), test = source.open(Split::test);
  CHECK(train.labels == facts.labels);
  CHECK(test.rows() == 500);
  auto const digest_of = [](std::string const& part) {
    return sha256(sha256_of(read_idx_images(fixture() / (part + "-images-idx3-ubyte.gz"), 28, 28)) +
                  sha256_of(read_idx_labels(fixture() / (part + "-labels-idx1-ubyte.gz"), 10)));
  };
  CHECK(facts.identity == sha256(digest_of("train") + digest_of("t10k")));
  for (int label = 0; label < 10; ++label) {
    CHECK(std::count(train.labels.begin(), train.labels.end(), label) == 100);
    CHECK(std::count(test.labels.begin(), test.labels.end(), label) == 50);
  }

  // Rows come in the order asked for, and again when asked again.
  auto const raw = read_idx_images(fixture() / "train-images-idx3-ubyte.gz", 28, 28).data;
  std::vector<int> const rows = {999, 0, 7, 0};
  std::vector<std::uint8_t> out(rows.size() * 784);
  train.read(rows, out.data());
  for (std::size_t i = 0; i < rows.size(); ++i)
    CHECK(std::equal(out.begin() + static_cast<long>(i) * 784, out.begin() + static_cast<long>(i + 1) * 784,
                     raw.begin() + rows[i] * 784));
  CHECK_THROWS_AS(train.read(std::vector<int>{1000}, out.data()), std::logic_error);
  CHECK_THROWS_AS(train.read(std::vector<int>{-1}, out.data()), std::logic_error);

  // The images are what their constants say: close to the mean and deviation of the whole set.
  double sum = 0, squares = 0;
  for (auto const pixel : raw) {
    sum += pixel / 255.0;
    squares += pixel / 255.0 * pixel / 255.0;
  }
  double const n = static_cast<double>(raw.size()), mean = sum / n;
  CHECK(mean == Approx(train.mean.at(0)).margin(0.01));
  CHECK(std::sqrt(squares / n - mean * mean) == Approx(train.deviation.at(0)).margin(0.01));
}

TEST_CASE("identity follows the content, not the packing or the place", "[datasets]") {
  TestFolder const a, b;
  write_small_set(a);
  write_small_set(b);
  b.write("train-labels-idx1-ubyte", idx_labels("\x01\x02\x01"));  // the same, plain
  auto const first = data_at("mnist", a.path()).facts();
  CHECK(first.identity == data_at("mnist", b.path()).facts().identity);
  b.write("train-labels-idx1-ubyte", idx_labels("\x01\x02\x02"));
  CHECK(first.identity != data_at("mnist", b.path()).facts().identity);
  CHECK(first.labels == std::vector<int>{1, 2, 1});
  CHECK(data_at("mnist", a.path()).open(Split::test).labels == std::vector<int>{0, 9});
}

TEST_CASE("counts that differ between files are refused", "[datasets]") {
  TestFolder const folder;
  write_small_set(folder);
  folder.write("t10k-images-idx3-ubyte", idx_images(3));
  auto const source = data_at("mnist", folder.path());
  CHECK_NOTHROW(source.open(Split::train));
  try {
    source.open(Split::test);
    FAIL("read");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::data);
    CHECK(has(error.what(), "3 images but 2 labels"));
  }
  CHECK_THROWS_AS(source.facts(), SpecError);
}

TEST_CASE("a folder that is given is the only one looked in", "[datasets]") {
  TestFolder const folder, good;
  write_small_set(good);
  DataVariable const variable(good.path().string());
  auto const nowhere = folder.path() / "nowhere";
  auto message = missing([&] { data_at("mnist", nowhere).facts(); });
  CHECK(has(message, nowhere.string() + ": no such folder"));
  CHECK(has(message, "/data/dir"));
  message = missing([&] { data_at("mnist", folder.path()).files(); });
  CHECK(has(message, folder.path().string() + ": no file train-images-idx3-ubyte"));
  folder.write("train-images-idx3-ubyte", idx_images(3));
  CHECK(has(missing([&] { data_at("mnist", folder.path()).open(Split::test); }), "no file train-labels-idx1-ubyte"));
  auto const file = folder.write("file", "x");
  CHECK(has(missing([&] { data_at("mnist", file).facts(); }), file.string() + ": is not a folder"));
}

TEST_CASE("$EEXIT_DATA names the folder, or the one above it", "[datasets]") {
  TestFolder const outer;
  fs::create_directory(outer.path() / "mnist");
  DataVariable const variable(outer.path().string());
  auto const source = data_at("mnist", "");
  auto const message = missing([&] { source.facts(); });
  CHECK(has(message, (outer.path() / "mnist").string() + ", " + outer.path().string()));
  CHECK(has(message, "/data/dir"));
  write_small_set(outer);
  CHECK(source.files()[0] == outer.path() / "train-images-idx3-ubyte");
  fs::copy_file(outer.path() / "t10k-labels-idx1-ubyte", outer.path() / "mnist" / "t10k-labels-idx1-ubyte");
  CHECK(has(missing([&] { source.files(); }), "mnist: no file train-images-idx3-ubyte"));
  DataVariable const wrong((outer.path() / "typo").string());
  CHECK(has(missing([&] { data_at("fashion_mnist", "").files(); }), "Correct $EEXIT_DATA"));
}

TEST_CASE("nothing found: one line with the places, the package and the key", "[datasets]") {
  TestFolder const folder;
  DataVariable const variable("");
  auto const ask = [&](std::string const& package) {
    auto reader = data_reader("{}");
    auto const source = idx_folder(reader, {.name = "clothes",
                                            .subfolder = "clothes",
                                            .system_folder = folder.path(),
                                            .package = package,
                                            .shape = {1, 28, 28},
                                            .mean = {0},
                                            .deviation = {1},
                                            .class_names = {"a", "b"}});
    return missing([&] { source.facts(); });
  };
  auto const message = ask("dataset-clothes");
  CHECK(has(message, "clothes: no files in " + folder.path().string() + " (expected "));
  CHECK(has(message, "Install the Debian package dataset-clothes, or name the folder by spec.json /data/dir"));
  CHECK(has(ask(""), "). Name the folder by spec.json /data/dir"));
}

TEST_CASE("Debian's labels are the published ones", "[datasets]") {
  fs::path const folder = "/usr/share/datasets/fashion-mnist";
  auto const digest = [&](char const* name) { return sha256_of(read_idx_labels(folder / name, 10)); };
  if (!fs::exists(folder / "train-labels-idx1-ubyte.gz")) {
    WARN("dataset-fashion-mnist is not installed: its digests are not checked");
    return;
  }
  CHECK(digest("train-labels-idx1-ubyte.gz") == "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9");
  CHECK(digest("t10k-labels-idx1-ubyte.gz") == "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");
}
