// ImageNet-1k (ILSVRC 2012), or a part of its classes, extracted into one folder a class. A label is the rank of the
// class's wnid; the developer kit counts them otherwise.
#include <fmt/format.h>

#include "datasets/formats/image_folder.h"
#include "datasets/formats/refuse_file.h"
#include "datasets/formats/wnids.h"

namespace eexit::data {

namespace {

void check(std::filesystem::path const& dir, std::vector<std::string> const& classes) {
  check_wnids(dir / "train", classes);
  if (auto const picture = picture_in(dir / "val"); !picture.empty())
    refuse_file(dir / "val", fmt::format("is flat: {} lies in no class folder", picture), "val/<wnid>/ as in train",
                "Sort the pictures into folders by the wnids of a list of validation labels (ids of the developer kit "
                "are not in the order of the wnids)");
}

bool sign(std::filesystem::path const& dir) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(dir / "train", error), end; !error && entry != end;
       entry.increment(error))
    if (is_wnid(entry->path().filename().string())) return true;
  return false;
}

}  // namespace

DataSource imagenet(JsonReader& reader) {
  return picture_folder(reader, {.name = "imagenet",
                                 .subfolders = {"imagenet", "ILSVRC2012"},
                                 .layout = "train/<wnid>/ and val/<wnid>/ of pictures",
                                 .form = {.size = 224, .mean = imagenet_mean, .deviation = imagenet_deviation},
                                 .usual_classes = 1000,
                                 .sign = sign,
                                 .check = check});
}

}  // namespace eexit::data
