#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/catalog.h"
#include "cli/command.h"
#include "core/analysis/analysis.h"
#include "core/arch/arch.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/methods/method.h"
#include "core/plan/plan.h"
#include "core/plan/read_run.h"
#include "core/report/table.h"
#include "datasets/dataset.h"
#include "regimes/regime.h"

namespace eexit::cli {

namespace {

struct Listed {
  std::string name, help;
  std::vector<Field> fields;
};

template <class Make>
std::vector<Listed> plugins(Registry<Make> registry) {
  std::vector<Listed> all;
  for (auto const& entry : registry) {
    auto reader = empty_reader();
    entry.make(reader);
    all.push_back({std::string(entry.name), std::string(entry.help), reader.fields()});
  }
  return all;
}

std::vector<Listed> listed(std::string const& what, Catalog const& catalog) {
  if (what == "arch") return plugins(archs());
  if (what == "datasets") return plugins(datasets());
  if (what == "methods") return plugins(methods());
  if (what == "regimes") return plugins(regimes());
  if (what == "policies") return plugins(policies());
  if (what == "analyses") return plugins(analyses());
  if (what == "run") return {{"run", "keys of a run: in defaults, grid, include", run_fields(catalog)}};
  auto reader = empty_reader();
  read_eval(reader, catalog);
  return {{"eval", "how finished runs are judged", reader.fields()}};
}

}  // namespace

int list(Args const& args) {
  std::vector<std::string> const known = {"arch",     "datasets", "methods", "regimes",
                                          "policies", "analyses", "run",     "eval"};
  std::vector<std::string> wanted = args.positional.empty() ? known : args.positional;
  Store store(args.out);
  store.read_only = true;
  auto const catalog = real_catalog(store);
  auto json = nlohmann::ordered_json::object();
  for (auto const& what : wanted) {
    if (std::find(known.begin(), known.end(), what) == known.end())
      throw SpecError("eexit list: " + unknown_name("list", what, known), Exit::usage);
    for (auto const& plugin : listed(what, catalog)) {
      Table table{.title = what + ": " + plugin.name + " - " + plugin.help,
                  .header = {"key", "type", "default", "allowed", "meaning"},
                  .label_columns = 5};
      auto& entry = json[what][plugin.name];
      entry = {{"help", plugin.help}, {"parameters", nlohmann::ordered_json::array()}};
      for (auto const& field : plugin.fields) {
        table.rows.push_back({field.name, field.type, field.fallback, field.allowed, field.help});
        entry["parameters"].push_back({{"key", field.name},
                                       {"type", field.type},
                                       {"default", field.fallback},
                                       {"allowed", field.allowed},
                                       {"meaning", field.help}});
      }
      if (args.json) continue;
      if (table.rows.empty())
        std::printf("%s\n  no parameters\n\n", table.title.c_str());
      else
        std::printf("%s\n", to_console(table).c_str());
    }
  }
  if (args.json) std::puts(json.dump(2).c_str());
  return 0;
}

}  // namespace eexit::cli
