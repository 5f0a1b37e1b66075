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
std::string canonical_list(std::vector<T> const& values, char const* separator = ",") {
  std::vector<std::string> parts;
  for (auto const& value : values) parts.push_back(canonical(value));
  return "[" + join(parts, separator) + "]";
}

std::string found(Json const& value) {
  if (value.is_object()) return ", found an object";
  if (value.is_array()) return ", found a list";
  if (value.is_string()) return ", found " + json_text(shortened(value.get_ref<std::string const&>(), 60));
  return ", found " + value.dump();
}

// "[1, 65536]", ">= 1", "<= 5" or "".
std::string show(Bounds bounds) {
  bool const low = std::isfinite(bounds.low), high = std::isfinite(bounds.high);
  if (low && high) return "[" + shortest(bounds.low) + ", " + shortest(bounds.high) + "]";
  if (low) return ">= " + shortest(bounds.low);
  if (high) return "<= " + shortest(bounds.high);
  return "";
}

std::string within(std::string const& kind, Bounds bounds) {
  std::string const range = show(bounds);
  if (range.empty()) return "expected " + kind;
  return "expected " + kind + (range.front() == '[' ? " in " : " ") + range;
}

}  // namespace

std::string pointer_step(std::string_view key) {
  std::string text = "/";
  for (char const c : key) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return text;
}

std::string pointer_step(std::size_t index) { return "/" + std::to_string(index); }

std::string Source::place(std::string_view pointer) const {
  std::string where(pointer);
  // From the whole pointer down to "", cutting one step at a time: the first hit is the longest prefix.
  for (std::string_view prefix = pointer;; prefix = prefix.substr(0, prefix.rfind('/'))) {
    if (auto const known = origin.find(std::string(prefix)); known != origin.end()) {
      where = known->second + std::string(pointer.substr(prefix.size()));
      break;
    }
    if (prefix.find('/') == std::string_view::npos) break;
  }
  if (file.empty() || where.empty()) return file + where;
  return file + " " + where;
}

struct JsonReader::Node {
  using Shared = std::shared_ptr<Node>;

  // What was asked, and what it was answered: canonical text ("" is left out), a nested object, or a list of them.
  struct Answer {
    Field field;
    std::variant<std::string, Shared, std::vector<Shared>> value;
    bool implied = false;      // the name of a choice: declared by its parent
    Shared instead = nullptr;  // the object that may stand in the place of a number
  };

  Json value;
  std::shared_ptr<Source const> source;
  std::string pointer;
  std::vector<Answer> answers = {};

  std::string pointer_of(std::string_view key) const { return pointer + pointer_step(key); }

  [[noreturn]] void fail_at(std::string const& at, std::string const& what) const {
    throw SpecError(with_place(source->place(at), what));
  }

  // Declares a key; gives the value written for it, or null.
  Json const* ask(Field field) {
    for (auto const& answer : answers)
      if (answer.field.name == field.name) throw std::logic_error("key \"" + field.name + "\" is asked for twice");
    answers.push_back({std::move(field), {}});
    auto const written = value.find(answers.back().field.name);
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
    Json const* const name = child->ask({"name", "text", json_text(fallback), "", ""});
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
      if (!text.empty()) sorted.emplace(given.field.name, text);
    }
    std::vector<std::string> parts;
    for (auto const& [key, text] : sorted) parts.push_back(json_text(key) + ":" + text);
    return "{" + join(parts, ",") + "}";
  }

  void append_fields(std::vector<Field>& all, std::string const& prefix) const {
    for (auto const& given : answers) {
      if (given.implied) continue;
      Field field = given.field;
      field.name = prefix + field.name;
      all.push_back(field);
      if (auto const* const child = std::get_if<Shared>(&given.value)) (*child)->append_fields(all, field.name + ".");
      if (given.instead) given.instead->append_fields(all, field.name + ".");
      // The elements of a list are asked the same; the first speaks for all.
      auto const* const list = std::get_if<std::vector<Shared>>(&given.value);
      if (list && !list->empty()) list->front()->append_fields(all, field.name + ".");
    }
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
  Json const* const written = node_->ask({name, "flag", fallback ? "true" : "false", "", help});
  if (written && !written->is_boolean()) fail(name, "expected true or false" + found(*written));
  bool const value = written ? written->get<bool>() : fallback;
  node_->answer(value ? "true" : "false");
  return value;
}

int JsonReader::integer(std::string const& name, int fallback, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, "integer", canonical(fallback), show(bounds), help});
  int const value = written ? node_->read_integer(*written, node_->pointer_of(name), bounds) : fallback;
  node_->answer(canonical(value));
  return value;
}

double JsonReader::number(std::string const& name, double fallback, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, "number", canonical(fallback), show(bounds), help});
  double const value = written ? node_->read_number(*written, node_->pointer_of(name), bounds) : fallback;
  node_->answer(canonical(value));
  return value;
}

std::string JsonReader::text(std::string const& name, std::string const& fallback, std::string const& help) {
  Json const* const written = node_->ask({name, "text", json_text(fallback), "", help});
  std::string const value = written ? node_->read_text(*written, node_->pointer_of(name)) : fallback;
  node_->answer(json_text(value));
  return value;
}

