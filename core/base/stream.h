// Named random streams: every number drawn is a function of (seed, names), never of what was drawn before or of what
// else exists. That makes resuming and sharing exact.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace eexit {

// First eight bytes of SHA-256 over the seed and the names, each with its length before it (seed,
// lengths and result as eight bytes, little-endian).
std::uint64_t stream_seed(std::uint64_t seed, std::initializer_list<std::string_view> names);

// SplitMix64 (Steele, Lea, Flood 2014): small, fast, the same on every platform.
class Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return std::numeric_limits<std::uint64_t>::max(); }
  double uniform();  // in [0, 1), 53 bits
  int below(int n);  // in [0, n), without bias; n >= 1

 private:
  std::uint64_t state_;
};

void shuffle(std::span<int> values, Random&);  // Fisher-Yates, from the end
std::vector<int> permutation(int n, Random&);

}  // namespace eexit
