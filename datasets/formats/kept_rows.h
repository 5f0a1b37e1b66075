// Rows kept in a file once they are made, for data sets whose rows take longer to make than to read.
#pragma once

#include <filesystem>
#include <string>

#include "datasets/dataset.h"

namespace eexit {

// The same data set, whose rows are read from the file where they are there, and else made and written to it. The file
// and its folder are made when they are missing. `what` says all that the bytes of rows depend on.
//
// Each row has its place in the file and ends with a digest of `what`, its number and its bytes. All that does not fit
// its digest is made again: a hole, a row cut short by a crash, one that was altered, the rows of something else. So
// no wrong row is ever given, nothing is locked, and threads, processes and hosts may share a file.
//
// RunError, from here and from read(), when the file cannot be opened, read or written.
Dataset with_kept_rows(Dataset, std::filesystem::path const& file, std::string const& what);

}  // namespace eexit
