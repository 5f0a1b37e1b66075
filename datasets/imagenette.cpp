// Imagenette (fast.ai): ten easy classes of ImageNet, in any of its three sizes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "datasets/formats/image_folder.h"
#include "datasets/formats/refuse_file.h"

namespace eexit::data {

namespace {

struct Class {
  char const *wnid, *name;
};
constexpr std::array ten = {Class{"n01440764", "tench"},           Class{"n02102040", "English springer"},
                            Class{"n02979186", "cassette player"}, Class{"n03000684", "chain saw"},
                            Class{"n03028079", "church"},          Class{"n03394916", "French horn"},
                            Class{"n03417042", "garbage truck"},   Class{"n03425413", "gas pump"},
                            Class{"n03445777", "golf ball"},       Class{"n03888257", "parachute"}};

void check(std::filesystem::path const& dir, std::vector<std::string> const& classes) {
  auto const same = [](std::string const& found, Class const& wanted) { return found == wanted.wnid; };
  if (std::equal(classes.begin(), classes.end(), ten.begin(), ten.end(), same)) return;
  refuse_file(dir / "train", fmt::format("holds {} classes, not the ten of Imagenette", classes.size()),
              fmt::format("folders {} to {}", ten.front().wnid, ten.back().wnid),
              "Complete the folder, or read it as imagenet or image_folder");
}

bool sign(std::filesystem::path const& dir) {
  return std::all_of(ten.begin(), ten.end(),
                     [&](Class const& each) { return std::filesystem::is_directory(dir / "train" / each.wnid); });
}

std::vector<std::string> class_names(std::filesystem::path const&, std::vector<std::string> const&) {
  std::vector<std::string> names;
  for (auto const& each : ten) names.emplace_back(each.name);
  return names;
}

}  // namespace

DataSource imagenette(JsonReader& reader) {
  return picture_folder(reader, {.name = "imagenette",
                                 .subfolders = {"imagenette2", "imagenette2-320", "imagenette2-160"},
                                 .layout = "train/<wnid>/ and val/<wnid>/ of Imagenette's ten classes",
                                 .form = {.size = 224, .mean = imagenet_mean, .deviation = imagenet_deviation},
                                 .sign = sign,
                                 .check = check,
                                 .class_names = class_names});
}

}  // namespace eexit::data
