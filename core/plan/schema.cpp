#include "core/plan/schema.h"

#include <nlohmann/json.hpp>

#include "core/base/schema.h"
#include "core/plan/plan.h"
#include "core/plan/read_run.h"
#include "core/plan/slurm_spec.h"

namespace eexit {
namespace {

using Json = nlohmann::ordered_json;

Json definition(std::string const& name) { return {{"$ref", "#/definitions/" + name}}; }

// Beside "$ref" nothing counts in draft-07.
Json with_help(std::string const& name, std::string const& help) {
  return {{"description", help}, {"allOf", Json::array({definition(name)})}};
}

Json list_of(Json const& items, std::string const& help) {
  return {{"type", "array"}, {"items", items}, {"description", help}};
}

// A list of values for each axis: keys of a run, or pointers into one.
Json grid(Json const& run) {
  Json schema = {{"type", "object"},
                 {"properties", Json::object()},
                 {"patternProperties", {{"^/", {{"type", "array"}, {"minItems", 1}}}}},
                 {"additionalProperties", false},
                 {"description",
                  "values of a run's keys, or of pointers into one (\"/train/batch\"); the last axis "
                  "varies fastest"}};
  for (auto const& [key, value] : run.at("properties").items())
    schema["properties"][key] = {{"type", "array"}, {"minItems", 1}, {"items", value}};
  return schema;
}

}  // namespace

std::string spec_schema(Catalog const& catalog) {
  Json definitions = Json::object();
  auto const add = [&](SchemaSource const& source) { definitions.update(Json::parse(schema_definitions(source))); };
  Json start = {{"placement", {{"count", 3}}}};
  for (auto const& [key, folder] : {std::pair{"data", "datasets"}, {"arch", "arch"}, {"method", "methods"}})
    start[key]["name"] = catalog.names(folder).at(0);
  add({.name = "run",
       .read = [&](JsonReader& reader) { declare_run(reader, catalog); },
       .start = start.dump(),
       .partial = true});
  add({.name = "eval", .read = [&](JsonReader& reader) { read_eval(reader, catalog); }});
  add({.name = "slurm", .read = [](JsonReader& reader) { read_slurm(reader); }});
  // Beside its own keys it takes any option of sbatch.
  definitions["slurm"]["patternProperties"] = {{"^[a-z][a-z0-9-]*$", {{"type", {"string", "integer", "boolean"}}}}};

  Json some = definition("run");
  some = {{"allOf", Json::array({some})}, {"minProperties", 1}};
  Json const rival = {{"type", "object"},
                      {"properties", {{"arch", definitions["run"]["properties"]["arch"]}}},
                      {"additionalProperties", false},
                      {"minProperties", 1}};
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "eexit spec"},
                 {"type", "object"},
                 {"required", {"study"}},
                 {"additionalProperties", false}};
  schema["properties"] = {
      {"$schema", {{"type", "string"}, {"description", "where an editor finds this schema"}}},
      {"study",
       {{"type", "string"}, {"pattern", "^[a-z0-9][a-z0-9_-]{0,63}$"}, {"description", "folder name of the study"}}},
      {"defaults", with_help("run", "one run; grid, include and rivals are laid over it")},
      {"grid", grid(definitions["run"])},
      {"include", list_of(some, "cells beside the grid, each laid over the defaults")},
      {"exclude", list_of(some, "cells of the grid to drop: those that match in every key given")},
      {"rivals", list_of(rival, "plain networks of another architecture, on the same data and seeds")},
      {"eval", with_help("eval", "how finished runs are judged")},
      {"slurm", with_help("slurm", "sbatch options by name")}};
  schema["definitions"] = definitions;
  return schema.dump(2) + "\n";
}

}  // namespace eexit
