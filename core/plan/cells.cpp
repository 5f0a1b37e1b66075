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

void lay_over_run(Traced& traced, Json const& partial, std::string const& from) {
  for (auto const& [key, value] : partial.items()) lay_over(traced, child("", key), value, child(from, key));
}

// Defaults of the run object, filled in where nothing is written.
void fill(Json& run) {
  static Json const defaults = Json::parse(R"({"data": {"name": "fashion_mnist"}, "arch": {"name": "resnet"},
    "method": {"name": "sdn"}, "regime": {"name": "mixed"}, "placement": {"count": 3}, "seed": 0, "train": {}})");
  for (auto const& [key, value] : defaults.items())
    if (!run.contains(key)) run[key] = value;
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

// One axis: where it points in a run, and where it was written.
struct Axis {
  std::string pointer, from;
  Json values;
};

std::vector<Axis> read_axes(Json const& grid, std::string const& file) {
  std::vector<Axis> axes;
  std::size_t cells = 1;
  for (auto const& [key, values] : grid.items()) {
    auto const from = child("/grid", key);
    if (!values.is_array()) refuse(file, from, "expected a non-empty array of values, found " + values.dump());
    if (values.empty()) refuse(file, from, "expected a non-empty array: the grid expands to nothing");
    axes.push_back({key.starts_with("/") ? key : child("", key), from, values});
    cells *= values.size();
    if (cells > most_runs) refuse(file, "/grid", "expands to more than 100,000 runs; expected at most 100,000");
  }
  return axes;
}

Cell finish(Traced traced, std::string const& file) {
  fill(traced.value);
  traced.origin.emplace("", "/defaults");  // where what is written nowhere would be written
  return {std::make_shared<std::string>(traced.value.dump()),
          std::make_shared<Source>(Source{file, std::move(traced.origin)})};
}

// Marks the entries of `exclude` that match in `useful`.
bool excluded(Traced const& traced, Json const& exclude, std::vector<bool>& useful) {
  if (exclude.empty()) return false;
  Json run = traced.value;
  fill(run);
  bool any = false;
  for (std::size_t i = 0; i < exclude.size(); ++i) {
    if (!matches(run, exclude[i])) continue;
    useful[i] = any = true;
  }
  return any;
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

}  // namespace

Cells expand_cells(std::string const& spec_text, std::string const& file) {
  Json const spec = Json::parse(spec_text);
  Json const grid = section(spec, file, "grid", Json::object());
  Json const include = section(spec, file, "include", Json::array());
  Json const exclude = section(spec, file, "exclude", Json::array());
  Json const rivals = section(spec, file, "rivals", Json::array());
  require_objects(include, file, "include");
  require_objects(exclude, file, "exclude");
  require_objects(rivals, file, "rivals");
  require_run_keys(exclude, file, "exclude");
  Traced defaults;
  lay_over_run(defaults, section(spec, file, "defaults", Json::object()), "/defaults");

  Cells cells;
  std::vector<bool> useful(exclude.size(), false);
  auto const add = [&](Traced traced) {
    if (excluded(traced, exclude, useful)) return;
    if (cells.runs.size() == most_runs) refuse(file, "/include", "expands to more than 100,000 runs");
    cells.runs.push_back(finish(std::move(traced), file));
  };
  auto const axes = read_axes(grid, file);
  std::vector<std::size_t> at(axes.size(), 0);
  for (bool more = !axes.empty() || include.empty(); more;) {
    Traced run = defaults;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      auto const from = child(axes[i].from, std::to_string(at[i]));
      try {
        lay_over(run, axes[i].pointer, axes[i].values[at[i]], from);
      } catch (Json::exception const&) {
        refuse(file, axes[i].from, "a run has no place " + axes[i].pointer);
      }
    }
    add(std::move(run));
    // An odometer: the last axis turns fastest.
    std::size_t wheel = axes.size();
    while (wheel > 0 && ++at[wheel - 1] == axes[wheel - 1].values.size()) at[--wheel] = 0;
    more = wheel > 0;
  }
  for (std::size_t i = 0; i < include.size(); ++i) {
    Traced run = defaults;
    lay_over_run(run, include[i], child("/include", std::to_string(i)));
    add(std::move(run));
  }
  if (cells.runs.empty()) refuse(file, "/exclude", "drops every cell: the grid expands to nothing");
  for (std::size_t i = 0; i < useful.size(); ++i)
    if (!useful[i])
      cells.warnings.push_back(file + " " + child("/exclude", std::to_string(i)) +
                               ": ignored because it matches no cell");
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    auto const from = child("/rivals", std::to_string(i));
    for (auto const& [key, value] : rivals[i].items())
      if (key != "arch")
        refuse(file, child(from, key), "a rival changes arch alone; its data, train and seeds are those of the grid");
    Traced run = defaults;
    lay_over_run(run, rivals[i], from);
    cells.rivals.push_back({std::make_shared<std::string>(Json({{"arch", run.value["arch"]}}).dump()),
                            std::make_shared<Source>(Source{file, std::move(run.origin)})});
  }
  return cells;
}

Cell with_arch_of(Cell const& run, Cell const& other) {
  Json value = Json::parse(*run.text);
  value["arch"] = Json::parse(*other.text)["arch"];
  Source source = *run.source;
  auto const of_arch = [](auto const& item) { return item.first == "/arch" || item.first.starts_with("/arch/"); };
  std::erase_if(source.origin, of_arch);
  for (auto const& item : other.source->origin)
    if (of_arch(item)) source.origin.insert(item);
  return {std::make_shared<std::string>(value.dump()), std::make_shared<Source>(std::move(source))};
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
