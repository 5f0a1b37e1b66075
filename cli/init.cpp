#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/catalog.h"
#include "cli/command.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/plan/schema.h"
#include "datasets/recognise.h"

namespace eexit::cli {

namespace {

constexpr char const* schema_name = "eexit.schema.json";

// Trains in a few minutes on two cores. `data`: more keys of the data set.
std::string starter(std::string const& data) {
  return R"({
  "$schema": ")" +
         std::string(schema_name) + R"(",
  "study": "starter",
  "defaults": {
    "data": )" +
         data + R"(,
    "arch": {"name": "resnet", "depth": 8},
    "method": {"name": "sdn"},
    "placement": {"after": [0, 1]},
    "train": {
      "protocol": {"name": "equal_epochs", "total": 3, "backbone": 2},
      "batch": 64,
      "optimizer": {"name": "sgd", "lr": 0.05}
    }
  },
  "grid": {
    "regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}],
    "seed": [0]
  },
  "eval": {"budgets": [0.25, 0.5, 0.75, 1]}
}
)";
}

// The data object: what the folder holds, or the default set.
std::string data_object(std::string const& folder) {
  constexpr std::size_t enough = 10000;
  auto const limit = ", \"limit\": " + std::to_string(enough) + "}";
  if (folder.empty()) return R"({"name": "fashion_mnist")" + limit;
  auto const found = recognise(folder);
  say("init", folder + " holds " + found.name + ", " + grouped(static_cast<long long>(found.facts.labels.size())) +
                  " samples to train on");
  if (!found.as_well.empty())
    warn(folder + ": the files are named like those of " + join(found.as_well, ", ") +
         " too; correct /defaults/data/name if it is one of these");
  auto named = R"({"name": ")" + found.name + R"(", "dir": )" + nlohmann::json(folder).dump();
  for (auto const& [key, value] : found.parameters)
    named += ", " + nlohmann::json(key).dump() + ": " + nlohmann::json(value).dump();
  return named + (found.facts.labels.size() > enough ? limit : "}");
}

}  // namespace

int init(Args const& args) {
  fs::path const file = args.positional.empty() ? "spec.json" : args.positional[0];
  if (fs::exists(fs::symlink_status(file)))
    throw SpecError(file.string() + ": is there already; name another file, as in eexit init starter.json",
                    Exit::usage);
  auto const text = starter(data_object(args.values.at("data")));
  if (args.dry_run) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  Store store(args.out);
  store.read_only = true;
  write_file(fs::path(file).replace_filename(schema_name), spec_schema(real_catalog(store)));
  write_file(file, text);
  say("init", "wrote " + file.string() + "; see what it does, then do it:");
  say("init", "  eexit sweep " + file.string() + " --dry-run");
  say("init", "  eexit sweep " + file.string());
  return 0;
}

}  // namespace eexit::cli
