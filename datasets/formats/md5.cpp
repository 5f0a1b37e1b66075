#include "datasets/formats/md5.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace eexit {

struct Md5::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr);
};

Md5::Md5() : state_(std::make_unique<State>()) {}
Md5::~Md5() = default;

void Md5::add(std::string_view bytes) {
  state_->good = state_->good && EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Md5::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  if (!state_->good || !EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &length)) return "";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

}  // namespace eexit
