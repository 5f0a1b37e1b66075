// The binary version of the CIFAR sets: records of one or two label bytes and 32 x 32 x 3 pixels (CHW), nothing else.
// No magic and no header: the size of a file and its labels are all that there is to check.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace eexit {

struct CifarFormat {
  std::vector<int> classes;                     // of each label byte of a record
  std::map<std::uint64_t, std::string> others;  // sizes of files of other sets, and what these are
  std::string import_name;                      // as scripts/import calls the set
};

// Appends the records of a file, checked whole, and returns their number. Memory: grows with the bytes that are there;
// at most twice the records where they are moved to make room. A gzip stream is given up at 4 GiB.
int append_cifar(std::filesystem::path const&, CifarFormat const&, std::vector<std::uint8_t>& records);

struct CifarSet {
  std::string name;       // of the plug-in
  std::string subfolder;  // looked for below $EEXIT_DATA
  std::vector<std::string> train, test;
  CifarFormat format;
  std::size_t label = 0;                 // which label byte of a record counts
  std::string names_file;                // class names by line, read when it is there
  std::vector<std::string> class_names;  // when it is not; empty: numbers
  std::vector<float> mean, deviation;
  std::string known;                             // name of the set whose files have these MD5 sums; "": none published
  std::vector<std::string> train_md5, test_md5;  // in the order of the files
  std::vector<std::string> python_files;         // of the Python version, which is not read
  std::string python_folder;
};

// Reads the parameter `dir` and calls done(). The folder is looked for as in folder_search.h.
DataSource cifar_folder(JsonReader&, CifarSet);

}  // namespace eexit
