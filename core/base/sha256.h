// SHA-256 (FIPS 180-4) by libcrypto.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace eexit {

// 64 lower-case hex digits of the digest of the bytes.
std::string sha256(std::string_view bytes);

// The same over bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::string_view bytes);
  std::string hex();  // call once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace eexit
