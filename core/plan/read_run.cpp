#include "core/plan/read_run.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/label.h"
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

Named read_named(JsonReader::Chosen chosen, Catalog const& catalog, std::string const& folder, bool first_in_label) {
  auto& [name, params] = chosen;
  catalog.read(folder, name, params);
  return {.choice = {name, parameters(params)},
          .label = label_of(name, params, first_in_label ? First::always : First::if_changed)};
}

Named read_arch(JsonReader& run, Catalog const& catalog) {
  auto [name, params] = run.choice("arch", "resnet", "architecture", catalog.names("arch"));
  auto const weights = params.later_text(
      "weights", "", "safetensors file in torchvision's, timm's or eexit's names to start from; empty: none");
  catalog.read("arch", name, params);
  return {.choice = {name, parameters(params, {"weights"})},
          .label = label_of(name, params, First::always, {"weights"}),
          .weights = weights};
}

Named read_method(JsonReader& run, Catalog const& catalog) {
  return read_named(run.choice("method", "sdn", "early-exit method", catalog.names("methods")), catalog, "methods",
                    false);
}

Named read_regime(JsonReader& run, Catalog const& catalog) {
  return read_named(run.choice("regime", "mixed", "list of phases", catalog.names("regimes")), catalog, "regimes",
                    false);
}

// Operations one after another. One of them may mix the images of a batch: labels are mixed with them once.
std::vector<Choice> read_steps(JsonReader& augment, Catalog const& catalog) {
  std::vector<Choice> steps;
  std::string mixing;
  for (auto& [name, params] :
       augment.choices("steps", "flip", "operations, one after another", catalog.names("augmentations"))) {
    catalog.read("augmentations", name, params);
    steps.push_back({name, parameters(params)});
    if (!catalog.mixes(steps.back())) continue;
    if (!mixing.empty())
      augment.fail("steps", "expected one operation that mixes images, found " + mixing + " and " + name);
    mixing = name;
  }
  return steps;
}

Augment read_augment(JsonReader& data, Catalog const& catalog) {
  auto [name, reader] =
      data.choice("augment", "none", "none; crop_flip: pad, random crop, horizontal flip; steps: a list of operations",
                  {"none", "crop_flip", "steps"});
  Augment augment{.name = name};
  if (name == "crop_flip") {
    augment.pad = reader.integer("pad", 2, {0, 64}, "pixels of zero padding on each side before the crop");
    augment.flip = reader.number("flip", 0.5, {0, 1}, "probability of a horizontal flip");
  } else if (name == "steps") {
    augment.steps = read_steps(reader, catalog);
  } else if (name != "none") {
    reader.fail("name", unknown_name("augmentation", name, std::vector<std::string>{"none", "crop_flip", "steps"}));
  }
  reader.done();
  if (name == "steps" && !reader.has("steps")) reader.fail("steps", "expected a list of operations, found nothing");
  return augment;
}

DataSpec read_data(JsonReader& run, Catalog const& catalog) {
  auto [name, reader] = run.choice("data", "fashion_mnist", "data set", catalog.names("datasets"));
  DataSpec data;
  data.limit = reader.maybe_integer("limit", {1, 1e9}, "training-file samples kept, stratified, before the split");
  data.held_out = reader.number("held_out", 0.1, {0.001, 0.9}, "share of the training file set apart as val and cal");
  data.split_seed = static_cast<std::uint64_t>(
      reader.integer("split_seed", 42, {0, 2147483647}, "seed of limit and held-out split, whatever the run's seed"));
  data.augment = read_augment(reader, catalog);
  catalog.read("datasets", name, reader);
  data.source = {name, parameters(reader, {"limit", "held_out", "split_seed", "augment"})};
  return data;
}

// Seeds above are those of trials (tuning.h).
std::uint64_t read_seed(JsonReader& run) {
  return static_cast<std::uint64_t>(run.integer("seed", 0, {0, highest_seed}, "seed of weights, order, dropout"));
}

