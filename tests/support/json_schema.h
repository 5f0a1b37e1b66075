// The part of JSON Schema (draft-07) that eexit's own schema uses; a keyword beyond it throws.
#pragma once

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace eexit::test {

class SchemaCheck {
 public:
  explicit SchemaCheck(std::string const& schema) : root_(nlohmann::json::parse(schema)) {}
  bool accepts(std::string const& document) const { return valid(nlohmann::json::parse(document), root_); }

 private:
  using Json = nlohmann::json;

  static bool has_type(Json const& value, std::string const& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    throw std::logic_error("type " + type);
  }

  bool member_valid(std::string const& key, Json const& value, Json const& schema) const {
    bool known = false, good = true;
    if (schema.contains("properties") && schema["properties"].contains(key)) {
      known = true;
      good = valid(value, schema["properties"][key]);
    }
    auto const patterns = schema.value("patternProperties", Json::object());
    for (auto const& [pattern, inner] : patterns.items())
      if (std::regex_search(key, std::regex(pattern))) {
        known = true;
        good = good && valid(value, inner);
      }
    return good && (known || schema.value("additionalProperties", true));
  }

  int matches(Json const& value, Json const& schemas) const {
    int count = 0;
    for (auto const& each : schemas) count += valid(value, each);
    return count;
  }

  bool keyword(std::string const& word, Json const& rule, Json const& value, Json const& schema) const {
    if (word == "type") {
      if (rule.is_string()) return has_type(value, rule);
      for (auto const& each : rule)
        if (has_type(value, each)) return true;
      return false;
    }
    if (word == "const") return value == rule;
    if (word == "enum") return std::count(rule.begin(), rule.end(), value) > 0;
    if (word == "minimum") return !value.is_number() || value.get<double>() >= rule.get<double>();
    if (word == "maximum") return !value.is_number() || value.get<double>() <= rule.get<double>();
    if (word == "pattern") return !value.is_string() || std::regex_search(value.get<std::string>(), std::regex(rule));
    if (word == "minItems") return !value.is_array() || value.size() >= rule.get<std::size_t>();
    if (word == "minProperties") return !value.is_object() || value.size() >= rule.get<std::size_t>();
    if (word == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
        if (!valid(value[i], rule)) return false;
      return true;
    }
    if (word == "required") {
      for (auto const& key : rule)
        if (value.is_object() && !value.contains(key.get<std::string>())) return false;
      return true;
    }
    if (word == "properties" || word == "patternProperties" || word == "additionalProperties") {
      if (!value.is_object()) return true;
      for (auto const& [key, member] : value.items())
        if (!member_valid(key, member, schema)) return false;
      return true;
    }
    if (word == "allOf") return matches(value, rule) == static_cast<int>(rule.size());
    if (word == "anyOf") return matches(value, rule) > 0;
    if (word == "oneOf") return matches(value, rule) == 1;
    if (word == "not") return !valid(value, rule);
    if (word == "if") return !valid(value, rule) || valid(value, schema.at("then"));
    static std::set<std::string> const without_effect = {"$schema", "title",       "description",
                                                         "default", "definitions", "then"};
    if (without_effect.contains(word)) return true;
    throw std::logic_error("keyword " + word);
  }

  bool valid(Json const& value, Json const& schema) const {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref"))
      return valid(value, root_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))));
    for (auto const& [word, rule] : schema.items())
      if (!keyword(word, rule, value, schema)) return false;
    return true;
  }

  Json root_;
};

}  // namespace eexit::test
