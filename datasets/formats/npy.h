// Arrays in NumPy's .npy format, version 1.0: C order, bytes or 64-bit integers. What is refused is a SpecError of one
// line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace eexit {

struct NpyFile {
  std::filesystem::path path;
  bool bytes = true;                // else little-endian 64-bit integers
  std::vector<std::int64_t> shape;  // at least one dimension
  std::uint64_t start = 0;          // of the data in the file
  std::int64_t rows() const { return shape.front(); }
  std::int64_t row_items() const;
};

// Reads the header and checks it against the size of the file.
NpyFile open_npy(std::filesystem::path const&);

// Rows [first, first + count) of an array of bytes; the rest of the file is not read.
std::vector<std::uint8_t> read_npy_rows(NpyFile const&, std::int64_t first, std::int64_t count);

// Items [first, first + count) of an array of one dimension, of either type.
std::vector<std::int64_t> read_npy_integers(NpyFile const&, std::int64_t first, std::int64_t count);

}  // namespace eexit
