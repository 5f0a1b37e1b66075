#include "core/plan/run_text.h"

#include <nlohmann/json.hpp>

#include "core/base/sha256.h"
#include "core/plan/plan.h"

namespace eexit {

namespace {

using Json = nlohmann::json;  // keys sorted: canonical

Json phases_of(Run const& run) {
  auto phases = Json::array();
  for (auto const& phase : run.phases)
    phases.push_back({{"name", std::get<Train>(phase.phase).name},
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

// All that a phase's result depends on, and nothing else.
std::string key_text(Run const& run, std::size_t number) {
  auto const& phase = run.phases[number];
  Json text = {{"format", format_version},
               {"numerics", numerics_version},
               {"arch", {{"name", run.arch.name}, {"params", Json::parse(run.arch.params)}}},
               {"data",
                {{"name", run.data.source.name},  // its constants: mean and deviation
                 {"identity", run.facts->identity},
                 {"limit", run.data.limit ? Json(*run.data.limit) : Json()},
                 {"held_out", run.data.held_out},
                 {"split_seed", run.data.split_seed}}},
               {"augment", {{"name", run.data.augment.name}}},
               {"batch", run.train.batch},
               {"precision", run.train.bf16 ? "bf16" : "f32"},
               {"seed", run.seed},
               {"phase", Json::parse(canonical(phase.phase))},
               {"parent", phase.parent}};
  if (run.data.augment.name == "crop_flip") {
    text["augment"]["pad"] = run.data.augment.pad;
    text["augment"]["flip"] = run.data.augment.flip;
  }
  if (heads_by(run, number)) {
    text["placement"] = run.after;
    text["method"] = {{"name", run.method.name}, {"params", Json::parse(run.method.params)}};
    if (run.head_seed) text["head_seed"] = *run.head_seed;
  }
  return text.dump();
}

}  // namespace

bool heads_by(Run const& run, std::size_t number) {
  for (std::size_t i = 0; i <= number; ++i)
    if (std::get<Train>(run.phases[i].phase).with_heads()) return true;
  return false;
}

void set_keys(Run& run, std::size_t first) {
  for (std::size_t i = first; i < run.phases.size(); ++i) {
    auto& phase = run.phases[i];
    phase.parent = i == 0 ? "init" : run.phases[i - 1].key;
    phase.canonical = key_text(run, i);
    phase.key = sha256(phase.canonical);
  }
}

std::string run_key(Run const& run) {
  // What is only recorded is left out: the last phase's key says the rest.
  Json const key = {run.phases.back().key, name_of(run.role), run.base.mac,   run.after,
                    run.method.name,       run.method.params, run.regime.name};
  return sha256(key.dump());
}

std::string resolved(Run const& run) {
  Json json = {{"id", run.id},
               {"role", name_of(run.role)},
               {"arch", {{"name", run.arch.name}, {"label", run.arch_label}, {"params", Json::parse(run.arch.params)}}},
               {"method", run.method.name},
               {"regime", run.regime.name},
               {"seed", run.seed},
               {"stages", run.stages},
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
               {"spec", Json::parse(run.spec)},
               {"phases", phases_of(run)},
               {"exits", exits_of(run)},
               {"plain_cost", {{"mac", run.plain.mac}, {"fv", run.plain.fv}}}};
  if (run.head_seed) json["head_seed"] = *run.head_seed;
  return json.dump(2) + "\n";
}

}  // namespace eexit
