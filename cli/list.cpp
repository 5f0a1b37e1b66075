#include <algorithm>
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
#include "core/pixels/augmentation.h"
#include "core/plan/plan.h"
#include "core/plan/read_run.h"
#include "core/report/table.h"
#include "core/store/stored_runs.h"
#include "datasets/dataset.h"
#include "datasets/test_sets.h"
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
  if (what == "augmentations") return plugins(augmentations());
  if (what == "test_sets") return plugins(test_sets());
  if (what == "methods") return plugins(methods());
  if (what == "regimes") return plugins(regimes());
  if (what == "policies") return plugins(policies());
  if (what == "analyses") return plugins(analyses());
  if (what == "run") return {{"run", "keys of a run: in defaults, grid, include", run_fields(catalog)}};
  auto reader = empty_reader();
  read_eval(reader, catalog);
  return {{"eval", "how finished runs are judged", reader.fields()}};
}

int list_runs(Args const& args) {
  auto const runs = stored_runs(args.out, args.lists.at("where"));
  if (args.json) {
    auto json = nlohmann::ordered_json::array();
    using Json = nlohmann::ordered_json;
    for (auto const& run : runs)
      json.push_back({{"run", run.id},
                      {"arch", run.arch},
                      {"data", run.data},
                      {"method", run.method},
                      {"regime", run.regime},
                      {"seed", run.seed.empty() ? Json() : Json::parse(run.seed)},
                      {"status", run.status},
                      {"accuracy", run.accuracy ? Json(*run.accuracy) : Json()}});
    std::puts(json.dump(2).c_str());
    return 0;
  }
  Table table{.title = std::to_string(runs.size()) + " runs under " + args.out.string(),
              .header = {"run", "arch", "data", "method", "regime", "status", "seed", "accuracy"},
              .label_columns = 6,
              .footnotes = {"accuracy: of the last exit on test, in %"}};
  for (auto const& run : runs)
    table.rows.push_back({run.id, run.arch, run.data, run.method, run.regime, run.status, run.seed,
                          run.accuracy ? fixed(100 * *run.accuracy, 2) : "-"});
  std::fputs(to_console(table).c_str(), stdout);
  return 0;
}

}  // namespace

std::vector<std::string> const& lists() {
  static std::vector<std::string> const all = {"arch",    "datasets", "test_sets", "augmentations",
                                               "methods", "regimes",  "policies",  "analyses",
                                               "run",     "eval",     "runs"};
  return all;
}

int list(Args const& args) {
  std::string const what_asked = args.positional.empty() ? "" : args.positional[0];
  if (what_asked == "runs") return list_runs(args);
  if (!args.lists.at("where").empty()) throw SpecError("--where: is for eexit list runs", Exit::usage);
  if (!what_asked.empty() && std::find(lists().begin(), lists().end(), what_asked) == lists().end())
    throw SpecError("eexit list: " + unknown_name("list", what_asked, lists()), Exit::usage);
  std::vector<std::string> wanted = {what_asked};
  if (what_asked.empty()) wanted.assign(lists().begin(), lists().end() - 1);  // all that needs no store
  Store store(args.out);
  store.read_only = true;
  auto const catalog = real_catalog(store);
  auto json = nlohmann::ordered_json::object();
  for (auto const& what : wanted) {
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
