#include "core/report/axes.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

std::string text_of(Json const& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return shortest(value.get<double>());
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (auto const& part : value) {
    if (part.is_structured()) return value.dump();  // a list of objects has no shorter form
    parts.push_back(text_of(part));
  }
  return join(parts, ";");
}

void collect(Json const& object, std::string const& prefix, Settings& settings) {
  for (auto const& [key, value] : object.items()) {
    if (value.is_object())
      collect(value, prefix + key + ".", settings);
    else
      settings[prefix + key] = text_of(value);
  }
}

}  // namespace

Settings settings_of(std::string const& json, std::string const& where) {
  auto const object = Json::parse(json, nullptr, false);
  if (!object.is_object()) throw RunError(where + ": is damaged, not a JSON object");
  Settings settings;
  collect(object, "", settings);
  return settings;
}

Csv axes_csv(Plan const& plan) {
  std::vector<Settings> all;
  for (auto const& run : plan.runs) all.push_back(settings_of(run.spec.text(), run.id));
  // A setting that a run does not have, such as another schedule's, is "" there.
  std::map<std::string, std::set<std::string>> values;
  auto const of_grid = [&](std::size_t i) { return plan.runs[i].role == Role::run; };
  for (auto const& settings : all)
    for (auto const& [name, value] : settings) values[name];
  for (std::size_t i = 0; i < all.size(); ++i)
    for (auto& [name, seen] : values)
      if (of_grid(i)) seen.insert(all[i].contains(name) ? all[i].at(name) : "");
  Csv csv{.header = {"run"}};
  for (auto const& [name, seen] : values)
    if (seen.size() > 1 && name != "seed") csv.header.push_back(name);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& row = csv.rows.emplace_back(std::vector<std::string>{plan.runs[i].id});
    for (std::size_t c = 1; c < csv.header.size(); ++c) row.push_back(all[i][csv.header[c]]);
  }
  return csv;
}

}  // namespace eexit
