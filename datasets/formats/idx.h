// The IDX format of MNIST and its likes: big-endian header, unsigned bytes, gzip or plain (told apart by the first
// bytes, not by the name). Files are checked whole; what is refused is a SpecError as refuse_file.h has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace eexit {

struct IdxFile {
  std::filesystem::path path;
  std::string header;               // as in the inflated file
  std::vector<std::uint32_t> dims;  // records, then the shape of one
  std::vector<std::uint8_t> data;   // the records, one after another
  int records() const { return static_cast<int>(dims.at(0)); }
};

// Images of the given size. Checked in this order: a regular file, not empty, magic, header fields, exact size.
IdxFile read_idx_images(std::filesystem::path const&, int height, int width);

// Labels, each checked to be one of `classes` numbers from `first` on. Cheap: reads this file only.
IdxFile read_idx_labels(std::filesystem::path const&, int classes, int first = 0);

// As many labels as images, else SpecError.
void check_same_records(IdxFile const& images, IdxFile const& labels);

// Hex digests of the inflated file, header included. See md5.h for when MD5 is "".
std::string sha256_of(IdxFile const&);
std::string md5_of(IdxFile const&);

}  // namespace eexit
