#include "core/base/stream.h"

#include <charconv>
#include <numeric>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "core/base/sha256.h"

namespace eexit {
namespace {

void append_little_endian(std::string& bytes, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>((value >> shift) & 0xFF);
}

}  // namespace

std::uint64_t stream_seed(std::uint64_t seed, std::initializer_list<std::string_view> names) {
  std::string bytes;
  append_little_endian(bytes, seed);
  for (auto const name : names) {
    append_little_endian(bytes, name.size());
    bytes += name;
  }
  std::string const hex = sha256(bytes);
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) {
    unsigned byte = 0;
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, byte, 16);
    value = value << 8 | byte;
  }
  return value;
}

std::uint64_t Random::operator()() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double Random::uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

int Random::below(int n) {
  require(n >= 1, "Random::below needs n >= 1");
  auto const range = static_cast<std::uint64_t>(n);
  // The lowest 2^64 mod n values are drawn again: what is left is a whole multiple of n.
  std::uint64_t const skipped = (0 - range) % range;
  std::uint64_t value = (*this)();
  while (value < skipped) value = (*this)();
  return static_cast<int>(value % range);
}

void shuffle(std::span<int> values, Random& random) {
  require(values.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "too many values to shuffle");
  for (int last = static_cast<int>(values.size()) - 1; last > 0; --last)
    std::swap(values[static_cast<std::size_t>(last)], values[static_cast<std::size_t>(random.below(last + 1))]);
}

std::vector<int> permutation(int n, Random& random) {
  require(n >= 0, "permutation needs n >= 0");
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  shuffle(values, random);
  return values;
}

}  // namespace eexit
