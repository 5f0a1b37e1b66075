#include "core/plan/run_text.h"

#include <nlohmann/json.hpp>

#include "core/base/sha256.h"
#include "core/plan/canonical.h"
#include "core/plan/plan.h"

namespace eexit {

namespace {

using Json = nlohmann::json;  // keys sorted: canonical

Json phases_of(Run const& run) {
  auto phases = Json::array();
  for (auto const& phase : run.phases)
    phases.push_back({{"name", name_of(phase.phase)},
                      {"key", phase.key},
                      {"parent", phase.parent},
                      {"steps", phase.steps},
                      {"training_macs", phase.macs}});
  return phases;
}

Json exits_of(Run const& run) {
  auto exits = Json::array();
  auto const names = exit_names(run);
  for (std::size_t k = 0; k < names.size(); ++k)
    exits.push_back({{"name", names[k]}, {"mac", run.exit_cost[k].mac}, {"fv", run.exit_cost[k].fv}});
  return exits;
}

std::string text_of(Choice const& choice) {
  ObjectText text;
  text.add("name", json_text(choice.name));
  text.add("params", choice.params);
  return text.text();
}

std::string text_of(Augment const& augment) {
  ObjectText text;
  bool const crop = augment.name == "crop_flip";
  if (crop) text.add("flip", json_number(augment.flip));
  text.add("name", json_text(augment.name));
  if (crop) text.add("pad", std::to_string(augment.pad));
  if (!augment.steps.empty()) {
    std::string steps;
    for (auto const& step : augment.steps) steps += (steps.empty() ? "[" : ",") + text_of(step);
    text.add("steps", steps + "]");
  }
  return text.text();
}

std::string text_of(DataSpec const& data, DataFacts const& facts) {
  ObjectText text;
  text.add("held_out", json_number(data.held_out));
  text.add("identity", json_text(facts.identity));
  text.add("limit", data.limit ? std::to_string(*data.limit) : "null");
  text.add("name", json_text(data.source.name));  // its constants: mean and deviation
  text.add("split_seed", std::to_string(data.split_seed));
  return text.text();
}

}  // namespace

std::string key_text(Run const& run, std::size_t number) {
  bool const heads = heads_by(run, number);
  ObjectText text;
  text.add("arch", text_of(run.arch));
  text.add("augment", text_of(run.data.augment));
  text.add("batch", std::to_string(run.train.batch));
  text.add("data", text_of(run.data, *run.facts));
  text.add("format", std::to_string(format_version));
  if (heads && run.head_seed) text.add("head_seed", std::to_string(*run.head_seed));
  if (heads) text.add("method", text_of(appended_by(run, number) ? run.method : run.heads_method));
  text.add("numerics", std::to_string(numerics_version));
  text.add("parent", json_text(run.phases[number].parent));
  text.add("phase", canonical(run.phases[number].phase));
  if (heads) text.add("placement", json_text(run.after));
  text.add("precision", json_text(run.train.bf16 ? "bf16" : "f32"));
  text.add("seed", std::to_string(run.seed));
  return text.text();
}

bool heads_by(Run const& run, std::size_t number) {
  for (std::size_t i = 0; i <= number; ++i)
    if (with_heads(run.phases[i].phase)) return true;
  return false;
}

bool appended_by(Run const& run, std::size_t number) {
  auto const* train = std::get_if<Train>(&run.phases[number].phase);
  return train != nullptr && train->appended;
}

void set_keys(Run& run, std::size_t first) {
  for (std::size_t i = first; i < run.phases.size(); ++i) {
    auto& phase = run.phases[i];
    auto const start = run.weights.digest.empty() ? from_seed : given_weights + run.weights.digest;
    phase.parent = i == 0 ? start : run.phases[i - 1].key;
    phase.key = sha256(key_text(run, i));
  }
}

std::string run_key(Run const& run) {
  // What is only recorded is left out: the last phase's key says the rest.
  std::string text = "[" + json_text(run.phases.back().key) + "," + json_text(name_of(run.role)) + "," +
                     json_number(run.base.mac) + "," + json_text(run.after);
  for (auto const& part : {run.method.name, run.method.params, run.regime.name}) text += "," + json_text(part);
  return sha256(text + "]");
}

std::string SpecText::text() const {
  std::string text;
  for (auto const& piece : pieces) text += (text.empty() ? "{" : ",") + *piece;
  return text + "}";
}

std::string resolved(Run const& run) {
  Json json = {{"id", run.id},
               {"role", name_of(run.role)},
               {"arch", {{"name", run.arch.name}, {"label", run.arch_label}, {"params", Json::parse(run.arch.params)}}},
               {"method", run.method.name},
               {"regime", run.regime.name},
               {"seed", run.seed},
               {"stages", *run.stages},
               {"after", run.after},
               {"params", run.params},
               {"protocol", name_of(run.train.protocol.kind)},
               {"data_identity", run.facts->identity},
               {"data_known", run.facts->known},
               {"rows",
                {{"train", run.splits->train.size()},
                 {"val", run.splits->val.size()},
                 {"cal", run.splits->cal.size()},
                 {"test", run.facts->test_rows}}},
               {"spec", Json::parse(run.spec.text())},
               {"phases", phases_of(run)},
               {"exits", exits_of(run)},
               {"plain_cost", {{"mac", run.plain.mac}, {"fv", run.plain.fv}}}};
  if (run.head_seed) json["head_seed"] = *run.head_seed;
  if (run.buffer_bytes > 0) json["buffer_bytes"] = run.buffer_bytes;
  return json.dump(2) + "\n";
}

}  // namespace eexit
