// What all data sets of picture files share: a folder with a tree for training and one for testing, read row by row.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "datasets/formats/class_folders.h"
#include "datasets/formats/resize.h"

namespace eexit {

// ImageNet's constants, of pixels in [0, 1].
inline std::vector<double> const imagenet_mean = {0.485, 0.456, 0.406}, imagenet_deviation = {0.229, 0.224, 0.225};

// How a picture becomes a row.
struct PictureForm {
  int channels = 3, size = 0;
  // crop: the shorter side to size * 256/224 (rounded), then the middle; squash: to size x size whatever the sides are.
  // Pictures of that size already are left as they are by squash.
  bool crop = true;
  Filter filter = Filter::bilinear;
  std::vector<double> mean, deviation;
};

// What the pixels of a row depend on besides its file.
std::string pixels_of(PictureForm const&);

// Reads size, channels, resize and filter, which have defaults in the form given.
PictureForm read_pixels(JsonReader&, PictureForm);

// Pictures read, decoded and resized when rows are asked for; opens no file before.
Dataset picture_dataset(PictureList, int classes, PictureForm const&);

struct PictureSet {
  std::string name;                     // of the plug-in
  std::vector<std::string> subfolders;  // looked for below $EEXIT_DATA, in this order
  std::string layout;                   // of the folder, for messages
  std::string train = "train", test = "val";
  bool splits_named = false;                 // by parameters of these names
  PictureForm form = {};                     // defaults of the parameters
  int usual_classes = 0;                     // another number is said, not refused; 0: any
  std::vector<std::string> more_files = {};  // that say something about labels or names, where they are there

  // Whether a folder that lacks something is this set's; empty: it has a training tree.
  std::function<bool(std::filesystem::path const& dir)> sign = {};

  // All empty: any tree of class folders. They throw SpecErrors.
  std::function<void(std::filesystem::path const& dir, std::vector<std::string> const& classes)> check = {};
  std::function<PictureList(std::filesystem::path const& dir, std::vector<std::string> const& classes)> test_pictures =
      {};
  std::function<std::vector<std::string>(std::filesystem::path const& dir, std::vector<std::string> const& classes)>
      class_names = {};
};

// Reads the parameters and calls done(). Classes are the sorted names of the folders in the training tree. Opening
// reads names and sizes alone. SpecError with Exit::missing when the folder is not found, with Exit::data when it holds
// something else.
DataSource picture_folder(JsonReader&, PictureSet);

}  // namespace eexit
