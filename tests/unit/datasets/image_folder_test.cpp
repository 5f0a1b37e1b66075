#include "datasets/formats/image_folder.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "core/base/error.h"
#include "core/base/files.h"
#include "datasets/formats/corruptions.h"
#include "datasets/test_sets.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/datasets/pictures.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// Written without the care of write_file: there are many.
void put(fs::path const& path, std::string const& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

// A picture of one colour in whichever format is there; tests that look at pixels need PNG.
std::string bytes_of(std::uint8_t value) {
  auto const picture = constant_picture(8, 8, {value, value, value});
  return has_png() ? png_bytes(picture) : jpeg_bytes(picture);
}

struct Tree : TemporaryFolder {
  Tree() {
    for (std::string const split : {"train", "val"})
      for (std::string const name : {"cat", "dog"})
        for (int i = 0; i < (split == "train" ? 3 : 2); ++i)
          put(path / split / name / (std::to_string(i) + ".JPEG"), bytes_of(static_cast<std::uint8_t>(name[0] + i)));
  }
};

DataSource source_of(std::string const& name, fs::path const& dir, std::string const& more = "") {
  static auto const origin = std::make_shared<Source const>(Source{"spec.json", {}});
  JsonReader reader(R"({"dir": ")" + dir.string() + "\"" + more + "}", origin, "/data");
  return find(datasets(), "data set", name, "test").make(reader);
}

// The message, which is one line that begins with the path.
std::string refusal(std::string const& name, fs::path const& dir) {
  auto const message = message_of<SpecError>([&] { source_of(name, dir).facts(); });
  CHECK(message.find('\n') == message.npos);
  CHECK(message.starts_with(dir.string()));
  return message;
}

std::vector<std::uint8_t> read(Dataset const& data, std::vector<int> const& rows) {
  std::vector<std::uint8_t> out(rows.size() * static_cast<std::size_t>(data.shape.bytes()));
  data.read(rows, out.data());
  return out;
}

}  // namespace

TEST_CASE("image folder: classes are sorted folders, rows are decoded when asked for", "[datasets]") {
  Tree const tree;
  auto const source = source_of("image_folder", tree.path, R"(, "size": 4)");
  auto const facts = source.facts();
  CHECK(facts.shape == ImageShape{3, 4, 4});
  CHECK(facts.classes == 2);
  CHECK(facts.class_names == std::vector<std::string>{"cat", "dog"});
  CHECK(facts.labels == std::vector<int>{0, 0, 0, 1, 1, 1});
  CHECK(facts.test_rows == 4);
  CHECK(facts.known == "unknown");
  CHECK(facts.identity.starts_with("paths-and-sizes:"));
  CHECK(source.files().size() == 6);
  if (!has_png()) return;
  auto const train = source.open(Split::train);
  CHECK(train.mean.size() == 3);
  auto const out = read(train, {5, 0});
  CHECK(std::count(out.begin(), out.begin() + 48, 'd' + 2) == 48);
  CHECK(std::count(out.begin() + 48, out.end(), 'c') == 48);
  CHECK_THROWS_AS(read(train, {6}), std::logic_error);
  CHECK_THROWS_AS(read(train, {-1}), std::logic_error);

  auto const gray = source_of("image_folder", tree.path, R"(, "size": 4, "channels": 1)").open(Split::test);
  CHECK(gray.shape == ImageShape{1, 4, 4});
  CHECK(gray.rows() == 4);
  CHECK(gray.mean.at(0) == Approx(0.299 * 0.485 + 0.587 * 0.456 + 0.114 * 0.406));
  CHECK(read(gray, {2}) == std::vector<std::uint8_t>(16, 'd'));

  // What is damaged shows when it is read, by name.
  put(tree.path / "train/cat/1.JPEG", bytes_of(9).substr(0, 60));
  CHECK(has(message_of<SpecError>([&] { read(train, {0, 1}); }), (tree.path / "train/cat/1.JPEG").string()));
}

