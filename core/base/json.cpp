#include "core/base/json.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {
namespace {

using Json = nlohmann::ordered_json;

std::string json_text(std::string_view text) { return Json(text).dump(); }

std::string with_place(std::string const& place, std::string const& what) {
  return place.empty() ? what : place + ": " + what;
}

// Compact, keys sorted, doubles in shortest form.
std::string canonical(Json const& value) {
  if (value.is_number_float()) return shortest(value.get<double>());
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (auto const& element : value) parts.push_back(canonical(element));
    return "[" + join(parts, ",") + "]";
  }
  std::map<std::string, std::string> sorted;
  for (auto const& [key, member] : value.items()) sorted.emplace(key, canonical(member));
  for (auto const& [key, member] : sorted) parts.push_back(json_text(key) + ":" + member);
  return "{" + join(parts, ",") + "}";
}

std::string canonical(double value) {
  if (!std::isfinite(value)) throw std::logic_error("a number that JSON cannot hold was declared as default");
  return shortest(value);
}

std::string canonical(int value) { return std::to_string(value); }
std::string canonical(std::string const& value) { return json_text(value); }

template <class T>
std::string canonical(std::vector<T> const& values) {
  std::vector<std::string> parts;
  for (auto const& value : values) parts.push_back(canonical(value));
  return "[" + join(parts, ",") + "]";
}

std::string found(Json const& value) {
  if (value.is_object()) return ", found an object";
  if (value.is_array()) return ", found a list";
  if (value.is_string()) return ", found " + json_text(shortened(value.get_ref<std::string const&>(), 60));
  return ", found " + value.dump();
}

std::string within(std::string const& kind, Bounds bounds) {
  std::string const range = text_of(bounds);
  if (range.empty()) return "expected " + kind;
  return "expected " + kind + (range.front() == '[' ? " in " : " ") + range;
}

std::string without_effect(std::string const& help) {
  return "has no effect beside the other keys here (" + help + ")";
}

}  // namespace

using Type = Declaration::Type;

struct JsonReader::Node {
  using Shared = std::shared_ptr<Node>;

  // What was asked, and what it was answered: canonical text ("" is left out), a nested object, or a list of them.
  struct Answer {
    Declaration declared;
    std::variant<std::string, Shared, std::vector<Shared>> value;
    bool implied = false;      // the name of a choice: declared by its parent
    Shared instead = nullptr;  // the object that may stand in the place of a number
  };

  Json value;
  std::shared_ptr<Source const> source;
  std::string pointer;
  std::vector<Answer> answers = {};
  std::vector<std::string> only_one_of = {};
  bool whole = false;

  std::string pointer_of(std::string_view key) const { return pointer + pointer_step(key); }

  [[noreturn]] void fail_at(std::string const& at, std::string const& what) const {
    throw SpecError(with_place(source->place(at), what));
  }

  // Declares a key; gives the value written for it, or null.
  Json const* ask(Declaration key) {
    for (auto const& answer : answers)
      if (answer.declared.name == key.name) throw std::logic_error("key \"" + key.name + "\" is asked for twice");
    answers.push_back({std::move(key), {}});
    auto const written = value.find(answers.back().declared.name);
    return written == value.end() ? nullptr : &*written;
  }

  void answer(decltype(Answer::value) given) { answers.back().value = std::move(given); }

  int read_integer(Json const& written, std::string const& at, Bounds bounds) const {
    constexpr Bounds all{std::numeric_limits<int>::min(), std::numeric_limits<int>::max()};
    auto const number = written.is_number_integer() ? written.get<double>() : std::nan("");
    if (number >= std::max(bounds.low, all.low) && number <= std::min(bounds.high, all.high)) return written.get<int>();
    // The width of an int is told only to someone who ran into it.
    if (number < all.low) bounds.low = std::max(bounds.low, all.low);
    if (number > all.high) bounds.high = std::min(bounds.high, all.high);
    fail_at(at, within("an integer", bounds) + found(written));
  }

  double read_number(Json const& written, std::string const& at, Bounds bounds) const {
    auto const number = written.is_number() ? written.get<double>() : std::nan("");
    if (number >= bounds.low && number <= bounds.high) return number;
    fail_at(at, within("a number", bounds) + found(written));
  }

  std::string read_text(Json const& written, std::string const& at) const {
    if (!written.is_string()) fail_at(at, "expected a text" + found(written));
    return written.get<std::string>();
  }

