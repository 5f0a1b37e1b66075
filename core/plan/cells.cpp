#include "core/plan/cells.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/plan.h"

namespace eexit {

namespace {

using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

// A value together with where its parts were written.
struct Traced {
  Json value = Json::object();
  std::map<std::string, std::string> origin;  // pointer in value -> pointer in the file
};

std::string child(std::string const& pointer, std::string const& key) { return (Pointer(pointer) / key).to_string(); }

void forget_below(Traced& traced, std::string const& pointer) {
  std::erase_if(traced.origin,
                [&](auto const& item) { return item.first == pointer || item.first.starts_with(pointer + "/"); });
}

bool replaces(std::string const& pointer, Json const& below, Json const& above) {
  if (!below.is_object() || !above.is_object()) return true;
  if (pointer.ends_with("/placement")) return true;  // exactly one of its keys may stand
  return above.contains("name") && below.contains("name") && above["name"] != below["name"];
}

// Lays `above`, written at `from` in the file, over what stands at `pointer`.
void lay_over(Traced& traced, std::string const& pointer, Json const& above, std::string const& from) {
  Pointer const at(pointer);
  bool const there = traced.value.contains(at);
  if (!there || replaces(pointer, traced.value.at(at), above)) {
    forget_below(traced, pointer);
    traced.value[at] = above;
    traced.origin[pointer] = from;
    return;
  }
  for (auto const& [key, value] : above.items()) lay_over(traced, child(pointer, key), value, child(from, key));
}

bool matches(Json const& value, Json const& wanted) {
  if (!value.is_object() || !wanted.is_object()) return value == wanted;
  for (auto const& [key, part] : wanted.items())
    if (!value.contains(key) || !matches(value[key], part)) return false;
  return true;
}

[[noreturn]] void refuse(std::string const& file, std::string const& pointer, std::string const& what) {
  throw SpecError(file + " " + pointer + ": " + what);
}

Json section(Json const& spec, std::string const& file, std::string const& key, Json const& fallback) {
  if (!spec.contains(key)) return fallback;
  if (spec[key].type() != fallback.type())
    refuse(file, "/" + key,
           std::string("expected ") + (fallback.is_array() ? "an array" : "an object") + ", found " + spec[key].dump());
  return spec[key];
}

// One axis: the key of a run that it changes, where it points in the run, and where it was written.
struct Axis {
  std::string key, pointer, from;
  Json values;
};

[[noreturn]] void refuse_axis(Axis const& axis, std::string const& file) {
  refuse(file, axis.from, "a run has no place " + axis.pointer);
}

// The first step of a pointer.
std::string first_key(std::string const& pointer) {
  Pointer at(pointer);
  while (!at.parent_pointer().empty()) at = at.parent_pointer();
  return at.back();
}

std::vector<Axis> read_axes(Json const& grid, std::string const& file) {
  std::vector<Axis> axes;
  std::size_t cells = 1;
  for (auto const& [key, values] : grid.items()) {
    Axis axis{.key = key, .pointer = key, .from = child("/grid", key), .values = values};
    if (!values.is_array()) refuse(file, axis.from, "expected a non-empty array of values, found " + values.dump());
    if (values.empty()) refuse(file, axis.from, "expected a non-empty array: the grid expands to nothing");
    try {
      if (key.starts_with("/"))
        axis.key = first_key(key);
      else
        axis.pointer = child("", key);
    } catch (Json::exception const&) {
      refuse_axis(axis, file);
    }
    cells *= values.size();
    if (cells > most_runs) refuse(file, "/grid", "expands to more than 100,000 runs; expected at most 100,000");
    axes.push_back(std::move(axis));
  }
  return axes;
}

// A cell to drop is compared, never typed: a misspelt key would just match nothing.
void require_run_keys(Json const& list, std::string const& file, std::string const& key) {
  std::vector<std::string> const known = {"arch",      "data",   "head_seed", "method",
                                          "placement", "regime", "seed",      "train"};
  for (std::size_t i = 0; i < list.size(); ++i)
    for (auto const& [name, value] : list[i].items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        refuse(file, child(child("/" + key, std::to_string(i)), name),
               "unknown key " + Json(shortened(name, 60)).dump() + nearest_of(name, known));
}

void require_objects(Json const& list, std::string const& file, std::string const& key) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!list[i].is_object() || list[i].empty())
      refuse(file, child("/" + key, std::to_string(i)), "expected a non-empty object, found " + list[i].dump());
}

// A part, and which entries of `exclude` it fits: those that ask for what it is, or do not name its key.
struct Piece {
  std::shared_ptr<Part const> part;
  std::vector<bool> fits;
};

// Puts cells together from parts, each of which is made once.
class Expander {
 public:
  Expander(Json const& spec, std::string const& file)
      : file_(file),
        axes_(read_axes(section(spec, file, "grid", Json::object()), file)),
        exclude_(section(spec, file, "exclude", Json::array())),
        defaults_(section(spec, file, "defaults", Json::object())),
        useful_(exclude_.size(), false) {
    // What a run has where nothing is written.
    static Json const fallbacks = Json::parse(R"({"data": {"name": "fashion_mnist"}, "arch": {"name": "resnet"},
      "method": {"name": "sdn"}, "regime": {"name": "mixed"}, "placement": {"count": 3}, "seed": 0, "train": {}})");
    for (auto const& [key, value] : defaults_.items()) common_.push_back(piece(written(key), key));
    for (auto const& [key, value] : fallbacks.items())
      if (!defaults_.contains(key)) common_.push_back(piece({.value = {{key, value}}}, key));
  }

