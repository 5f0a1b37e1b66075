#include "datasets/recognise.h"

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/datasets/idx_bytes.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

TEST_CASE("recognise: a folder by the names of its files", "[datasets]") {
  auto const found = recognise("tests/fixtures/fashion-mnist");
  CHECK(found.name == "fashion_mnist");
  CHECK(found.as_well ==
        std::vector<std::string>{"kmnist", "mnist"});  // a part of the set has a digest that nobody knows
  CHECK(found.facts.labels.size() == 1000);
}

TEST_CASE("recognise: a known content chooses among sets of the same file names", "[datasets]") {
  fs::path const whole = "/usr/share/datasets/fashion-mnist";
  if (!fs::is_directory(whole)) return;
  auto const found = recognise(whole);
  CHECK(found.name == "fashion_mnist");
  CHECK(found.as_well.empty());
}

TEST_CASE("recognise: a set whose parameter chooses the files", "[datasets]") {
  TestFolder const folder;
  for (auto const* part : {"emnist-letters-train", "emnist-letters-test"}) {
    folder.write(part + std::string("-images-idx3-ubyte"), idx_images(2));
    folder.write(part + std::string("-labels-idx1-ubyte"), idx_labels("\x01\x1a"));
  }
  auto const found = recognise(folder.path());
  CHECK(found.name == "emnist");
  CHECK(found.parameters == std::map<std::string, std::string>{{"split", "letters"}});
  CHECK(found.facts.labels == std::vector<int>{0, 25});
  CHECK(found.as_well.empty());
}

TEST_CASE("recognise: a set by its defaults, though another value would fit too", "[datasets]") {
  TestFolder const folder;
  std::string const record = std::string(1, '\x01') + std::string(3073, '\x02');
  folder.write("train.bin", record);
  folder.write("test.bin", record);
  auto const found = recognise(folder.path());
  CHECK(found.name == "cifar100");
  CHECK(found.parameters.empty());
  CHECK(found.facts.labels == std::vector<int>{2});
}

TEST_CASE("recognise: a set of which something is missing says it itself", "[datasets]") {
  TestFolder const idx, letters, python;
  auto const refused = [](TestFolder const& folder, std::string const& name) {
    folder.write(name, "x");
    return message_of<SpecError>([&] { recognise(folder.path()); });
  };
  // Three sets of the same names say the same.
  CHECK(refused(idx, "train-images-idx3-ubyte") ==
        idx.path().string() +
            ": no file train-labels-idx1-ubyte in this folder (expected train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz). Add the "
            "file, or name another folder by --data");
  CHECK(refused(letters, "emnist-letters-train-images-idx3-ubyte.gz")
            .starts_with(letters.path().string() + ": no file emnist-letters-train-labels-idx1-ubyte in this folder"));
  CHECK(refused(python, "data_batch_1").starts_with(python.path().string() + ": holds the Python version"));
  // Two sets that lack something: which was meant?
  CHECK(refused(python, "train_32x32.mat").starts_with(python.path().string() + ": no data set that is known; "));
  // One that is whole.
  std::string const record = std::string(1, '\x01') + std::string(3073, '\x02');
  python.write("train.bin", record);
  python.write("test.bin", record);
  CHECK(recognise(python.path()).name == "cifar100");
}

TEST_CASE("recognise: a folder of something else", "[datasets]") {
  TemporaryFolder const folder;
  write_file(folder.path / "cat.jpg", "x");
  auto const message = message_of<SpecError>([&] { recognise(folder.path); });
  CHECK(message.starts_with(folder.path.string() + ": no data set that is known; looked for "));
  CHECK(message.find("train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
                     "t10k-labels-idx1-ubyte, each plain or .gz (fashion_mnist, ") != message.npos);
  try {
    recognise(folder.path / "nowhere");
    FAIL("nothing thrown");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
    CHECK(std::string(error.what()).ends_with("nowhere: no such folder"));
  }
}
