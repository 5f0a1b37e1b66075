// MAT-files of version 5 made by hand, in either byte order.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

struct MatBytes {
  bool big = false;

  std::string number(std::uint64_t value, int bytes) const {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * (big ? bytes - 1 - i : i));
    return text;
  }
  std::string header() const {
    std::string text = "MATLAB 5.0 MAT-file, Platform: GLNXA64";
    text.resize(124, ' ');
    return text + number(0x0100, 2) + (big ? "MI" : "IM");
  }
  // Type, length, data, filled up to eight bytes.
  std::string element(std::uint32_t type, std::string const& data) const {
    auto text = number(type, 4) + number(data.size(), 4) + data;
    return text + std::string((8 - data.size() % 8) % 8, '\0');
  }
  // At most four bytes beside type and length, in eight bytes.
  std::string small_element(std::uint32_t type, std::string const& data) const {
    auto text = number(static_cast<std::uint32_t>(data.size()) << 16 | type, 4) + data;
    return text + std::string(4 - data.size(), '\0');
  }
  // Numbers stored in `width` bytes each.
  std::string values(std::vector<std::uint64_t> const& numbers, int width) const {
    std::string text;
    for (auto const n : numbers) text += number(n, width);
    return text;
  }
  // A numeric array: class (6 double, 9 uint8), dimensions, name, and its data element.
  std::string matrix(unsigned of_class, std::vector<std::uint64_t> const& dims, std::string const& name,
                     std::string const& data) const {
    auto const named = name.size() <= 4 ? small_element(1, name) : element(1, name);
    return element(14, element(6, number(of_class, 4) + number(0, 4)) + element(5, values(dims, 4)) + named + data);
  }
  // Compressed, and not filled up.
  std::string packed(std::string const& matrix_element) const {
    uLongf size = compressBound(matrix_element.size());
    std::string out(size, '\0');
    compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<Bytef const*>(matrix_element.data()),
             matrix_element.size());
    out.resize(size);
    return number(15, 4) + number(size, 4) + out;
  }
};

}  // namespace eexit
