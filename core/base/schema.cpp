#include "core/base/schema.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace eexit {
namespace {

using Json = nlohmann::ordered_json;
using Type = Declaration::Type;
using Names = std::set<std::string>;

// An object inside a document that is read for its declarations.
struct Place {
  Json document;
  std::string pointer;            // in the document
  std::vector<std::string> keys;  // the same without positions in lists

  // The value of `key`, in a document that has `value` there.
  Place child(std::string const& key, Json const& value) const {
    Place inner = *this;
    inner.pointer += pointer_step(key);
    inner.keys.push_back(key);
    inner.document[Json::json_pointer(inner.pointer)] = value;
    return inner;
  }
  // The first element of the list at `key`.
  Place element(std::string const& key, Json const& value) const {
    Place inner = child(key, Json::array({value}));
    inner.pointer += pointer_step(std::size_t{0});
    return inner;
  }
  // This object with `key` written.
  Place with(std::string const& key, Json const& value) const {
    Place changed = *this;
    changed.document[Json::json_pointer(pointer + pointer_step(key))] = value;
    return changed;
  }
};

Names names_of(Declarations const& declared) {
  Names names;
  for (auto const& key : declared.keys) names.insert(key.name);
  return names;
}

Json bounded(Json schema, Bounds bounds) {
  auto const number = [](double value) {
    return std::abs(value) < 1e15 && value == std::floor(value) ? Json(static_cast<long long>(value)) : Json(value);
  };
  if (std::isfinite(bounds.low)) schema["minimum"] = number(bounds.low);
  if (std::isfinite(bounds.high)) schema["maximum"] = number(bounds.high);
  return schema;
}

Json list_of(Json const& items) { return {{"type", "array"}, {"items", items}}; }

void describe(Json& schema, Declaration const& key) {
  if (!key.help.empty()) schema["description"] = key.help;
  // An empty object says nothing of what absent keys stand for.
  if (!key.fallback.empty() && key.fallback != "{}") schema["default"] = Json::parse(key.fallback);
}

class Maker {
 public:
  explicit Maker(SchemaSource const& source) : source_(source) {}

  std::string run() {
    hoist({}, object({.document = Json::parse(source_.start), .pointer = "", .keys = {}}));
    return definitions_.dump();
  }

 private:
  // What is asked for in the object at `place`.
  Declarations look(Place const& place) const {
    JsonReader reader(place.document.dump(), std::make_shared<Source>());
    try {
      source_.read(reader);
    } catch (SpecError const&) {
      // A document made up from single keys may lack others; what was asked for up to here counts.
    }
    auto declared = reader.declared();
    for (auto const& key : place.keys) {
      auto const& keys = declared.keys;
      auto const found = std::find_if(keys.begin(), keys.end(), [&](auto const& each) { return each.name == key; });
      if (found == keys.end()) return {};
      declared = Declarations(found->inside);
    }
    return declared;
  }

  // Keeps a definition, or finds the equal one that there is; a reference to it.
  Json hoist(std::vector<std::string> const& keys, Json const& schema) {
    auto name = source_.name;
    for (auto const& key : keys) name += "." + key;
    auto const [kept, is_new] = by_text_.emplace(schema.dump(), name);
    if (is_new) definitions_[name] = schema;
    return {{"$ref", "#/definitions/" + kept->second}};
  }

  // A key and a place that makes the reader ask for it.
  struct Found {
    Declaration key;
    Place at;
  };

  static void add(std::vector<Found>& all, Declarations const& declared, Place const& at) {
    for (auto const& key : declared.keys)
      if (std::none_of(all.begin(), all.end(), [&](Found const& found) { return found.key.name == key.name; }))
        all.push_back({key, at});
  }

  // Keys that are asked for under some values of `key` alone: rules that refuse them under the others.
  void look_under(Place const& place, Declaration const& key, Declarations const& base, std::vector<Found>& all,
                  Json& rules) {
    std::vector<Json> values = {true, false};
    if (key.type == Type::one_of) values.assign(key.allowed.begin(), key.allowed.end());
    std::vector<std::pair<Json, Names>> under;
    Names every = names_of(base);
    for (auto const& value : values) {
      auto const at = place.with(key.name, value);
      auto const seen = look(at);
      add(all, seen, at);
      auto const names = names_of(seen);
      every.insert(names.begin(), names.end());
      // A reader that gave up may have had more to ask.
      if (seen.whole) under.emplace_back(value, names);
    }
    for (auto const& [value, names] : under) {
      Json refused = Json::object();
      for (auto const& name : every)
        if (!names.contains(name)) refused[name] = false;
      if (refused.empty()) continue;
      Json when = {{"properties", {{key.name, {{"const", value}}}}}};
      // Left out, the key has its default, unless the object that this one is laid over says otherwise.
      if (source_.partial || value != Json::parse(key.fallback)) when["required"] = Json::array({key.name});
      rules.push_back({{"if", when}, {"then", {{"properties", refused}}}});
    }
  }