TEST_CASE("image folder: parameters", "[datasets]") {
  Tree const tree;
  auto const refused = [&](std::string const& more) {
    return message_of<SpecError>([&] { source_of("image_folder", tree.path, more); });
  };
  CHECK(has(refused(R"(, "channels": 2)"), "/data/channels: expected 1 or 3"));
  CHECK(has(refused(R"(, "mean": [0.5])"), "/data/mean: expected 3 numbers, one a channel, found 1"));
  CHECK(has(refused(R"(, "deviation": [0, 1, 1])"), "/data/deviation"));
  CHECK(has(refused(R"(, "resize": "stretch")"), "/data/resize"));
  CHECK(has(message_of<SpecError>([&] { source_of("image_folder", "").facts(); }),
            "data set image_folder: no folder named (expected train/<class>/ and val/<class>/ of JPEG and PNG "
            "pictures). Name the folder by spec.json /data/dir"));
  fs::rename(tree.path / "val", tree.path / "check");
  CHECK(has(refusal("image_folder", tree.path), "val: no such folder"));
  CHECK(source_of("image_folder", tree.path, R"(, "test": "check")").facts().test_rows == 4);
}

TEST_CASE("image folder: the identity follows names, sizes and what is made of the pictures", "[datasets]") {
  Tree const tree;
  auto const identity = [&](std::string const& more = "") {
    return source_of("image_folder", tree.path, more).facts().identity;
  };
  auto const first = identity();
  CHECK(first == identity());
  CHECK(first == identity(R"(, "size": 64, "resize": "crop")"));
  for (std::string const more : {R"(, "size": 32)", R"(, "resize": "squash")", R"(, "filter": "bicubic")",
                                 R"(, "channels": 1)", R"(, "mean": [0.5, 0.5, 0.5])"})
    CHECK(first != identity(more));
  put(tree.path / "val/dog/1.JPEG", "another size");
  auto const resized = identity();
  CHECK(first != resized);
  fs::rename(tree.path / "val/dog/1.JPEG", tree.path / "val/dog/2.JPEG");
  CHECK(resized != identity());
  // The same tree in another place, with what its host has put there.
  Tree const other;
  put(other.path / "train/.DS_Store", "x");
  put(other.path / "train/cat/._0.JPEG", "x");
  put(other.path / "train/cat/Thumbs.db", "x");
  put(other.path / "__MACOSX/train/cat/0.JPEG", "x");
  put(other.path / "train/__MACOSX/cat/0.JPEG", "x");
  put(other.path / "train/cat/boxes.txt", "x");
  put(other.path / "val/notes.txt", "x");
  CHECK(first == source_of("image_folder", other.path).facts().identity);
}

TEST_CASE("image folder: trees that are refused", "[datasets]") {
  SECTION("a class that train lacks") {
    Tree const tree;
    put(tree.path / "val/cow/0.JPEG", "x");
    CHECK(has(refusal("image_folder", tree.path), "val/cow: no class \"cow\" in " + (tree.path / "train").string()));
  }
  SECTION("a class that test lacks") {
    Tree const tree;
    remove_tree(tree.path / "val/dog");
    CHECK(has(refusal("image_folder", tree.path), "val: no folder of the class \"dog\""));
  }
  SECTION("an empty class") {
    Tree const tree;
    remove_tree(tree.path / "train/cat");
    put(tree.path / "train/cat/readme.txt", "x");
    CHECK(has(refusal("image_folder", tree.path), "train: no picture of the class \"cat\""));
  }
  SECTION("pictures outside") {
    Tree const tree;
    put(tree.path / "train/0.png", "x");
    CHECK(has(refusal("image_folder", tree.path), "train/0.png: is a picture outside the class folders"));
  }
  SECTION("pictures of another kind") {
    Tree const tree;
    put(tree.path / "train/cat/0.WebP", "x");
    CHECK(has(refusal("image_folder", tree.path), "0.WebP: is named like a picture that is not read"));
  }
  SECTION("no classes") {
    Tree const tree;
    remove_tree(tree.path / "train");
    fs::create_directory(tree.path / "train");
    CHECK(has(refusal("image_folder", tree.path), "train: holds no class folders"));
  }
}

