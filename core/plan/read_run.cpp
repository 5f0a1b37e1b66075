#include "core/plan/read_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/plan/tuning.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

// The resolved parameters without the name and without keys that are not the plug-in's own.
std::string parameters(JsonReader const& reader, std::vector<std::string> const& not_its_own = {}) {
  Json json = Json::parse(reader.resolved());
  json.erase("name");
  for (auto const& key : not_its_own) json.erase(key);
  return json.dump();
}

std::string short_text(Json const& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (auto const& each : value) text += (text.empty() ? "" : "+") + short_text(each);
  return text;
}

// A name for files and tables: the plug-in's, then the parameters that differ from their defaults; with `first`, the
// first parameter's value always, and without its key ("resnet-14").
std::string label(std::string const& name, JsonReader const& reader, bool first) {
  Json const resolved = Json::parse(reader.resolved());
  std::string text = name;
  bool is_first = true;
  for (auto const& field : reader.fields()) {
    if (field.name == "name" || !resolved.contains(field.name)) continue;
    auto const value = short_text(resolved[field.name]);
    bool const changed = value != field.fallback && resolved[field.name].dump() != field.fallback;
    if (is_first && (first || changed))
      text += "-" + value;
    else if (!is_first && changed)
      text += "-" + field.name + value;
    is_first = false;
  }
  return text;
}

Choice read_choice(JsonReader& run, Catalog const& catalog, std::string const& key, std::string const& folder,
                   std::string const& fallback, std::string const& help, bool first_in_label, std::string& text) {
  auto [name, params] = run.choice(key, fallback, help, catalog.names(folder));
  catalog.read(folder, name, params);
  text = label(name, params, first_in_label);
  return {name, parameters(params)};
}

Augment read_augment(JsonReader& data) {
  auto [name, reader] =
      data.choice("augment", "none", "none, or crop_flip: pad, random crop, horizontal flip", {"none", "crop_flip"});
  Augment augment{.name = name};
  if (name == "crop_flip") {
    augment.pad = reader.integer("pad", 2, {0, 64}, "pixels of zero padding on each side before the crop");
    augment.flip = reader.number("flip", 0.5, {0, 1}, "probability of a horizontal flip");
  } else if (name != "none") {
    reader.fail("name", unknown_name("augmentation", name, std::vector<std::string>{"none", "crop_flip"}));
  }
  reader.done();
  return augment;
}

DataSpec read_data(JsonReader& run, Catalog const& catalog) {
  auto [name, reader] = run.choice("data", "fashion_mnist", "data set", catalog.names("datasets"));
  DataSpec data;
  data.limit = reader.maybe_integer("limit", {1, 1e9}, "training-file samples kept, stratified, before the split");
  data.held_out = reader.number("held_out", 0.1, {0.001, 0.9}, "share of the training file set apart as val and cal");
  data.split_seed = static_cast<std::uint64_t>(
      reader.integer("split_seed", 42, {0, 2147483647}, "seed of limit and held-out split, whatever the run's seed"));
  data.augment = read_augment(reader);
  catalog.read("datasets", name, reader);
  data.source = {name, parameters(reader, {"limit", "held_out", "split_seed", "augment"})};
  return data;
}

// Seeds above are those of trials (tuning.h).
std::uint64_t read_seed(JsonReader& run) {
  return static_cast<std::uint64_t>(run.integer("seed", 0, {0, highest_seed}, "seed of weights, order, dropout"));
}

std::optional<std::uint64_t> read_head_seed(JsonReader& run, std::uint64_t seed) {
  auto const own = run.maybe_integer("head_seed", {0, highest_seed},
                                     "seed of the heads' weights and dropout, several on one backbone; null: seed");
  if (!own || static_cast<std::uint64_t>(*own) == seed) return std::nullopt;
  return static_cast<std::uint64_t>(*own);
}

Placement read_placement(JsonReader& run) {
  auto reader = run.object("placement", "where exits stand; exactly one of after, count, cost");
  Placement placement;
  auto const given = reader.only_one_of({"after", "count", "cost"});
  if (given == "after") {
    placement.after = reader.texts("after", {}, "block indices (0 = first block) or \"stem\"");
    if (placement.after.empty()) reader.fail("after", "expected at least one exit");
  }
  if (given == "count") placement.count = reader.integer("count", 3, {1, 1000}, "n exits at i/(n+1) of the plain cost");
  if (given == "cost") {
    placement.cost = reader.numbers("cost", {}, {0, 1}, "exits at these fractions of the plain cost");
    if (placement.cost.empty()) reader.fail("cost", "expected at least one fraction");
  }
  reader.done();
  return placement;
}

Protocol read_protocol(JsonReader& train) {
  auto [name, reader] = train.choice("protocol", "equal_epochs", "what the regimes are given alike",
                                     {"equal_epochs", "equal_macs", "converged"});
  Protocol protocol;
  if (name == "equal_epochs" || name == "equal_macs") {
    protocol.kind = name == "equal_macs" ? Protocol::Kind::equal_macs : Protocol::Kind::equal_epochs;
    protocol.total = reader.integer("total", 10, {1, 1000000}, "epochs of a run (equal_macs: of the joint reference)");
    protocol.backbone = reader.integer("backbone", 5, {1, 1000000}, "epochs of a backbone phase that others follow");
  } else if (name == "converged") {
    protocol.kind = Protocol::Kind::converged;
    protocol.stop.patience = reader.integer("patience", 10, {1, 1000000}, "checks without a better value");
    protocol.stop.delta = reader.number("delta", 0, {0, 1e9}, "how much worse counts as worse");
    protocol.stop.on_accuracy =
        reader.one_of("metric", "loss", {"loss", "accuracy"}, "what is watched on val") == "accuracy";
    protocol.max_epochs = reader.integer("max_epochs", 200, {1, 1000000}, "epochs of a phase at most");
  } else {
    reader.fail("name",
                unknown_name("protocol", name, std::vector<std::string>{"equal_epochs", "equal_macs", "converged"}));
  }
  reader.done();
  return protocol;
}