std::string JsonReader::one_of(std::string const& name, std::string const& fallback,
                               std::vector<std::string> const& allowed, std::string const& help) {
  Json const* const written = node_->ask({name, "one of", json_text(fallback), join(allowed, ", "), help});
  std::string value = fallback;
  if (written) {
    bool const known = written->is_string() && std::count(allowed.begin(), allowed.end(), written->get<std::string>());
    if (!known) fail(name, "expected one of " + join(allowed, ", ") + found(*written));
    value = written->get<std::string>();
  }
  node_->answer(json_text(value));
  return value;
}

std::optional<int> JsonReader::maybe_integer(std::string const& name, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, "integer or null", "null", show(bounds), help});
  std::optional<int> value;
  if (written && !written->is_null()) value = node_->read_integer(*written, node_->pointer_of(name), bounds);
  node_->answer(value ? canonical(*value) : "null");
  return value;
}

std::optional<double> JsonReader::maybe_number(std::string const& name, Bounds bounds, std::string const& help) {
  Json const* const written = node_->ask({name, "number or null", "null", show(bounds), help});
  std::optional<double> value;
  if (written && !written->is_null()) value = node_->read_number(*written, node_->pointer_of(name), bounds);
  node_->answer(value ? canonical(*value) : "null");
  return value;
}

JsonReader::Either JsonReader::number_or_object(std::string const& name, std::optional<double> fallback, Bounds bounds,
                                                std::string const& help) {
  auto const shown = fallback ? canonical(*fallback) : "{}";
  Json const* const written = node_->ask({name, "number or object", shown, show(bounds), help});
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
  Json const* const written =
      node_->ask({name, "list of integers", canonical_list(fallback, ", "), show(bounds), help});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_integer(value, at, bounds); };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "integers", read) : fallback;
  node_->answer(canonical_list(values));
  return values;
}

std::vector<double> JsonReader::numbers(std::string const& name, std::vector<double> const& fallback, Bounds bounds,
                                        std::string const& help) {
  Json const* const written = node_->ask({name, "list of numbers", canonical_list(fallback, ", "), show(bounds), help});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_number(value, at, bounds); };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "numbers", read) : fallback;
  node_->answer(canonical_list(values));
  return values;
}

std::vector<std::string> JsonReader::texts(std::string const& name, std::vector<std::string> const& fallback,
                                           std::string const& help) {
  Json const* const written = node_->ask({name, "list of texts", canonical_list(fallback, ", "), "", help});
  auto const read = [&](Json const& value, std::string const& at) {
    if (value.is_number_integer()) return value.dump();
    if (!value.is_string()) node_->fail_at(at, "expected a text or an integer" + found(value));
    return value.get<std::string>();
  };
  auto const values = written ? node_->read_list(*written, node_->pointer_of(name), "texts", read) : fallback;
  node_->answer(canonical_list(values));
  return values;
}

JsonReader JsonReader::object(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, "object", "{}", "", help});
  auto child = node_->read_object(written ? *written : Json::object(), node_->pointer_of(name));
  node_->answer(child);
  return JsonReader(std::move(child));
}

std::vector<JsonReader> JsonReader::objects(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, "list of objects", "[]", "", help});
  auto const read = [&](Json const& value, std::string const& at) { return node_->read_object(value, at); };
  auto const children = node_->read_list(written ? *written : Json::array(), node_->pointer_of(name), "objects", read);
  node_->answer(children);
  std::vector<JsonReader> readers;
  for (auto const& child : children) readers.push_back(JsonReader(child));
  return readers;
}

JsonReader::Chosen JsonReader::choice(std::string const& name, std::string const& fallback, std::string const& help) {
  std::string const shown = "{\"name\": " + json_text(fallback) + "}";
  Json const* const written = node_->ask({name, "choice", shown, "", help});
  auto [chosen, child] = node_->read_choice(written, node_->pointer_of(name), fallback);
  node_->answer(child);
  return {chosen, JsonReader(child)};
}

std::vector<JsonReader::Chosen> JsonReader::choices(std::string const& name, std::string const& fallback,
                                                    std::string const& help) {
  std::string const shown = "[{\"name\": " + json_text(fallback) + "}]";
  Json const* const written = node_->ask({name, "list of choices", shown, "", help});
  std::string const at = node_->pointer_of(name);
  std::vector<std::pair<std::string, Node::Shared>> read;
  if (!written) {
    read.push_back(node_->read_choice(nullptr, at + pointer_step(0), fallback));
  } else {
    if (!written->is_array() || written->empty())
      fail(name, "expected a list like " + shown + (written->is_array() ? ", found an empty one" : found(*written)));
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

std::string JsonReader::raw(std::string const& name, std::string const& help) {
  Json const* const written = node_->ask({name, "any", "", "", help});
  if (!written) return "";
  node_->answer(canonical(*written));
  return written->dump();
}

void JsonReader::done() const {
  std::vector<std::string> known;
  for (auto const& answer : node_->answers) known.push_back(answer.field.name);
  for (auto const& [key, member] : node_->value.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      node_->fail_at(node_->pointer_of(key), "unknown key " + json_text(shortened(key, 60)) + nearest_of(key, known));
}

void JsonReader::fail(std::string const& name, std::string const& what) const {
  throw SpecError(with_place(place(name), what));
}

std::string JsonReader::resolved() const { return node_->resolved(); }

std::vector<Field> JsonReader::fields() const {
  std::vector<Field> all;
  node_->append_fields(all, "");
  return all;
}

std::string JsonReader::place(std::string_view name) const {
  return node_->source->place(name.empty() ? node_->pointer : node_->pointer_of(name));
}

JsonReader empty_reader() { return JsonReader("{}", std::make_shared<Source const>()); }

}  // namespace eexit