  template <class Read>
  auto read_list(Json const& written, std::string const& at, std::string const& kind, Read read) const {
    if (!written.is_array()) fail_at(at, "expected a list of " + kind + found(written));
    std::vector<decltype(read(written, at))> values;
    for (std::size_t i = 0; i < written.size(); ++i) values.push_back(read(written[i], at + pointer_step(i)));
    return values;
  }

  Shared read_object(Json const& written, std::string const& at) const {
    if (!written.is_object()) fail_at(at, "expected an object" + found(written));
    return std::make_shared<Node>(Node{written, source, at});
  }

  // An object with a name; `written` null stands for an absent one.
  std::pair<std::string, Shared> read_choice(Json const* written, std::string const& at,
                                             std::string const& fallback) const {
    Json const nothing = Json::object();
    Json const& given = written ? *written : nothing;
    std::string example = fallback.empty() ? "..." : fallback;
    if (given.is_string()) example = shortened(given.get_ref<std::string const&>(), 60);
    std::string const expected = "expected an object like {\"name\": " + json_text(example) + "}";
    if (!given.is_object()) fail_at(at, expected + found(given));
    auto const child = std::make_shared<Node>(Node{given, source, at});
    Json const* const name = child->ask({.name = "name", .type = Type::text});
    if (!name && written && fallback.empty()) fail_at(at, expected + ", found no \"name\"");
    std::string const chosen = name ? read_text(*name, child->pointer_of("name")) : fallback;
    child->answer(json_text(chosen));
    child->answers.back().implied = true;
    return {chosen, child};
  }

  std::string resolved() const {
    std::map<std::string, std::string> sorted;
    for (auto const& given : answers) {
      std::string text;
      if (auto const* const plain = std::get_if<std::string>(&given.value)) text = *plain;
      if (auto const* const child = std::get_if<Shared>(&given.value)) text = (*child)->resolved();
      if (auto const* const list = std::get_if<std::vector<Shared>>(&given.value)) {
        std::vector<std::string> parts;
        for (auto const& child : *list) parts.push_back(child->resolved());
        text = "[" + join(parts, ",") + "]";
      }
      if (!text.empty()) sorted.emplace(given.declared.name, text);
    }
    std::vector<std::string> parts;
    for (auto const& [key, text] : sorted) parts.push_back(json_text(key) + ":" + text);
    return "{" + join(parts, ",") + "}";
  }

  Declarations declared() const {
    Declarations all{.keys = {}, .only_one_of = only_one_of, .whole = whole};
    for (auto const& given : answers) {
      if (given.implied) continue;
      all.keys.push_back(given.declared);
      if (auto const* const child = std::get_if<Shared>(&given.value)) all.keys.back().inside = (*child)->declared();
      if (given.instead) all.keys.back().inside = given.instead->declared();
      // The elements of a list are asked the same; the first speaks for all.
      auto const* const list = std::get_if<std::vector<Shared>>(&given.value);
      if (list && !list->empty()) all.keys.back().inside = list->front()->declared();
    }
    return all;
  }
};

JsonReader::JsonReader(std::shared_ptr<Node> node) : node_(std::move(node)) {}

JsonReader::JsonReader(std::string_view text, std::shared_ptr<Source const> source, std::string pointer)
    : node_(std::make_shared<Node>(Node{Json(), std::move(source), std::move(pointer)})) {
  node_->value = Json::parse(text, nullptr, false);
  if (node_->value.is_discarded()) fail("", "expected an object, found text that is not JSON");
  if (!node_->value.is_object()) fail("", "expected an object" + found(node_->value));
}

bool JsonReader::has(std::string_view name) const { return node_->value.contains(name); }

std::vector<std::string> JsonReader::keys() const {
  std::vector<std::string> all;
  for (auto const& [key, value] : node_->value.items()) all.push_back(key);
  return all;
}

bool JsonReader::flag(std::string const& name, bool fallback, std::string const& help) {
  Json const* const written = node_->ask({name, Type::flag, help, fallback ? "true" : "false"});
  if (written && !written->is_boolean()) fail(name, "expected true or false" + found(*written));
  bool const value = written ? written->get<bool>() : fallback;
  node_->answer(value ? "true" : "false");
  return value;
}

int JsonReader::integer(std::string const& name, int fallback, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, Type::integer, help, canonical(fallback), bounds});
  int const value = written ? node_->read_integer(*written, node_->pointer_of(name), bounds) : fallback;
  node_->answer(canonical(value));
  return value;
}

int JsonReader::integer_where(bool applies, std::string const& name, int fallback, Bounds bounds,
                              std::string const& help) {
  if (applies) return integer(name, fallback, bounds, help);
  if (node_->ask({name, Type::integer, help, canonical(fallback), bounds})) fail(name, without_effect(help));
  return fallback;
}

