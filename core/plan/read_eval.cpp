#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/label.h"
#include "core/plan/plan.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

// Two rows of the same name would be averaged as if they were two seeds.
void refuse_repeats(JsonReader& reader, EvalSpec const& eval) {
  for (std::size_t i = 1; i < eval.budgets.size(); ++i)
    if (eval.budgets[i] == eval.budgets[i - 1])
      reader.fail("budgets", "expected each budget once, found " + shortest(eval.budgets[i]) + " twice");
  std::set<std::string> rules;
  for (auto const& rule : eval.policies)
    if (!rules.insert(rule.name() + " by " + rule.measure()).second)
      reader.fail("policies", "expected each policy and confidence once, found " + rule.name() + " by " +
                                  rule.measure() + " twice");
}

// The reference's rule averages one sweep over seeds: knobs fitted to each run have none.
void refuse_unswept(JsonReader& reader, EvalSpec const& eval, Catalog const& catalog) {
  if (!eval.reference_rule) return;
  std::vector<std::string> swept;
  for (auto const& name : catalog.names("policies"))
    if (catalog.policy(name).swept) swept.push_back(name);
  for (auto const& rule : eval.policies)
    if (!catalog.policy(rule.policy.name).swept)
      reader.fail("rule", "expected policies of the reference's sweeps (" + join(swept, ", ") +
                              ") with \"reference\", found " + rule.policy.name);
}

}  // namespace

EvalSpec::Rule read_rule(std::string const& name, JsonReader& reader,
                         std::function<void(JsonReader&)> const& read_own) {
  EvalSpec::Rule rule;
  rule.confidence = reader.one_of("confidence", "max_probability", {"max_probability", "entropy", "margin"},
                                  "measure the rule looks at");
  rule.temperature = reader.flag("temperature", false, "one temperature an exit, fitted on cal, before confidence");
  read_own(reader);
  Json own = Json::parse(reader.resolved());
  for (auto const* key : {"name", "confidence", "temperature"}) own.erase(key);
  rule.policy = {name, own.dump()};
  rule.label = label_of(name, reader, First::if_changed, {"confidence", "temperature"});
  return rule;
}

EvalSpec read_eval(JsonReader& reader, Catalog const& catalog) {
  EvalSpec eval;
  for (auto& [name, params] :
       reader.choices("policies", "threshold", "exit rules to judge by", catalog.names("policies"))) {
    auto const rule =
        read_rule(name, params, [&, &policy = name](JsonReader& own) { catalog.read("policies", policy, own); });
    for (auto const* key : {"confidence", "temperature"})
      if (params.has(key) && !catalog.policy(name).by_confidence)
        eval.warnings.push_back(params.place(key) + ": ignored because " + name + " goes by predictions alone");
    eval.policies.push_back(rule);
  }
  for (auto& [name, params] : reader.choices(
           "extra", "",
           "further test sets: the test rows of a data set, or corruptions; \"for\": whose networks are tested",
           catalog.names("test_sets"))) {
    EvalSpec::Extra extra{.source = {}, .data = {}, .place = params.place()};
    extra.data = params.text("for", "", "data set whose networks are tested on it; empty: each of the study's");
    catalog.read("test_sets", name, params);
    Json own = Json::parse(params.resolved());
    for (auto const* key : {"name", "for"}) own.erase(key);
    extra.source = {name, own.dump()};
    eval.extra.push_back(extra);
  }
  eval.budgets =
      reader.numbers("budgets", eval.budgets, {1e-6, 1000}, "mean cost allowed, fractions of the plain cost");
  std::sort(eval.budgets.begin(), eval.budgets.end());
  refuse_repeats(reader, eval);
  eval.reference_rule =
      reader.one_of("rule", "default", {"default", "reference"},
                    "default: best on cal within the budget; reference: as published, on test") == "reference";
  refuse_unswept(reader, eval, catalog);
  eval.convention =
      reader.one_of("cost", "mac", {"mac", "fv"}, "mac: convolutions and products; fv: the reference's") == "mac"
          ? Convention::mac
          : Convention::fv;
  eval.plain = reader.flag("plain", true, "train the plain network too, one a data set, architecture and seed");
  reader.done();
  return eval;
}

}  // namespace eexit
