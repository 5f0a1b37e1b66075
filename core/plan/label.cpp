#include "core/plan/label.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace eexit {

namespace {

using Json = nlohmann::json;

std::string short_text(Json const& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (auto const& each : value) text += (text.empty() ? "" : "+") + short_text(each);
  return text;
}

}  // namespace

std::string label_of(std::string const& name, JsonReader const& reader, First first,
                     std::vector<std::string> const& not_its_own) {
  Json const resolved = Json::parse(reader.resolved());
  std::string text = name;
  bool is_first = true;
  for (auto const& field : reader.fields()) {
    bool const own = std::find(not_its_own.begin(), not_its_own.end(), field.name) == not_its_own.end();
    if (field.name == "name" || !own || !resolved.contains(field.name)) continue;
    auto const value = short_text(resolved[field.name]);
    bool const changed = value != field.fallback && Json::parse(field.fallback, nullptr, false) != resolved[field.name];
    if (is_first && (first == First::always || changed))
      text += "-" + value;
    else if (!is_first && changed)
      text += "-" + field.name + value;
    is_first = false;
  }
  return text;
}

}  // namespace eexit