double JsonReader::number(std::string const& name, double fallback, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, Type::number, help, canonical(fallback), bounds});
  double const value = written ? node_->read_number(*written, node_->pointer_of(name), bounds) : fallback;
  node_->answer(canonical(value));
  return value;
}

std::string JsonReader::text(std::string const& name, std::string const& fallback, std::string const& help) {
  Json const* const written = node_->ask({name, Type::text, help, json_text(fallback)});
  std::string const value = written ? node_->read_text(*written, node_->pointer_of(name)) : fallback;
  node_->answer(json_text(value));
  return value;
}

std::string JsonReader::one_of(std::string const& name, std::string const& fallback,
                               std::vector<std::string> const& allowed, std::string const& help) {
  Json const* const written = node_->ask({name, Type::one_of, help, json_text(fallback), {}, allowed});
  std::string value = fallback;
  if (written) {
    bool const known = written->is_string() && std::count(allowed.begin(), allowed.end(), written->get<std::string>());
    if (!known) fail(name, "expected one of " + join(allowed, ", ") + found(*written));
    value = written->get<std::string>();
  }
  node_->answer(json_text(value));
  return value;
}

std::string JsonReader::one_of_where(bool applies, std::string const& name, std::string const& fallback,
                                     std::vector<std::string> const& allowed, std::string const& help) {
  if (applies) return one_of(name, fallback, allowed, help);
  if (node_->ask({name, Type::one_of, help, json_text(fallback), {}, allowed})) fail(name, without_effect(help));
  return fallback;
}

std::string JsonReader::later_text(std::string const& name, std::string const& fallback, std::string const& help) {
  auto value = text(name, fallback, help);
  if (value == fallback) node_->answer("");
  return value;
}

std::string JsonReader::later_one_of(std::string const& name, std::string const& fallback,
                                     std::vector<std::string> const& allowed, std::string const& help) {
  auto value = one_of(name, fallback, allowed, help);
  if (value == fallback) node_->answer("");
  return value;
}

std::vector<double> JsonReader::later_numbers(std::string const& name, Bounds bounds, std::string const& help) {
  auto values = numbers(name, {}, bounds, help);
  if (values.empty()) node_->answer("");
  return values;
}

std::optional<int> JsonReader::maybe_integer(std::string const& name, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, Type::maybe_integer, help, "null", bounds});
  std::optional<int> value;
  if (written && !written->is_null()) value = node_->read_integer(*written, node_->pointer_of(name), bounds);
  node_->answer(value ? canonical(*value) : "null");
  return value;
}

std::optional<double> JsonReader::maybe_number(std::string const& name, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, Type::maybe_number, help, "null", bounds});
  std::optional<double> value;
  if (written && !written->is_null()) value = node_->read_number(*written, node_->pointer_of(name), bounds);
  node_->answer(value ? canonical(*value) : "null");
  return value;
}

JsonReader::Either JsonReader::number_or_object(std::string const& name, std::optional<double> fallback, Bounds bounds,
                                                std::string const& help) {
  auto const shown = fallback ? canonical(*fallback) : "{}";
  Json const* const written = node_->ask({name, Type::number_or_object, help, shown, bounds});
  auto const at = node_->pointer_of(name);
  Json const nothing = Json::object();
  bool const object = written ? written->is_object() : !fallback;
  auto child = node_->read_object(written && object ? *written : nothing, at);
  if (object) {
    node_->answer(child);
    return {std::nullopt, JsonReader(std::move(child))};
  }
  if (written && !written->is_number()) fail(name, within("a number", bounds) + " or an object" + found(*written));
  double const number = written ? node_->read_number(*written, at, bounds) : *fallback;
  node_->answer(canonical(number));
  node_->answers.back().instead = child;
  return {number, JsonReader(std::move(child))};
}

std::vector<int> JsonReader::integers(std::string const& name, std::vector<int> const& fallback, Bounds bounds,
                                      std::string const& help) {
  Json const* const written = node_->ask({name, Type::integers, help, canonical(fallback), bounds});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_integer(value, at, bounds); };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "integers", read) : fallback;
  node_->answer(canonical(values));
  return values;
}

std::vector<double> JsonReader::numbers(std::string const& name, std::vector<double> const& fallback, Bounds bounds,
                                        std::string const& help) {
  Json const* const written = node_->ask({name, Type::numbers, help, canonical(fallback), bounds});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_number(value, at, bounds); };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "numbers", read) : fallback;
  node_->answer(canonical(values));
  return values;
}

