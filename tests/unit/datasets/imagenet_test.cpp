// Sets of pictures with names of their own.
#include <cstdlib>
#include <fstream>
#include <optional>

#include "core/base/error.h"
#include "core/base/files.h"
#include "datasets/dataset.h"
#include "datasets/recognise.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// Nothing is decoded in these tests.
void put(fs::path const& path, std::string const& bytes = "picture") {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

DataSource source_of(std::string const& name, fs::path const& dir) {
  static auto const origin = std::make_shared<Source const>(Source{"spec.json", {}});
  JsonReader reader(R"({"dir": ")" + dir.string() + "\"}", origin, "/data");
  return find(datasets(), "data set", name, "test").make(reader);
}

std::string refusal(std::string const& name, fs::path const& dir) {
  auto const message = message_of<SpecError>([&] { source_of(name, dir).facts(); });
  CHECK(message.find('\n') == message.npos);
  return message;
}

struct Tiny : TemporaryFolder {
  Tiny() {
    for (std::string const wnid : {"n00000001", "n00000002"}) {
      for (int i = 0; i < 3; ++i) put(path / "train" / wnid / "images" / (wnid + "_" + std::to_string(i) + ".JPEG"));
      put(path / "train" / wnid / (wnid + "_boxes.txt"));
    }
    for (int i = 0; i < 4; ++i) put(path / "val/images" / ("val_" + std::to_string(i) + ".JPEG"));
    put(path / "test/images/test_0.JPEG");
    put(path / "wnids.txt", "n00000002\nn00000001\n");
    put(path / "words.txt", "n00000001\tgoldfish, Carassius auratus\nn00000003\tother\n");
    annotate(
        "val_0.JPEG\tn00000002\t0\t0\t9\t9\nval_1.JPEG\tn00000001\t0\t0\t9\t9\n"
        "val_2.JPEG\tn00000002\t0\t0\t9\t9\nval_3.JPEG\tn00000001\t0\t0\t9\t9\n");
  }
  void annotate(std::string const& text) const { put(path / "val/val_annotations.txt", text); }
};

void put_classes(fs::path const& dir, std::vector<std::string> const& names) {
  for (auto const& name : names) {
    put(dir / "train" / name / (name + "_1.JPEG"));
    put(dir / "val" / name / "ILSVRC2012_val_00000001.JPEG");
  }
}

std::vector<std::string> const ten = {"n01440764", "n02102040", "n02979186", "n03000684", "n03028079",
                                      "n03394916", "n03417042", "n03425413", "n03445777", "n03888257"};

}  // namespace

TEST_CASE("Tiny ImageNet: as it comes, and sorted into folders", "[datasets]") {
  Tiny const tiny;
  auto const source = source_of("tiny_imagenet", tiny.path);
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{3, 64, 64});
  CHECK(facts.labels == std::vector<int>{0, 0, 0, 1, 1, 1});
  CHECK(facts.test_rows == 4);
  CHECK(facts.class_names == std::vector<std::string>{"goldfish, Carassius auratus", "n00000002"});
  auto const test = source.open(Split::test);
  CHECK(test.labels == std::vector<int>{0, 0, 1, 1});  // by class: val_1, val_3, val_0, val_2
  CHECK(test.deviation.at(1) == Approx(0.269));
  // Labels are part of the identity.
  tiny.annotate("val_0.JPEG\tn00000001\nval_1.JPEG\tn00000002\nval_2.JPEG\tn00000002\nval_3.JPEG\tn00000001\r\n");
  CHECK(facts.identity != source.facts().identity);

  for (int i = 0; i < 4; ++i) {
    auto const name = "val_" + std::to_string(i) + ".JPEG";
    put(tiny.path / "val" / (i % 2 == 0 ? "n00000002" : "n00000001") / name);
    if (i == 3)
      CHECK(has(refusal("tiny_imagenet", tiny.path), "val: has class folders, but val_3.JPEG is still in images/"));
    fs::remove(tiny.path / "val/images" / name);
  }
  CHECK(source.open(Split::test).labels == std::vector<int>{0, 0, 1, 1});
  put(tiny.path / "val/n00000009/a.JPEG");
  CHECK(has(refusal("tiny_imagenet", tiny.path), "val/n00000009: no class \"n00000009\""));
  remove_tree(tiny.path / "val/n00000009");
  remove_tree(tiny.path / "val/n00000001");
  CHECK(has(refusal("tiny_imagenet", tiny.path), "no folder of the class \"n00000001\""));
}

TEST_CASE("Tiny ImageNet: folders that are refused", "[datasets]") {
  Tiny const tiny;
  auto const annotated = [&](std::string const& text) {
    tiny.annotate(text);
    return refusal("tiny_imagenet", tiny.path);
  };
  CHECK(has(annotated("val_0.JPEG\tn00000003\n"), "line 1: no class \"n00000003\" in train"));
  CHECK(has(annotated("val_0.JPEG\tn00000001\nval_9.JPEG\tn00000001\n"), "line 2: no picture \"val_9.JPEG\""));
  CHECK(has(annotated("val_0.JPEG\tn00000001\nval_0.JPEG\tn00000001\n"), "line 2: no picture \"val_0.JPEG\""));
  CHECK(has(annotated("val_0.JPEG\n"), "line 1: no tab in it"));
  CHECK(has(annotated("val_0.JPEG\tn00000001\n"), "3 pictures have no line, \"val_1.JPEG\" among them"));
  fs::remove(tiny.path / "val/val_annotations.txt");
  CHECK(has(refusal("tiny_imagenet", tiny.path), "no val_annotations.txt and no class folders"));
  put(tiny.path / "wnids.txt", "n00000001\nn00000002\nn00000003\n");
  CHECK(has(refusal("tiny_imagenet", tiny.path), "names 3 classes, train has 2; \"n00000003\" is in one only"));
  fs::remove(tiny.path / "wnids.txt");
  CHECK(has(refusal("tiny_imagenet", tiny.path), "no file wnids.txt"));
}

