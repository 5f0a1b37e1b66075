// Tiny ImageNet-200: 64 x 64, the validation part is the test (the part called test has no labels). A label is the rank
// of the class's wnid; wnids.txt has another order.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/files.h"
#include "core/base/text.h"
#include "datasets/formats/image_folder.h"
#include "datasets/formats/refuse_file.h"
#include "datasets/formats/wnids.h"

namespace eexit::data {

namespace {

std::vector<std::string> lines_of(fs::path const& path) {
  auto lines = split(read_file(path), '\n');
  for (auto& line : lines)
    if (line.ends_with('\r')) line.pop_back();
  std::erase(lines, "");
  return lines;
}

void check(fs::path const& dir, std::vector<std::string> const& classes) {
  check_wnids(dir / "train", classes);
  auto const path = dir / "wnids.txt";
  if (!fs::exists(path))
    refuse_file(dir, "no file wnids.txt in this folder", "the folder tiny-imagenet-200", "Name the folder itself",
                Exit::missing);
  auto wnids = lines_of(path);
  std::sort(wnids.begin(), wnids.end());
  if (wnids == classes) return;
  std::vector<std::string> missing;
  std::set_symmetric_difference(wnids.begin(), wnids.end(), classes.begin(), classes.end(),
                                std::back_inserter(missing));
  refuse_file(path,
              fmt::format("names {} classes, train has {}; \"{}\" is in one only", wnids.size(), classes.size(),
                          missing.empty() ? "" : missing.front()),
              "the classes of train", "Unpack the archive again");
}

// val/images/ and, a line a picture, its file, wnid and box.
PictureList annotated(fs::path const& val, std::vector<std::string> const& classes) {
  auto const path = val / "val_annotations.txt";
  if (!fs::exists(path))
    refuse_file(val, "no val_annotations.txt and no class folders", "either of them", "Unpack the archive again",
                Exit::missing);
  std::map<std::string, PictureFile> pictures;
  for (auto& file : pictures_below(val / "images", "")) pictures[file.path] = {"images/" + file.path, file.size};
  std::vector<std::vector<PictureFile>> by_class(classes.size());
  auto const lines = lines_of(path);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto const fields = split(lines[i], '\t');
    auto const refuse = [&](std::string const& found, std::string_view expected) {
      refuse_file(path, fmt::format("line {}: {}", i + 1, found), expected, "Unpack the archive again");
    };
    if (fields.size() < 2) refuse("no tab in it", "file, wnid and box");
    auto const label = std::lower_bound(classes.begin(), classes.end(), fields[1]);
    if (label == classes.end() || *label != fields[1])
      refuse(fmt::format("no class \"{}\" in train", shortened(fields[1], 40)), "a wnid");
    auto const picture = pictures.find(fields[0]);
    if (picture == pictures.end())
      refuse(fmt::format("no picture \"{}\" in images/, or named twice", shortened(fields[0], 60)),
             "each picture once");
    by_class[static_cast<std::size_t>(label - classes.begin())].push_back(picture->second);
    pictures.erase(picture);
  }
  if (!pictures.empty())
    refuse_file(path,
                fmt::format("{} pictures have no line, \"{}\" among them", pictures.size(), pictures.begin()->first),
                "each picture once", "Unpack the archive again");
  for (auto& files : by_class)
    std::sort(files.begin(), files.end(), [](auto const& a, auto const& b) { return a.path < b.path; });
  return labelled(val, classes, by_class);
}

// As it comes, or sorted into class folders as many scripts do; they leave an empty val/images/ behind.
PictureList test_pictures(fs::path const& dir, std::vector<std::string> const& classes) {
  auto const val = dir / "val";
  bool const sorted = std::any_of(classes.begin(), classes.end(),
                                  [&](std::string const& name) { return fs::is_directory(val / name); });
  if (!sorted) return annotated(val, classes);
  if (auto const left = picture_in(val / "images"); !left.empty())
    refuse_file(val, fmt::format("has class folders, but {} is still in images/", left), "one or the other",
                "Sort all pictures, or none");
  return list_pictures(val, classes, (dir / "train").string(), "images");
}

std::vector<std::string> class_names(fs::path const& dir, std::vector<std::string> const& classes) {
  auto names = classes;
  auto const path = dir / "words.txt";
  if (!fs::exists(path)) return names;
  for (auto const& line : lines_of(path)) {
    auto const tab = line.find('\t');
    auto const label = std::lower_bound(classes.begin(), classes.end(), line.substr(0, tab));
    if (tab != line.npos && label != classes.end() && *label == line.substr(0, tab))
      names[static_cast<std::size_t>(label - classes.begin())] = line.substr(tab + 1);
  }
  return names;
}

}  // namespace

DataSource tiny_imagenet(JsonReader& reader) {
  return picture_folder(
      reader,
      {.name = "tiny_imagenet",
       .subfolders = {"tiny-imagenet-200"},
       .layout = "wnids.txt, train/<wnid>/images/ and val/ with val_annotations.txt",
       .form = {.size = 64, .crop = false, .mean = {0.4802, 0.4481, 0.3975}, .deviation = {0.277, 0.269, 0.282}},
       .more_files = {"wnids.txt", "words.txt", "val/val_annotations.txt"},
       .sign =
           [](fs::path const& dir) {
             return fs::exists(dir / "wnids.txt") || fs::exists(dir / "val/val_annotations.txt");
           },
       .check = check,
       .test_pictures = test_pictures,
       .class_names = class_names});
}

}  // namespace eexit::data