constexpr char const* phase_names[] = {"backbone", "joint", "heads"};

// {"backbone": {...}, "joint": {...}}: recipes laid over those there are.
void read_overrides(JsonReader& reader, TrainSpec& train) {
  for (auto const* phase : phase_names) {
    auto part = reader.maybe_object(phase, "recipe of this kind of phase");
    if (!part) continue;
    train.by_phase[phase] = read_recipe(*part, train.recipe_for(phase));
    part->done();
  }
  for (auto const& key : reader.keys())
    if (std::find(std::begin(phase_names), std::end(phase_names), key) == std::end(phase_names))
      reader.fail(key, unknown_name("kind of phase", key,
                                    std::vector<std::string>(std::begin(phase_names), std::end(phase_names))));
}

TrainSpec read_train(JsonReader& run, std::string const& regime, std::vector<std::string> regimes) {
  auto reader = run.object("train", "how phases are trained");
  TrainSpec train;
  train.regime = regime;
  train.protocol = read_protocol(reader);
  train.batch = reader.integer("batch", 128, {1, 65536}, "samples a step, at most the training rows");
  train.bf16 = reader.one_of("precision", "f32", {"f32", "bf16"}, "bf16: autocast") == "bf16";
  train.recipe = read_recipe(reader, {});
  auto const keep_fallback = train.protocol.kind == Protocol::Kind::converged ? "any_exit" : "last";
  auto const keep = reader.one_of("keep", keep_fallback, {"last", "any_exit", "mean"},
                                  "weights a phase ends with: the last, those when any exit last improved on val, or "
                                  "those of the best mean val accuracy over exits");
  train.keep = keep == "last" ? Keep::last : keep == "mean" ? Keep::mean : Keep::any_exit;
  train.checkpoint_seconds =
      reader.number("checkpoint_seconds", 120, {0, 1e9}, "time between checkpoints; not in keys");
  auto phases = reader.object("phases", "recipe by kind of phase: backbone, joint, heads");
  read_overrides(phases, train);
  auto by_regime = reader.object("regimes", "recipe by regime and kind of phase; wins over phases");
  regimes.emplace_back("plain");
  for (auto const& key : by_regime.keys())
    if (std::find(regimes.begin(), regimes.end(), key) == regimes.end())
      by_regime.fail(key, unknown_name("regime", key, regimes));
  for (auto const& key : regimes) {
    auto part = by_regime.maybe_object(key, "recipe by kind of phase");
    if (!part) continue;
    // Others' overrides are read too, so that a slip in them fails in every cell.
    TrainSpec other = train;
    read_overrides(*part, key == regime ? train : other);
  }
  reader.done();
  return train;
}

}  // namespace

Recipe TrainSpec::recipe_for(std::string const& phase) const {
  auto const found = by_phase.find(phase);
  return found == by_phase.end() ? recipe : found->second;
}

TypedRun read_run(JsonReader& reader, Catalog const& catalog, bool plain) {
  TypedRun run;
  run.data = read_data(reader, catalog);
  run.arch = read_choice(reader, catalog, "arch", "arch", "resnet", "architecture", true, run.arch_label);
  run.method = read_choice(reader, catalog, "method", "methods", "sdn", "early-exit method", false, run.method_label);
  run.regime = read_choice(reader, catalog, "regime", "regimes", "mixed", "list of phases", false, run.regime_label);
  run.placement = read_placement(reader);
  run.seed = read_seed(reader);
  run.head_seed = read_head_seed(reader, run.seed);
  run.train = read_train(reader, plain ? "plain" : run.regime.name, catalog.names("regimes"));
  reader.done();
  run.resolved = reader.resolved();
  return run;
}

TypedRun read_run(Cell const& cell, Catalog const& catalog, bool plain) {
  JsonReader reader(*cell.text, cell.source);
  return read_run(reader, catalog, plain);
}

std::vector<Field> run_fields(Catalog const& catalog) {
  JsonReader reader(R"({"placement": {"count": 3}})", std::make_shared<Source>());
  read_run(reader, catalog);
  return reader.fields();
}

std::string place_in(Cell const& cell, std::string const& pointer) { return cell.source->place(pointer); }

std::string recipe_place(Cell const& cell, std::string const& regime, std::string const& phase,
                         std::string const& key) {
  auto const text = Json::parse(*cell.text);
  for (auto const& part : {"regimes/" + regime + "/" + phase, "phases/" + phase}) {
    auto const own = "/train/" + part + "/" + key;
    if (text.contains(Json::json_pointer(own))) return own;
  }
  return "/train/" + key;
}

std::string rate_place(Cell const& cell, std::string const& regime, std::string const& phase) {
  auto const text = Json::parse(*cell.text);
  std::string name = "sgd", place = "/train/optimizer/lr";
  for (auto const& part : {std::string("/train"), "/train/phases/" + phase, "/train/regimes/" + regime + "/" + phase}) {
    Json::json_pointer const at(part + "/optimizer");
    if (!text.contains(at)) continue;
    auto const& written = text.at(at);
    auto const named = written.value("name", name);
    // Another optimiser comes with a rate of its own.
    if (written.contains("lr") || named != name) place = at.to_string() + (written.contains("lr") ? "/lr" : "");
    name = named;
  }
  return place_in(cell, place);
}

}  // namespace eexit