  std::vector<Axis> const& axes() const { return axes_; }

  // The cell at one value of each axis.
  void add_cell(std::vector<std::size_t> const& at) {
    auto pieces = common_;
    std::map<std::string, std::vector<std::size_t>> moved;  // axes that change the same key
    for (std::size_t i = 0; i < axes_.size(); ++i) moved[axes_[i].key].push_back(i);
    for (auto const& [key, which] : moved) put(pieces, axis_piece(key, which, at));
    add(pieces);
  }

  void add_include(Json const& partial, std::string const& from) {
    auto pieces = common_;
    for (auto const& [key, value] : partial.items()) put(pieces, piece(laid_over(key, value, from), key));
    add(pieces);
  }

  void add_rival(Json const& partial, std::string const& from) {
    for (auto const& [key, value] : partial.items())
      if (key != "arch")
        refuse(file_, child(from, key), "a rival changes arch alone; its data, train and seeds are those of the grid");
    cells.rivals.push_back(piece(laid_over("arch", partial["arch"], from), "arch").part);
  }

  void finish() {
    if (cells.runs.empty()) refuse(file_, "/exclude", "drops every cell: the grid expands to nothing");
    for (std::size_t i = 0; i < useful_.size(); ++i)
      if (!useful_[i])
        cells.warnings.push_back(file_ + " " + child("/exclude", std::to_string(i)) +
                                 ": ignored because it matches no cell");
  }

  Cells cells;

 private:
  // What the defaults say of a key.
  Traced written(std::string const& key) const {
    Traced traced;
    if (defaults_.contains(key)) lay_over(traced, child("", key), defaults_[key], child("/defaults", key));
    return traced;
  }

  Traced laid_over(std::string const& key, Json const& value, std::string const& from) const {
    Traced traced = written(key);
    lay_over(traced, child("", key), value, child(from, key));
    return traced;
  }

  Piece piece(Traced traced, std::string const& key) const {
    Json const& value = traced.value[key];
    std::vector<bool> fits;
    for (auto const& entry : exclude_) fits.push_back(!entry.contains(key) || matches(value, entry[key]));
    traced.origin.emplace("", "/defaults");  // where what is written nowhere would be written
    auto source = std::make_shared<Source>(Source{file_, std::move(traced.origin)});
    return {std::make_shared<Part>(Part{key, value.dump(), std::move(source)}), std::move(fits)};
  }

  Piece const& axis_piece(std::string const& key, std::vector<std::size_t> const& which,
                          std::vector<std::size_t> const& at) {
    std::vector<std::size_t> chosen;
    for (auto const axis : which) chosen.push_back(at[axis]);
    auto& made = made_[key][chosen];
    if (made.part) return made;
    Traced traced = written(key);
    for (auto const number : which) {
      auto const& axis = axes_[number];
      try {
        lay_over(traced, axis.pointer, axis.values[at[number]], child(axis.from, std::to_string(at[number])));
      } catch (Json::exception const&) {
        refuse_axis(axis, file_);
      }
    }
    return made = piece(std::move(traced), key);
  }

  static void put(std::vector<Piece>& pieces, Piece const& piece) {
    for (auto& each : pieces)
      if (each.part->name == piece.part->name) {
        each = piece;
        return;
      }
    pieces.push_back(piece);
  }

