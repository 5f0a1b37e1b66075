// A catalog of a few words, so that plans are tested without a network or a file: costs are given by hand and easy to
// add up. Regimes and policies are the real ones.
#pragma once

#include <string>
#include <vector>

#include "core/base/sha256.h"
#include "core/exits/policy.h"
#include "core/plan/catalog.h"
#include "core/plan/kinds.h"
#include "core/plan/plan.h"
#include "regimes/regime.h"

namespace eexit::test {

// Blocks of 100 MACs after a stem of 40, and a classifier of 60: a tower of depth d costs 100 (d + 1).
// "bare" has no stem: depth blocks of 100 and a classifier of 100.
inline BackboneFacts tower(std::string const& name, int depth) {
  BackboneFacts facts;
  if (name == "tower") {
    facts.stages.emplace_back("stem");
    facts.cost.push_back({40, 41});
  }
  for (int block = 0; block < depth; ++block) {
    facts.stages.push_back(std::to_string(block));
    facts.cost.push_back({100, 110});
  }
  facts.last = name == "tower" ? Cost{60, 61} : Cost{100, 101};
  facts.params = 1000 * (depth + 1);
  if (name == "tower" && depth == 4) facts.presets = {{"ends", {"0", "2"}}};
  return facts;
}

// Heads of 10 MACs, after the stem 30; "average" heads have no parameters, "wide" ones cost `width` everywhere.
inline HeadFacts tiny(std::string const& params, std::vector<std::string> const& after) {
  bool const learns = params.find("average") == std::string::npos;
  HeadFacts facts;
  for (auto const& stage : after) {
    facts.cost[stage] = stage == "stem" ? Cost{30, 31} : Cost{10, 11};
    facts.learns[stage] = learns;
    facts.params += learns ? 50 : 0;
  }
  return facts;
}

// 400 labels of four classes, in turn.
inline DataFacts toy(std::string const& identity) {
  // The second set has a class without samples.
  DataFacts facts{.shape = {1, 4, 4},
                  .classes = identity == "one" ? 4 : 5,
                  .test_rows = 100,
                  .identity = identity,
                  .known = "unknown"};
  for (int row = 0; row < 400; ++row) facts.labels.push_back(row % 4);
  return facts;
}

inline std::vector<std::string> fake_names(std::string const& folder) {
  if (folder == "arch") return {"tower", "bare"};
  if (folder == "datasets") return {"toy", "toy2"};
  if (folder == "test_sets") return {"grey", "toy"};
  if (folder == "methods") return {"tiny", "other", "means"};
  if (folder == "augmentations") return {"flip", "cutmix", "mixup"};
  return folder == "regimes" ? names(regimes()) : names(policies());
}

inline void read_fake(std::string const& folder, std::string const& name, JsonReader& params) {
  auto const known = [&](std::string const& what) {
    auto const all = fake_names(folder);
    for (auto const& each : all)
      if (each == name) return;
    params.fail("name", unknown_name(what, name, all));
  };
  if (folder == "arch") {
    known("architecture");
    params.integer("depth", 4, {1, 50}, "blocks");
    params.integer("width", 16, {1, 512}, "channels");
    params.done();
  } else if (folder == "datasets") {
    known("data set");
    params.text("dir", "", "where it lies");
    params.done();
  } else if (folder == "test_sets") {
    known("test set");
    params.integer("sets", 1, {1, 9}, "how many it stands for");
    params.done();
  } else if (folder == "methods") {
    known("method");
    params.one_of("head", "pooled", {"pooled", "average"}, "kind of head");
    if (name == "means") {
      params.flag("raw", false, "matters to answers alone");
      params.later_one_of("clusters", "false", {"true", "false"}, "classes are found");
    }
    if (name == "other") params.integer("appended", 0, {0, 9}, "epochs of a phase of its own");
    params.done();
  } else if (folder == "regimes") {
    known("regime");
    find(regimes(), "regime", name, "regime").make(params);
  } else if (folder == "augmentations") {
    known("augmentation");
    params.number("p", 0.5, {0, 1}, "how often");
    params.done();
  } else {
    known("policy");
    find(policies(), "policy", name, "policy").make(params);
  }
}

inline Catalog fake_catalog() {
  return {.read = read_fake,
          .names = fake_names,
          .data = [](Choice const& data) { return toy(data.name == "toy" ? "one" : "two"); },
          .test_sets =
              [](Choice const& extra, DataFacts const& trained_on) {
                JsonReader reader(extra.params, std::make_shared<Source>());
                if (trained_on.identity == "two") throw SpecError("test set " + extra.name + ": of another shape");
                std::vector<TestSet> all;
                int const sets = reader.integer("sets", 1, {}, "");
                for (int i = 1; i <= sets; ++i)
                  all.push_back({extra, extra.name + "/" + std::to_string(i), extra.name + std::to_string(i), 10});
                return all;
              },
          .backbone =
              [](Choice const& arch, ImageShape const&, int) {
                JsonReader reader(arch.params, std::make_shared<Source>());
                return tower(arch.name, reader.integer("depth", 4, {}, ""));
              },
          .weights =
              [](std::string const& file, Choice const&, ImageShape const&, int) {
                if (file != "here.safetensors") throw SpecError(file + ": not here", Exit::missing);
                return std::string(64, 'd');
              },
          .heads =
              [](Choice const&, Choice const& method, ImageShape const&, int, std::vector<std::string> const& after) {
                auto facts = tiny(method.params, after);
                if (method.name == "means") facts.buffer_bytes = 8.0 * static_cast<double>(after.size());
                return facts;
              },
          .pruned =
              [](Choice const& arch, Choice const& method, ImageShape const&, int,
                 std::vector<std::string> const& after, std::vector<Prune> const& prunings) {
                for (auto const& prune : prunings)
                  if (!prune.without.empty()) throw SpecError("without: no such weight");
                return std::pair(tower(arch.name, 4), tiny(method.params, after));
              },
          .regime_phases =
              [](Choice const& regime, TrainSpec const& train) {
                JsonReader reader(regime.params, std::make_shared<Source>());
                return find(regimes(), "regime", regime.name, "regime").make(reader)(train);
              },
          .method = [](Choice const& method, TrainSpec const& train) -> MethodFacts {
            if (method.name == "means")
              return {
                  .fit = Fit{.share = 0.5, .clusters = method.params.find(R"("clusters":"true")") != std::string::npos},
                  .parameters = {"raw"}};
            if (method.name != "other") return {};
            JsonReader reader(method.params, std::make_shared<Source>());
            int const epochs = reader.integer("appended", 0, {}, "");
            MethodFacts facts{.parameters = {"appended"}, .own_weights = epochs == 9};
            if (epochs > 0) facts.appended = {appended_phase("extra", train, epochs)};
            return facts;
          },
          .policy = [](std::string const& policy) -> PolicyFacts {
            auto reader = empty_reader();
            auto const family = find(policies(), "policy", policy, "policy").make(reader);
            return {.by_confidence = family.by_confidence, .swept = static_cast<bool>(family.sweep)};
          },
          .mixes = [](Choice const& augmentation) { return augmentation.name != "flip"; },
          .steps_in = [](Run const&, std::size_t, double seconds) { return static_cast<long>(10 * seconds); }};
}

inline Plan plan_of(std::string const& text) { return make_plan(text, "spec.json", fake_catalog()); }

// A spec whose defaults are the towers' and have `more` besides; `rest` are further top-level keys, each with a comma
// before it.
inline std::string spec_of(std::string const& more = "", std::string const& rest = "") {
  return R"({"study": "s", "defaults": {"data": {"name": "toy"}, "arch": {"name": "tower"}, "method": {"name": "tiny"},
    "placement": {"after": [0, 1]})" +
         more + "}" + rest + "}";
}

// One run alone, without the plain one beside it.
inline Run run_of(std::string const& more = "") { return plan_of(spec_of(more)).runs.front(); }

inline Train const& train_of(PlannedPhase const& phase) { return std::get<Train>(phase.phase); }

}  // namespace eexit::test
