#include "datasets/recognise.h"

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

TEST_CASE("recognise: a folder by the names of its files") {
  auto const found = recognise("tests/fixtures/fashion-mnist");
  CHECK(found.name == "fashion_mnist");
  CHECK(found.as_well == std::vector<std::string>{"mnist"});  // a part of the set has a digest that nobody knows
  CHECK(found.facts.labels.size() == 1000);
}

TEST_CASE("recognise: a known content chooses among sets of the same file names", "[data]") {
  fs::path const whole = "/usr/share/datasets/fashion-mnist";
  if (!fs::is_directory(whole)) return;
  auto const found = recognise(whole);
  CHECK(found.name == "fashion_mnist");
  CHECK(found.as_well.empty());
}

TEST_CASE("recognise: a folder of something else") {
  TemporaryFolder const folder;
  write_file(folder.path / "cat.jpg", "x");
  write_file(folder.path / "train-images-idx3-ubyte", "x");
  auto const message = message_of<SpecError>([&] { recognise(folder.path); });
  CHECK(message == folder.path.string() +
                       ": no data set that is known; looked for train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                       "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz (fashion_mnist, mnist); or "
                       "train/<class>/ and val/<class>/ of "
                       "JPEG and PNG pictures (image_folder); or train/<wnid>/ and val/<wnid>/ of Imagenette's ten "
                       "classes (imagenette); or train/<wnid>/ and val/<wnid>/ of pictures (imagenet); or wnids.txt, "
                       "train/<wnid>/images/ and val/ with val_annotations.txt (tiny_imagenet)");
  try {
    recognise(folder.path / "nowhere");
    FAIL("nothing thrown");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
    CHECK(std::string(error.what()).ends_with("nowhere: no such folder"));
  }
}