std::vector<std::string> JsonReader::texts(std::string const& name, std::vector<std::string> const& fallback,
                                           std::string const& help) {
  Json const* const written = node_->ask({name, Type::texts, help, canonical(fallback)});
  auto const read = [&](Json const& value, std::string const& at) {
    if (value.is_number_integer()) return value.dump();
    if (!value.is_string()) node_->fail_at(at, "expected a text or an integer" + found(value));
    return value.get<std::string>();
  };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "texts", read) : fallback;
  node_->answer(canonical(values));
  return values;
}

JsonReader JsonReader::object(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, Type::object, help, "{}"});
  auto child = node_->read_object(written ? *written : Json::object(), node_->pointer_of(name));
  node_->answer(child);
  return JsonReader(std::move(child));
}

std::vector<JsonReader> JsonReader::objects(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, Type::objects, help, "[]"});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_object(value, at); };
  auto const children = node_->read_list(written ? *written : Json::array(), node_->pointer_of(name), "objects", read);
  node_->answer(children);
  std::vector<JsonReader> readers;
  for (auto const& child : children) readers.push_back(JsonReader(child));
  return readers;
}

std::optional<JsonReader> JsonReader::maybe_object(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, Type::maybe_object, help});
  if (!written) return std::nullopt;
  auto child = node_->read_object(*written, node_->pointer_of(name));
  node_->answer(child);
  return JsonReader(std::move(child));
}

JsonReader::Chosen JsonReader::choice(std::string const& name, std::string const& fallback, std::string const& help,
                                      std::vector<std::string> const& known) {
  std::string const written_out = "{\"name\":" + json_text(fallback) + "}";
  Json const* const written = node_->ask({name, Type::choice, help, written_out, {}, known});
  auto [chosen, child] = node_->read_choice(written, node_->pointer_of(name), fallback);
  node_->answer(child);
  return {chosen, JsonReader(child)};
}

std::vector<JsonReader::Chosen> JsonReader::choices(std::string const& name, std::string const& fallback,
                                                    std::string const& help, std::vector<std::string> const& known) {
  bool const some = !fallback.empty();
  std::string const written_out = some ? "[{\"name\":" + json_text(fallback) + "}]" : "[]";
  Json const* const written = node_->ask({name, Type::choices, help, written_out, {}, known});
  std::string const at = node_->pointer_of(name);
  std::vector<std::pair<std::string, Node::Shared>> read;
  if (!written) {
    if (some) read.push_back(node_->read_choice(nullptr, at + pointer_step(0), fallback));
  } else {
    if (!written->is_array() || (some && written->empty()))
      fail(name, "expected a list like [{\"name\": " + json_text(some ? fallback : "...") + "}]" +
                     (written->is_array() ? ", found an empty one" : found(*written)));
    for (std::size_t i = 0; i < written->size(); ++i)
      read.push_back(node_->read_choice(&(*written)[i], at + pointer_step(i), fallback));
  }
  std::vector<Node::Shared> children;
  std::vector<Chosen> all;
  for (auto const& [chosen, child] : read) {
    children.push_back(child);
    all.push_back({chosen, JsonReader(child)});
  }
  node_->answer(std::move(children));
  return all;
}

std::string JsonReader::only_one_of(std::vector<std::string> const& names) {
  node_->only_one_of = names;
  refuse_others(names);
  if (node_->value.size() != 1)
    fail("", "expected exactly one of " + join(names, ", ") + "; found " + std::to_string(node_->value.size()));
  return node_->value.begin().key();
}

std::string JsonReader::raw(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, Type::raw, help});
  if (!written) return "";
  node_->answer(canonical(*written));
  return written->dump();
}

void JsonReader::done() const {
  std::vector<std::string> known;
  for (auto const& answer : node_->answers) known.push_back(answer.declared.name);
  refuse_others(known);
  node_->whole = true;
}

void JsonReader::refuse_others(std::vector<std::string> const& known) const {
  for (auto const& [key, member] : node_->value.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(key, "unknown key " + json_text(shortened(key, 60)) + nearest_of(key, known));
}

void JsonReader::fail(std::string const& name, std::string const& what) const {
  throw SpecError(with_place(place(name), what));
}

std::string JsonReader::resolved() const { return node_->resolved(); }

Declarations JsonReader::declared() const { return node_->declared(); }

std::string JsonReader::place(std::string_view name) const {
  return node_->source->place(name.empty() ? node_->pointer : node_->pointer_of(name));
}

JsonReader empty_reader() { return JsonReader("{}", std::make_shared<Source const>()); }

}  // namespace eexit
