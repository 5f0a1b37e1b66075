// Strict reading of JSON into typed values. A JsonReader is asked for each key once, with default, bounds and help on
// one line; what it was asked is the declaration that `eexit list` prints, and what it answered is the resolved form.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/declaration.h"

namespace eexit {

// Parses JSON text strictly: UTF-8, at most 1 MiB, depth at most 32, no duplicate key, no comment, no NaN or Infinity,
// nothing after the value. Returns it in compact form, keys in the order written. Throws SpecError naming file, JSON
// pointer (or line and byte in it, both from 1) and what was found.
std::string strict_json(std::string_view text, std::string const& file);

// One step of a JSON pointer (RFC 6901): "/" and the key with ~ and / escaped, or "/" and the index.
std::string pointer_step(std::string_view key);
std::string pointer_step(std::size_t index);

// Where values come from: the file, and for a document put together from parts, the pointer in the file that each
// pointer in the document was taken from. The longest matching prefix counts.
struct Source {
  std::string file;
  std::map<std::string, std::string> origin;
  std::string place(std::string_view pointer) const;  // "spec.json /grid/regime/2/name"
};

// Reads one JSON object. Copies share what was read, so a child's answers show in its parent's resolved form.
// Every reading function throws SpecError "<file> <pointer>: expected ..., found ..." on a wrong type or a value out of
// bounds, and std::logic_error when the same key is asked for twice.
class JsonReader {
 public:
  // `text` must be strict JSON (see strict_json) holding an object; `pointer` is its place in the document.
  JsonReader(std::string_view text, std::shared_ptr<Source const> source, std::string pointer = "");

  bool has(std::string_view name) const;  // the key is written in the document
  std::vector<std::string> keys() const;  // those written, in order; for objects whose keys are names of something else

  bool flag(std::string const& name, bool fallback, std::string const& help);
  int integer(std::string const& name, int fallback, Bounds, std::string const& help);
  // integer and one_of for a key that means nothing beside the others' values unless `applies`: declared either way;
  // where it does not apply it may not be written and is no part of the resolved form.
  int integer_where(bool applies, std::string const& name, int fallback, Bounds, std::string const& help);
  std::string one_of_where(bool applies, std::string const& name, std::string const& fallback,
                           std::vector<std::string> const& allowed, std::string const& help);
  double number(std::string const& name, double fallback, Bounds, std::string const& help);
  std::string text(std::string const& name, std::string const& fallback, std::string const& help);
  std::string one_of(std::string const& name, std::string const& fallback, std::vector<std::string> const& allowed,
                     std::string const& help);
  // The same for a key that came when specs without it had been run: its fallback is no part of the resolved form, so
  // that theirs stays what it was.
  std::string later_text(std::string const& name, std::string const& fallback, std::string const& help);
  std::string later_one_of(std::string const& name, std::string const& fallback,
                           std::vector<std::string> const& allowed, std::string const& help);
  std::vector<double> later_numbers(std::string const& name, Bounds, std::string const& help);   // fallback: none
  std::optional<int> maybe_integer(std::string const& name, Bounds, std::string const& help);    // null or absent: none
  std::optional<double> maybe_number(std::string const& name, Bounds, std::string const& help);  // null or absent: none

  // A number, or an object in its place: then the number is none. Absent without a fallback stands for {}. The object
  // is there to be asked in either case, so that its keys are declared.
  struct Either;
  Either number_or_object(std::string const& name, std::optional<double> fallback, Bounds, std::string const& help);
  std::vector<int> integers(std::string const& name, std::vector<int> const& fallback, Bounds, std::string const& help);
  std::vector<double> numbers(std::string const& name, std::vector<double> const& fallback, Bounds,
                              std::string const& help);
  // Strings, or integers taken as their decimal text (a placement may name the stem or count blocks).
  std::vector<std::string> texts(std::string const& name, std::vector<std::string> const& fallback,
                                 std::string const& help);

  JsonReader object(std::string const& name, std::string const& help);                       // absent: an empty object
  std::optional<JsonReader> maybe_object(std::string const& name, std::string const& help);  // absent: none
  std::vector<JsonReader> objects(std::string const& name, std::string const& help);  // array of objects, absent: none

  // {"name": "...", ...}: the name, and a reader for the parameters beside it. Absent: `fallback` and no parameters.
  // An object without "name" gives parameters to `fallback`; when that is "", the name must be written. `known`: the
  // names there are, for the declaration alone; whoever looks the name up refuses others.
  struct Chosen;
  Chosen choice(std::string const& name, std::string const& fallback, std::string const& help,
                std::vector<std::string> const& known = {});
  // A list of them. Absent: one of `fallback`; none where that is "", and an empty list may be written then.
  std::vector<Chosen> choices(std::string const& name, std::string const& fallback, std::string const& help,
                              std::vector<std::string> const& known = {});

  // The one key that is written of these; the object may hold no other.
  std::string only_one_of(std::vector<std::string> const& names);

  // Any JSON value left as compact text ("" when absent); for keys that are read later, or elsewhere.
  std::string raw(std::string const& name, std::string const& help);

  // Every key has been asked for: throws SpecError on one that was not, with the nearest declared name. Objects inside
  // answer for themselves: each reader has its own done().
  void done() const;

  // A SpecError at the place of key `name` of this object ("" for the object itself).
  [[noreturn]] void fail(std::string const& name, std::string const& what) const;

  // Canonical JSON of everything asked so far: typed values, defaults filled in, keys sorted, numbers in shortest form.
  std::string resolved() const;
  Declarations declared() const;
  std::vector<Field> fields() const { return fields_of(declared()); }
  std::string place(std::string_view name = "") const;

 private:
  struct Node;
  explicit JsonReader(std::shared_ptr<Node>);
  void refuse_others(std::vector<std::string> const& known) const;
  std::shared_ptr<Node> node_;
};

struct JsonReader::Chosen {
  std::string name;
  JsonReader params;
};

struct JsonReader::Either {
  std::optional<double> number;
  JsonReader object;
};

// A reader over {} that only collects declarations and defaults.
JsonReader empty_reader();

}  // namespace eexit
