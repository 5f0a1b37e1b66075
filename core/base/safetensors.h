// The safetensors format as bytes, with a SHA-256 over the whole file in its metadata: a damaged file is refused, never
// loaded wrong. No tensor library here; core/net turns entries into tensors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/files.h"

namespace eexit {

enum class Dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };
std::size_t size_of(Dtype);
std::string_view name_of(Dtype);  // "F32", ...

struct TensorBytes {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // empty: a scalar
  std::string bytes;                // little-endian, row-major, packed
};

struct TensorFile {
  std::map<std::string, TensorBytes> tensors;
  std::map<std::string, std::string> metadata;
};

// The file's bytes. With `digest`, metadata gets "digest": SHA-256 of the file with these 64 digits zeroed.
std::string encode_tensors(TensorFile const&, bool digest = true);

// Checks, in this order: length of the whole file against the header and table, header JSON, offsets contiguous and
// covering the data, then the digest. RunError names `where`, the tensor and what is wrong. `need_digest`: a file
// without one is refused too.
TensorFile decode_tensors(std::string_view bytes, std::string const& where, bool need_digest = true);

void write_tensors(fs::path const&, TensorFile const&);  // atomic, with digest
TensorFile read_tensors(fs::path const&);                // with digest, checked

// One value of any dtype of this struct packed as a tensor of the given shape.
template <class T>
TensorBytes pack(Dtype dtype, std::vector<std::int64_t> shape, std::vector<T> const& values) {
  return {dtype, std::move(shape),
          std::string(reinterpret_cast<char const*>(values.data()), values.size() * sizeof(T))};
}

template <class T>
std::vector<T> unpack(TensorBytes const& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::copy_n(tensor.bytes.data(), values.size() * sizeof(T), reinterpret_cast<char*>(values.data()));
  return values;
}

}  // namespace eexit