std::optional<std::uint64_t> read_head_seed(JsonReader& run) {
  auto const own = run.maybe_integer("head_seed", {0, highest_seed},
                                     "seed of the heads' weights and dropout, several on one backbone; null: seed");
  if (!own) return std::nullopt;
  return static_cast<std::uint64_t>(*own);
}

Placement read_placement(JsonReader& run) {
  auto reader = run.object("placement", "where exits stand; exactly one of after, count, cost, preset");
  Placement placement;
  auto const given = reader.only_one_of({"after", "count", "cost", "preset"});
  if (given == "after") {
    placement.after = reader.texts("after", {}, "block indices (0 = first block) or \"stem\"");
    if (placement.after.empty()) reader.fail("after", "expected at least one exit");
  }
  if (given == "count") placement.count = reader.integer("count", 3, {1, 1000}, "n exits at i/(n+1) of the plain cost");
  if (given == "cost") {
    placement.cost = reader.numbers("cost", {}, {0, 1}, "exits at these fractions of the plain cost");
    if (placement.cost.empty()) reader.fail("cost", "expected at least one fraction");
  }
  if (given == "preset") {
    placement.preset = reader.text("preset", "default", "a placement that the architecture knows by name");
    if (placement.preset.empty()) reader.fail("preset", "expected a name");
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

constexpr char const* phase_names[] = {"backbone", "joint", "heads", "fine_tune"};

// {"backbone": {...}, "joint": {...}}: recipes laid over those there are.
std::map<std::string, Recipe> read_overrides(JsonReader& reader, TrainSpec const& below) {
  std::map<std::string, Recipe> recipes;
  for (auto const* phase : phase_names) {
    auto part = reader.maybe_object(phase, "recipe of this kind of phase");
    if (!part) continue;
    recipes[phase] = read_recipe(*part, below.recipe_for(phase));
    part->done();
  }
  for (auto const& key : reader.keys())
    if (std::find(std::begin(phase_names), std::end(phase_names), key) == std::end(phase_names))
      reader.fail(key, unknown_name("kind of phase", key,
                                    std::vector<std::string>(std::begin(phase_names), std::end(phase_names))));
  reader.done();
  return recipes;
}

Recipes read_train(JsonReader& run, Catalog const& catalog) {
  auto reader = run.object("train", "how phases are trained");
  Recipes recipes;
  auto& train = recipes.common;
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
  auto phases = reader.object("phases", "recipe by kind of phase: backbone, joint, heads, fine_tune");
  train.by_phase = read_overrides(phases, train);
  auto by_regime = reader.object("regimes", "recipe by regime and kind of phase; wins over phases");
  auto regimes = catalog.names("regimes");
  regimes.emplace_back("plain");
  for (auto const& key : by_regime.keys())
    if (std::find(regimes.begin(), regimes.end(), key) == regimes.end())
      by_regime.fail(key, unknown_name("regime", key, regimes));
  for (auto const& key : regimes) {
    auto part = by_regime.maybe_object(key, "recipe by kind of phase");
    if (part) recipes.by_regime[key] = read_overrides(*part, train);
  }
  by_regime.done();
  reader.done();
  return recipes;
}

TrainSpec train_for(Recipes const& recipes, std::string const& regime) {
  TrainSpec train = recipes.common;
  train.regime = regime;
  auto const own = recipes.by_regime.find(regime);
  if (own != recipes.by_regime.end())
    for (auto const& [phase, recipe] : own->second) train.by_phase[phase] = recipe;
  return train;
}

constexpr std::array<std::string_view, 8> run_keys = {"arch",      "data",   "head_seed", "method",
                                                      "placement", "regime", "seed",      "train"};

std::size_t slot_of(std::string_view key) {
  return static_cast<std::size_t>(std::find(run_keys.begin(), run_keys.end(), key) - run_keys.begin());
}

// Reads a key of the cell, or takes what was read for another cell that has the same.
template <class Memo, class Read>
auto const& once(Memo& memo, Cell const& cell, char const* key, TypedRun& run, Read const& read) {
  auto const part = cell.part(key);
  require(part != nullptr, "a cell has every key of a run");
  auto found = memo.find(part);
  if (found == memo.end()) {
    JsonReader reader(part->object(), part->source);
    auto value = read(reader);
    auto const text = reader.resolved();
    auto piece = std::make_shared<std::string>(text, 1, text.size() - 2);
    found = memo.try_emplace(part, std::move(value), std::move(piece)).first;
  }
  run.spec.pieces[slot_of(key)] = found->second.second;
  return found->second.first;
}

void refuse_unknown(Cell const& cell) {
  for (auto const& part : cell.parts)
    if (slot_of(part->name) == run_keys.size())
      throw SpecError(part->source->place((Json::json_pointer() / part->name).to_string()) + ": unknown key " +
                      Json(shortened(part->name, 60)).dump() +
                      nearest_of(part->name, std::vector<std::string>(run_keys.begin(), run_keys.end())));
}

}  // namespace

Recipe TrainSpec::recipe_for(std::string const& phase) const {
  auto const found = by_phase.find(phase);
  return found == by_phase.end() ? recipe : found->second;
}

SpecText without_seeds(SpecText spec) {
  for (auto const* key : {"seed", "head_seed"})
    spec.pieces.erase(spec.pieces.begin() + static_cast<std::ptrdiff_t>(slot_of(key)));
  return spec;
}

TypedRun RunReader::read(Cell const& cell, bool plain) {
  static auto const no_head_seed = std::make_shared<std::string>(R"("head_seed":null)");
  refuse_unknown(cell);
  auto const by_catalog = [this](auto read) { return [this, read](JsonReader& run) { return read(run, catalog_); }; };
  TypedRun run;
  run.spec.pieces.resize(run_keys.size());
  run.data = &once(data_, cell, "data", run, by_catalog(read_data));
  run.arch = &once(archs_, cell, "arch", run, by_catalog(read_arch));
  run.method = &once(methods_, cell, "method", run, by_catalog(read_method));
  run.regime = &once(regimes_, cell, "regime", run, by_catalog(read_regime));
  run.placement = &once(placements_, cell, "placement", run, read_placement);
  run.seed = *once(seeds_, cell, "seed", run, [](JsonReader& reader) { return std::optional(read_seed(reader)); });
  run.spec.pieces[slot_of("head_seed")] = no_head_seed;
  if (cell.part("head_seed")) run.head_seed = once(seeds_, cell, "head_seed", run, read_head_seed);
  if (run.head_seed == run.seed) run.head_seed.reset();
  auto const& recipes = once(recipes_, cell, "train", run, by_catalog(read_train));
  auto const& regime = plain ? "plain" : run.regime->choice.name;
  auto& train = trains_[{cell.part("train"), regime}];
  if (train.regime.empty()) train = train_for(recipes, regime);
  run.train = &train;
  return run;
}

void declare_run(JsonReader& reader, Catalog const& catalog) {
  read_data(reader, catalog);
  read_arch(reader, catalog);
  read_method(reader, catalog);
  read_regime(reader, catalog);
  read_placement(reader);
  read_seed(reader);
  read_head_seed(reader);
  read_train(reader, catalog);
  reader.done();
}

std::vector<Field> run_fields(Catalog const& catalog) {
  JsonReader reader(R"({"placement": {"count": 3}})", std::make_shared<Source>());
  declare_run(reader, catalog);
  return reader.fields();
}

std::string place_in(Cell const& cell, std::string const& pointer) {
  auto const end = pointer.find('/', 1);
  auto const part = cell.part(pointer.substr(1, end == std::string::npos ? end : end - 1));
  return (part ? part : cell.parts.front())->source->place(pointer);
}

std::string recipe_place(Cell const& cell, std::string const& regime, std::string const& phase,
                         std::string const& key) {
  auto const text = Json::parse(cell.text());
  for (auto const& part : {"regimes/" + regime + "/" + phase, "phases/" + phase}) {
    auto const own = "/train/" + part + "/" + key;
    if (text.contains(Json::json_pointer(own))) return own;
  }
  return "/train/" + key;
}

std::string rate_place(Cell const& cell, std::string const& regime, std::string const& phase) {
  auto const text = Json::parse(cell.text());
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
