// MD5 by libcrypto. It only names known sets, for many of which nothing better is published.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace eexit {

class Md5 {
 public:
  Md5();
  ~Md5();
  void add(std::string_view bytes);
  std::string hex();  // call once, at the end; "" where libcrypto refuses MD5

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace eexit