TEST_CASE("image folder: links are followed, but not in circles", "[datasets]") {
  Tree const tree, other;
  // A class and a picture that lie elsewhere.
  remove_tree(tree.path / "train/dog");
  fs::create_directory_symlink(other.path / "train/dog", tree.path / "train/dog");
  fs::create_symlink(other.path / "train/cat/1.JPEG", tree.path / "train/cat/9.JPEG");
  CHECK(source_of("image_folder", tree.path).facts().labels.size() == 7);

  fs::create_directory_symlink(tree.path / "train/cat", tree.path / "train/cat/again");
  CHECK(has(refusal("image_folder", tree.path), "train/cat/again: is a link back to a folder above it"));
  CHECK_THROWS_AS(source_of("image_folder", tree.path).files(), SpecError);
  fs::remove(tree.path / "train/cat/again");
  fs::create_symlink(tree.path / "train/cat/self", tree.path / "train/cat/self");
  CHECK(has(refusal("image_folder", tree.path), "train/cat/self: cannot be read"));
  fs::remove(tree.path / "train/cat/self");
  fs::create_symlink(tree.path / "gone.JPEG", tree.path / "train/cat/8.JPEG");
  CHECK(has(refusal("image_folder", tree.path), "train/cat/8.JPEG: is a link that leads nowhere"));
}

TEST_CASE("image folder: several threads read at once", "[datasets]") {
  if (!has_png() || !has_jpeg()) return;
  TemporaryFolder const folder;
  constexpr int count = 40;
  PictureList list{.root = folder.path, .paths = {}, .labels = {}, .digest = {}};
  for (int i = 0; i < count; ++i) {
    auto const picture = picture_of(3, 20 + i, 60 - i, static_cast<std::uint64_t>(i));
    auto const name = std::to_string(i) + ".JPEG";  // whatever it holds
    put(folder.path / name, i % 2 == 0 ? png_bytes(picture) : jpeg_bytes(picture));
    list.paths.push_back(name);
    list.labels.push_back(0);
  }
  auto const data =
      picture_dataset(list, 1, {.channels = 3, .size = 16, .mean = imagenet_mean, .deviation = imagenet_deviation});
  std::vector<int> rows(count);
  for (int i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = i;
  auto const alone = read(data, rows);
  auto const bytes = static_cast<std::size_t>(data.shape.bytes());
  std::vector<std::uint8_t> together(alone.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < count; i += 4) data.read({&rows[i], 1}, together.data() + i * bytes);
    });
  for (auto& thread : threads) thread.join();
  CHECK(together == alone);
}

TEST_CASE("corruptions: folders of pictures", "[datasets]") {
  TemporaryFolder const folder;
  for (std::string const name : {"fog", "blur"})
    for (int severity = 1; severity <= 5; ++severity)
      put(folder.path / name / std::to_string(severity) / "n01440764/a.JPEG",
          bytes_of(static_cast<std::uint8_t>(severity)));
  CHECK(corruption_trees(folder.path) == std::vector<std::string>{"blur", "fog"});
  auto const list = list_pictures(folder.path / "fog/5", {"n01440764"}, "train");
  CHECK(list.paths == std::vector<std::string>{"n01440764/a.JPEG"});
  if (has_png())
    CHECK(read(picture_dataset(list, 1, {.channels = 3, .size = 2, .crop = false}), {0}) ==
          std::vector<std::uint8_t>(12, 5));
  Choice const extra = {"corruptions", R"({"dir": ")" + folder.path.string() +
                                           R"(", "size": 2, "resize": "squash", "severities": [5, 1]})"};
  auto const sets = look_at_test_sets(extra, {.shape = {3, 2, 2}, .classes = 1});
  REQUIRE(sets.size() == 4);
  CHECK(sets[2].name == "fog/5");
  CHECK(sets[2].rows == 1);
  if (has_png()) CHECK(read(open_test_set(sets[2], 1), {0}) == std::vector<std::uint8_t>(12, 5));
  CHECK(has(message_of<SpecError>([&] {
              look_at_test_sets(extra, {.shape = {3, 2, 2}, .classes = 2});
            }),
            "and 2 classes, as the data trained on has, found 3 x 2 x 2 and 1 classes"));
  remove_tree(folder.path / "fog/4");
  CHECK(has(message_of<SpecError>([&] { corruption_trees(folder.path); }), "fog/4: no such folder"));
}
