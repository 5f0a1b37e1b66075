// Data sets that are held in memory whole: what their readers share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace eexit {

struct Traits {
  ImageShape shape;
  std::vector<float> mean, deviation;
  std::vector<std::string> class_names;
};

// One split as it was read and checked.
struct SplitRows {
  std::vector<int> labels;
  std::vector<std::uint8_t> bytes;             // one record a row
  std::size_t record_bytes = 0, image_at = 0;  // bytes of a record; where in it the image begins
  // Only where they are asked for: sums over all bytes take longer than reading them.
  std::string digest = {};               // SHA-256 of the content
  std::vector<std::string> may_be = {};  // known sets whose files of this split have these digests
};

struct Resident {
  std::function<Traits()> traits;
  std::function<SplitRows(Split, bool with_digest)> rows;
  std::function<std::vector<std::filesystem::path>()> files;
  std::string known_by;         // as in DataSource
  std::function<bool()> begun;  // the same
};

DataSource resident(Resident);

}  // namespace eexit
