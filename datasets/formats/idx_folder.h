// What Fashion-MNIST, MNIST and their likes share: a folder of four IDX files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace eexit {

struct IdxSet {
  std::string name;                     // of the plug-in
  std::string subfolder;                // looked for below $EEXIT_DATA
  std::filesystem::path system_folder;  // looked in last; empty: none
  std::string package;                  // the Debian package that fills system_folder
  ImageShape shape;
  std::vector<float> mean, deviation;
  std::vector<std::string> class_names;
  // Names of the files: train images, train labels, test images, test labels.
  std::vector<std::string> stems = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                    "t10k-labels-idx1-ubyte"};
  int first_label = 0;      // the file's label of the first class
  bool transposed = false;  // the file has columns where rows belong
};

// Reads the parameter `dir` and calls done(). The folder is looked for when the source is asked: `dir` if given and
// nowhere else; $EEXIT_DATA (its subfolder, then itself); the system folder. SpecError with Exit::missing when there is
// none, or when a file is missing from it.
DataSource idx_folder(JsonReader&, IdxSet);

}  // namespace eexit
