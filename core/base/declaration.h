// What a JsonReader was asked for, as data: `eexit list` prints it, `eexit schema` makes JSON Schema of it.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace eexit {

// Inclusive bounds of a number.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

struct Declaration;

// The keys of one object, in the order they were asked for.
struct Declarations {
  std::vector<Declaration> keys;
  std::vector<std::string> only_one_of;  // not empty: the object holds one of these keys and nothing else
  bool whole = false;                    // the reader has said that it asks for no more
};

struct Declaration {
  enum class Type {
    flag,
    integer,
    number,
    text,
    one_of,
    maybe_integer,
    maybe_number,
    number_or_object,
    integers,
    numbers,
    texts,
    object,
    maybe_object,
    objects,
    choice,
    choices,
    raw
  };
  std::string name;
  Type type = Type::raw;
  std::string help = {};
  std::string fallback = {};              // canonical JSON; "": none
  Bounds bounds = {};                     // of the number, or of each in a list
  std::vector<std::string> allowed = {};  // one_of: the values; choice and choices: the names
  Declarations inside = {};               // of an object or a choice (but its name), of a list's first element
};

// One declared key as text, as `eexit list` and the README's reference print it.
struct Field {
  std::string name, type, fallback, allowed, help;  // nested keys as "name.key"
};

std::vector<Field> fields_of(Declarations const&);

// "[1, 65536]", ">= 1", "<= 5" or "".
std::string text_of(Bounds);

}  // namespace eexit