  bool excluded(std::vector<Piece> const& pieces) {
    bool any = false;
    for (std::size_t i = 0; i < exclude_.size(); ++i) {
      std::size_t named = 0;
      bool fits = true;
      for (auto const& piece : pieces) {
        named += exclude_[i].contains(piece.part->name);
        fits = fits && piece.fits[i];
      }
      if (fits && named == exclude_[i].size()) useful_[i] = any = true;
    }
    return any;
  }

  void add(std::vector<Piece> const& pieces) {
    if (excluded(pieces)) return;
    if (cells.runs.size() == most_runs) refuse(file_, "/include", "expands to more than 100,000 runs");
    Cell cell;
    for (auto const& piece : pieces) cell.parts.push_back(piece.part);
    cells.runs.push_back(std::move(cell));
  }

  std::string const& file_;
  std::vector<Axis> axes_;
  Json exclude_, defaults_;
  std::vector<Piece> common_;  // of a cell that changes nothing
  std::map<std::string, std::map<std::vector<std::size_t>, Piece>> made_;
  std::vector<bool> useful_;
};

}  // namespace

std::string Part::object() const { return "{" + Json(name).dump() + ":" + text + "}"; }

std::shared_ptr<Part const> Cell::part(std::string_view name) const {
  for (auto const& each : parts)
    if (each->name == name) return each;
  return nullptr;
}

std::string Cell::text() const {
  std::string text;
  for (auto const& part : parts) text += (text.empty() ? "{" : ",") + Json(part->name).dump() + ":" + part->text;
  return text + "}";
}

Cells expand_cells(std::string const& spec_text, std::string const& file) {
  Json const spec = Json::parse(spec_text);
  Json const include = section(spec, file, "include", Json::array());
  Json const rivals = section(spec, file, "rivals", Json::array());
  Json const exclude = section(spec, file, "exclude", Json::array());
  require_objects(include, file, "include");
  require_objects(exclude, file, "exclude");
  require_objects(rivals, file, "rivals");
  require_run_keys(exclude, file, "exclude");
  Expander expander(spec, file);
  auto const& axes = expander.axes();
  std::vector<std::size_t> at(axes.size(), 0);
  for (bool more = !axes.empty() || include.empty(); more;) {
    expander.add_cell(at);
    // An odometer: the last axis turns fastest.
    std::size_t wheel = axes.size();
    while (wheel > 0 && ++at[wheel - 1] == axes[wheel - 1].values.size()) at[--wheel] = 0;
    more = wheel > 0;
  }
  auto const entry = [](char const* list, std::size_t i) { return child(list, std::to_string(i)); };
  for (std::size_t i = 0; i < include.size(); ++i) expander.add_include(include[i], entry("/include", i));
  expander.finish();
  for (std::size_t i = 0; i < rivals.size(); ++i) expander.add_rival(rivals[i], entry("/rivals", i));
  return std::move(expander.cells);
}

Cell with_part(Cell run, std::shared_ptr<Part const> const& part) {
  for (auto& each : run.parts)
    if (each->name == part->name) each = part;
  return run;
}

std::string edit_spec(std::string const& text, std::string const& file, std::vector<std::string> const& edits) {
  Traced traced{.value = Json::parse(strict_json(text, file))};
  Json& spec = traced.value;
  if (!spec.is_object()) throw SpecError(file + ": expected a JSON object, found " + spec.dump().substr(0, 40));
  for (auto const& edit : edits) {
    auto const equals = edit.find('=');
    auto const where = "--set " + edit;
    if (equals == std::string::npos || !edit.starts_with("/"))
      throw SpecError(where + ": expected /pointer=value, as in /defaults/data/limit=5000", Exit::usage);
    auto const pointer = edit.substr(0, equals);
    auto const written = edit.substr(equals + 1);
    Json value;
    try {
      value = Json::parse(strict_json(written, where));
    } catch (SpecError const&) {
      // Not JSON: a bare word is text, anything that starts like a structure is a slip.
      if (written.empty() || written.find_first_of("{[\"") == 0) throw;
      value = written;
    }
    try {
      // Under the defaults an edit is laid over as a grid's value would be; elsewhere it replaces.
      if (pointer == "/defaults" || pointer.starts_with("/defaults/"))
        lay_over(traced, pointer, value, "");
      else
        spec[Pointer(pointer)] = value;
    } catch (Json::exception const&) {
      throw SpecError(where + ": " + file + " has no place " + pointer, Exit::usage);
    }
  }
  return spec.dump(2) + "\n";
}

}  // namespace eexit