  Json object(Place const& place) {
    auto const base = look(place);
    std::vector<Found> all;
    Json rules = Json::array(), one_of = Json::array();
    add(all, base, place);
    for (auto const& name : base.only_one_of) {
      Place only = place;
      only.document[Json::json_pointer(place.pointer)] = {{name, nullptr}};
      add(all, look(only), only);
      one_of.push_back({{"required", Json::array({name})}});
    }
    for (auto const& key : base.keys)
      if (key.type == Type::one_of || key.type == Type::flag) look_under(place, key, base, all, rules);
    Json schema = {{"type", "object"}, {"properties", Json::object()}};
    for (auto const& [key, at] : all) schema["properties"][key.name] = value(at, key);
    if (base.whole) schema["additionalProperties"] = false;
    if (!one_of.empty()) schema["oneOf"] = one_of;
    if (!rules.empty()) schema["allOf"] = rules;
    return schema;
  }

  Json choice(Place const& place, Declaration const& key, std::string const& fallback) {
    Json schema = {{"type", "object"}, {"properties", {{"name", {{"enum", key.allowed}}}}}};
    if (key.allowed.empty()) schema["properties"]["name"] = {{"type", "string"}};
    Json rules = Json::array(), any = Json::array(), nameless;
    for (auto const& name : key.allowed) {
      Place at = place;
      at.document[Json::json_pointer(place.pointer)] = {{"name", name}};
      Json own = object(at);
      Json properties = {{"name", {{"const", name}}}};
      properties.update(own["properties"]);
      own["properties"] = properties;
      auto keys = place.keys;
      keys.push_back(name);
      auto const reference = hoist(keys, own);
      any.push_back(reference);
      if (name == fallback) nameless = reference;
      rules.push_back(
          {{"if", {{"properties", {{"name", {{"const", name}}}}}, {"required", {"name"}}}}, {"then", reference}});
    }
    if (fallback.empty()) schema["required"] = {"name"};
    if (source_.partial) nameless = {{"anyOf", any}};
    if (!fallback.empty() && !nameless.is_null())
      rules.push_back({{"if", {{"not", {{"required", {"name"}}}}}}, {"then", nameless}});
    if (!rules.empty()) schema["allOf"] = rules;
    return schema;
  }

  // The schema of one key's value.
  Json value(Place const& place, Declaration const& key) {
    Json schema = Json::object();
    switch (key.type) {
      case Type::object:
      case Type::maybe_object:
        schema = object(place.child(key.name, inside(place, key, Json::object())));
        describe(schema, key);
        return hoist(place.child(key.name, {}).keys, schema);
      case Type::number_or_object: {
        auto const instead = place.child(key.name, Json::object());
        schema = {{"anyOf", {bounded({{"type", "number"}}, key.bounds), hoist(instead.keys, object(instead))}}};
        break;
      }
      case Type::choice:
        schema = choice(place.child(key.name, {}), key, Json::parse(key.fallback).at("name"));
        describe(schema, key);
        return hoist(place.child(key.name, {}).keys, schema);
      case Type::choices: {
        auto const at = place.element(key.name, {});
        auto const fallback = Json::parse(key.fallback);
        bool const some = !fallback.empty();
        schema = list_of(hoist(at.keys, choice(at, key, some ? fallback.at(0).at("name").get<std::string>() : "")));
        if (some) schema["minItems"] = 1;
        break;
      }
      case Type::objects: {
        auto const at = place.element(key.name, Json::object());
        schema = list_of(hoist(at.keys, object(at)));
        break;
      }
      default:
        schema = plain(key);
    }
    describe(schema, key);
    return schema;
  }

  // What the document has at `key`, where the reader needs something to be there.
  static Json inside(Place const& place, Declaration const& key, Json const& otherwise) {
    Json::json_pointer const at(place.pointer + pointer_step(key.name));
    return place.document.contains(at) && place.document.at(at).is_object() ? place.document.at(at) : otherwise;
  }

  static Json plain(Declaration const& key) {
    switch (key.type) {
      case Type::flag:
        return {{"type", "boolean"}};
      case Type::integer:
        return bounded({{"type", "integer"}}, key.bounds);
      case Type::number:
        return bounded({{"type", "number"}}, key.bounds);
      case Type::text:
        return {{"type", "string"}};
      case Type::one_of:
        return {{"enum", key.allowed}};
      case Type::maybe_integer:
        return bounded({{"type", {"integer", "null"}}}, key.bounds);
      case Type::maybe_number:
        return bounded({{"type", {"number", "null"}}}, key.bounds);
      case Type::integers:
        return list_of(bounded({{"type", "integer"}}, key.bounds));
      case Type::numbers:
        return list_of(bounded({{"type", "number"}}, key.bounds));
      case Type::texts:
        return list_of({{"type", {"string", "integer"}}});
      default:
        return Json::object();  // any value
    }
  }

  SchemaSource const& source_;
  Json definitions_ = Json::object();
  std::map<std::string, std::string> by_text_;  // a definition's text, and its name
};

}  // namespace

std::string schema_definitions(SchemaSource const& source) { return Maker(source).run(); }

}  // namespace eexit
