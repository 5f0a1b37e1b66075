// MATLAB's MAT-file of version 5: numeric arrays, plain or compressed, in either byte order. Read from front to back
// and never held whole: a variable's values go piece by piece to whoever wants them. What is refused is a SpecError as
// refuse_file.h has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace eexit {

// Types that values are stored as, by the format's numbers.
enum class MatStored { int8 = 1, uint8, int16, uint16, int32, uint32, single, real = 9, int64 = 12, uint64 };

struct MatVariable {
  std::string name;
  std::vector<std::uint32_t> dims;  // at least two; the first one's index changes fastest
  MatStored stored = MatStored::uint8;
  std::uint64_t count = 0;  // of values, the product of dims
  std::uint64_t at = 0;     // of the variable in the file
};

// Takes the next values, whole ones, in this machine's byte order.
using MatSink = std::function<void(std::span<std::uint8_t const>)>;

struct MatContent {
  std::vector<std::string> names;  // of all variables
  // Of the file (inflated, when it is gzipped as a whole); "" where it is refused or not asked for.
  std::string md5;
};

// Asks `want` about each numeric array; an empty sink passes over it, and over anything that is no numeric array.
MatContent read_mat5(std::filesystem::path const&, std::function<MatSink(MatVariable const&)> const& want,
                     bool with_md5);

std::size_t bytes_of(MatStored);
std::string name_of(MatStored);

// Appends the values as doubles.
void append_numbers(MatStored, std::span<std::uint8_t const>, std::vector<double>&);

}  // namespace eexit
