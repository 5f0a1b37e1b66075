#include "core/plan/canonical.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

std::string json_text(std::string_view text) {
  auto const plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), plain)) return nlohmann::json(text).dump();
  std::string all = "\"";
  all += text;
  return all += '"';
}

std::string json_text(std::vector<std::string> const& texts) {
  std::vector<std::string> all;
  for (auto const& text : texts) all.push_back(json_text(text));
  return "[" + join(all, ",") + "]";
}

std::string json_number(double value) { return nlohmann::json(value).dump(); }

std::string json_number(std::vector<double> const& values) {
  std::vector<std::string> all;
  for (double const value : values) all.push_back(json_number(value));
  return "[" + join(all, ",") + "]";
}

void ObjectText::add(std::string_view key, std::string_view json) {
  require(last_ < key, "keys of canonical text are sorted");
  last_ = key;
  text_ += text_.empty() ? "{\"" : ",\"";
  text_ += key;
  text_ += "\":";
  text_ += json;
}

}  // namespace eexit