TEST_CASE("ImageNet: any number of classes, val in folders", "[datasets]") {
  TemporaryFolder const folder;
  put_classes(folder.path, {"n01440764", "n01443537"});
  auto const facts = source_of("imagenet", folder.path).facts();
  CHECK(facts.shape == ImageShape{3, 224, 224});
  CHECK(facts.classes == 2);
  CHECK(facts.test_rows == 2);
  remove_tree(folder.path / "val");
  put(folder.path / "val/ILSVRC2012_val_00000001.JPEG");
  auto const flat = refusal("imagenet", folder.path);
  CHECK(has(flat, "val: is flat: ILSVRC2012_val_00000001.JPEG lies in no class folder"));
  CHECK(has(flat, "Sort the pictures into folders by the wnids"));
  put(folder.path / "train/cats/0.JPEG");
  CHECK(has(refusal("imagenet", folder.path), "train/cats: is no folder of an ImageNet class"));
}

TEST_CASE("Imagenette: ten classes by name", "[datasets]") {
  TemporaryFolder const folder;
  put_classes(folder.path, ten);
  auto const facts = source_of("imagenette", folder.path).facts();
  CHECK(facts.class_names.at(0) == "tench");
  CHECK(facts.class_names.at(9) == "parachute");
  remove_tree(folder.path / "train/n03028079");
  CHECK(has(refusal("imagenette", folder.path), "holds 9 classes, not the ten of Imagenette"));
}

TEST_CASE("sets of pictures are recognised, the particular before the general", "[datasets]") {
  Tiny const tiny;
  CHECK(recognise(tiny.path).name == "tiny_imagenet");
  CHECK(recognise(tiny.path).as_well.empty());
  TemporaryFolder const nette, part, any;
  put_classes(nette.path, ten);
  CHECK(recognise(nette.path).name == "imagenette");
  CHECK(recognise(nette.path).as_well.empty());
  put_classes(part.path, {"n01440764", "n01443537"});
  CHECK(recognise(part.path).name == "imagenet");
  put_classes(any.path, {"cat", "dog"});
  CHECK(recognise(any.path).name == "image_folder");
  CHECK(recognise(any.path).as_well.empty());
  // A name alone makes no Tiny ImageNet of what is whole as something else.
  put(any.path / "wnids.txt", "cat\n");
  CHECK(recognise(any.path).name == "image_folder");
}

TEST_CASE("sets of pictures of which something is missing: the most particular one says it", "[datasets]") {
  auto const refused = [](fs::path const& dir, std::string const& start) {
    auto const message = message_of<SpecError>([&] { recognise(dir); });
    INFO(message);
    CHECK(message.starts_with(dir.string() + start));
  };
  TemporaryFolder const flat, nette, any;
  put_classes(flat.path, {"n01440764", "n01443537"});
  remove_tree(flat.path / "val");
  put(flat.path / "val/ILSVRC2012_val_00000001.JPEG");
  refused(flat.path, "/val: is flat: ILSVRC2012_val_00000001.JPEG lies in no class folder (expected val/<wnid>/");

  Tiny const tiny;
  fs::rename(tiny.path / "wnids.txt", tiny.path / "other.txt");
  refused(tiny.path, ": no file wnids.txt in this folder");
  fs::rename(tiny.path / "other.txt", tiny.path / "wnids.txt");
  fs::remove(tiny.path / "val/val_annotations.txt");
  refused(tiny.path, "/val: no val_annotations.txt and no class folders");
  remove_tree(tiny.path / "val");
  refused(tiny.path, "/val: no such folder (expected wnids.txt, train/<wnid>/images/ and");

  put_classes(nette.path, ten);
  remove_tree(nette.path / "val");
  refused(nette.path, "/val: no such folder (expected train/<wnid>/ and val/<wnid>/ of Imagenette's ten classes");
  put_classes(any.path, {"cat", "dog"});
  remove_tree(any.path / "val/dog");
  refused(any.path, "/val: no folder of the class \"dog\"");
  remove_tree(any.path / "val");
  refused(any.path,
          "/val: no such folder (expected train/<class>/ and val/<class>/ of JPEG and PNG pictures). "
          "Complete the folder, or name another by --data");
}

TEST_CASE("sets of pictures are looked for below $EEXIT_DATA", "[datasets]") {
  TemporaryFolder const above;
  put_classes(above.path / "imagenette2-160", ten);
  std::optional<std::string> old;
  if (char const* value = std::getenv("EEXIT_DATA")) old = value;
  setenv("EEXIT_DATA", above.path.c_str(), 1);
  CHECK(source_of("imagenette", "").facts().classes == 10);
  auto const message = refusal("tiny_imagenet", "");
  CHECK(has(message, "data set tiny_imagenet: no folder " + (above.path / "tiny-imagenet-200").string()));
  CHECK(has(message, "Name the folder by spec.json /data/dir or, from above, by $EEXIT_DATA"));
  if (old)
    setenv("EEXIT_DATA", old->c_str(), 1);
  else
    unsetenv("EEXIT_DATA");
}
