#include "core/base/declaration.h"

#include <cmath>

#include "core/base/text.h"

namespace eexit {
namespace {

char const* text_of(Declaration::Type type) {
  using Type = Declaration::Type;
  switch (type) {
    case Type::flag:
      return "flag";
    case Type::integer:
      return "integer";
    case Type::number:
      return "number";
    case Type::text:
      return "text";
    case Type::one_of:
      return "one of";
    case Type::maybe_integer:
      return "integer or null";
    case Type::maybe_number:
      return "number or null";
    case Type::number_or_object:
      return "number or object";
    case Type::integers:
      return "list of integers";
    case Type::numbers:
      return "list of numbers";
    case Type::texts:
      return "list of texts";
    case Type::object:
      return "object";
    case Type::maybe_object:
      return "object or absent";
    case Type::objects:
      return "list of objects";
    case Type::choice:
      return "choice";
    case Type::choices:
      return "list of choices";
    case Type::raw:
      break;
  }
  return "any";
}

// Compact JSON with a space after each comma and colon.
std::string spaced(std::string const& json) {
  std::string text;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    text += json[i];
    if (quoted && json[i] == '\\')
      text += json[++i];
    else if (json[i] == '"')
      quoted = !quoted;
    else if (!quoted && (json[i] == ',' || json[i] == ':'))
      text += ' ';
  }
  return text;
}

void append(std::vector<Field>& all, Declarations const& declared, std::string const& prefix) {
  for (auto const& key : declared.keys) {
    auto const allowed = key.allowed.empty() ? text_of(key.bounds) : join(key.allowed, ", ");
    all.push_back({prefix + key.name, text_of(key.type), spaced(key.fallback), allowed, key.help});
    append(all, key.inside, prefix + key.name + ".");
  }
}

}  // namespace

std::vector<Field> fields_of(Declarations const& declared) {
  std::vector<Field> all;
  append(all, declared, "");
  return all;
}

std::string text_of(Bounds bounds) {
  bool const low = std::isfinite(bounds.low), high = std::isfinite(bounds.high);
  if (low && high) return "[" + shortest(bounds.low) + ", " + shortest(bounds.high) + "]";
  if (low) return ">= " + shortest(bounds.low);
  if (high) return "<= " + shortest(bounds.high);
  return "";
}

}  // namespace eexit
