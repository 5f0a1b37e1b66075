// Data sets as bytes read by rows. One file a named set in datasets/, readers of file formats in datasets/formats/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/plan/facts.h"

namespace eexit {

enum class Split { train, test };

// One of the two files of a data set, opened and checked.
struct Dataset {
  ImageShape shape;
  int classes = 0;
  std::vector<int> labels;  // [rows]
  // Writes the rows asked for one after another, each channels x height x width bytes (CHW, 0 = background). Sets that
  // are not held in memory read and decode here, so the caller decides how many rows are at hand at a time. Safe from
  // several threads at once.
  std::function<void(std::span<int const> rows, std::uint8_t* out)> read;
  std::vector<float> mean, deviation;  // [channels], of pixel values scaled to [0, 1]
  int rows() const { return static_cast<int>(labels.size()); }
};

// A data set whose parameters are read but whose files are not opened yet.
struct DataSource {
  std::function<DataFacts()> facts;
  std::function<Dataset(Split)> open;
  // The files that facts() depends on, so that facts can be remembered by path, size and time; folders where facts
  // depend on what lies in them (a picture written anew in its place, without a new name, is not noticed by them).
  std::function<std::vector<std::filesystem::path>()> files;
  std::string known_by;         // names of files that a folder of this set holds, for messages
  std::function<bool()> begun;  // whether the folder that `dir` names has something of this set, if not all
  bool of_pictures = false;     // such sets stand in the list from the particular to the general
};

using DataMaker = DataSource (*)(JsonReader&);
Registry<DataMaker> datasets();

}  // namespace eexit
