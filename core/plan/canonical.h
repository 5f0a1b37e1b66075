// Canonical JSON written piece by piece: keys are made of thousands of these texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eexit {

std::string json_text(std::string_view text);
std::string json_text(std::vector<std::string> const& texts);  // a list
std::string json_number(double);                               // 1.0, 0.05, 1e-08
std::string json_number(std::vector<double> const&);           // a list

// An object whose keys are added in sorted order.
class ObjectText {
 public:
  void add(std::string_view key, std::string_view json);
  std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
  std::string last_;
};

}  // namespace eexit
