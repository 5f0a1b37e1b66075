// Images spoilt on purpose, in five severities (Hendrycks, Dietterich 2019): arrays as CIFAR-10-C and CIFAR-100-C are,
// or a tree of pictures as ImageNet-C and Tiny ImageNet-C are.
#include "datasets/formats/corruptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/class_folders.h"
#include "datasets/formats/image_folder.h"
#include "datasets/test_sets.h"

namespace eexit::data {

namespace fs = std::filesystem;

namespace {

struct Corruptions {
  fs::path dir;
  std::vector<std::string> wanted;  // empty: all
  std::vector<int> severities;
  PictureForm form;  // of pictures in folders
  std::string place;

  bool arrays() const { return fs::exists(dir / "labels.npy"); }

  // Sorted.
  std::vector<std::string> corruptions() const {
    if (dir.empty()) throw SpecError(place + ": expected the folder of the corrupted images, found none", Exit::data);
    auto const all = arrays() ? corruption_arrays(dir) : corruption_trees(dir);
    if (wanted.empty()) return all;
    for (auto const& name : wanted)
      if (std::find(all.begin(), all.end(), name) == all.end())
        throw SpecError(fmt::format("{}: {}", dir.string(), unknown_name("corruption", name, all)));
    return wanted;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto const& corruption : corruptions())
      for (int const severity : severities) all.push_back(fmt::format("{}/{}", corruption, severity));
    return all;
  }

  PictureList pictures(std::string const& name) const {
    return list_pictures(dir / name, class_folders(dir / name), (dir / name).string());
  }

  std::string identity(std::string const& name, int classes) const {
    if (!arrays()) return sha256(pixels_of(form) + "\n" + pictures(name).digest);
    auto const set = open(name, classes);
    std::vector<int> rows(static_cast<std::size_t>(set.rows()));
    std::iota(rows.begin(), rows.end(), 0);
    std::string pixels(rows.size() * static_cast<std::size_t>(set.shape.bytes()), '\0');
    set.read(rows, reinterpret_cast<std::uint8_t*>(pixels.data()));
    return sha256(sha256(pixels) + join(set.labels, " "));
  }

  Dataset open(std::string const& name, int classes) const {
    if (arrays()) {
      auto const at = name.rfind('/');
      return corruption_array(dir, name.substr(0, at), name.back() - '0', classes);
    }
    return picture_dataset(pictures(name), static_cast<int>(class_folders(dir / name).size()), form);
  }

  std::vector<fs::path> files() const {
    if (!arrays()) return folders_of(dir);
    std::vector<fs::path> all = {dir / "labels.npy"};
    for (auto const& corruption : corruptions()) all.push_back(dir / (corruption + ".npy"));
    return all;
  }
};

}  // namespace

TestSetFamily corruptions(JsonReader& reader) {
  auto const set = std::make_shared<Corruptions>();
  set->dir = reader.text("dir", "", "folder with one .npy file or one folder a corruption");
  set->place = reader.place("dir");
  set->wanted = reader.texts("corruptions", {}, "by name; []: all that are there");
  set->severities = reader.integers("severities", {1, 2, 3, 4, 5}, {1, 5}, "1 is the lightest");
  set->form = read_pixels(reader, {.size = 224});
  reader.done();
  return {.names = [set] { return set->names(); },
          .identity = [set](std::string const& name, int classes) { return set->identity(name, classes); },
          .open = [set](std::string const& name, int classes) { return set->open(name, classes); },
          .files = [set] { return set->files(); }};
}

}  // namespace eexit::data
