#include <nlohmann/json.hpp>
#include <set>

#include "core/plan/cells.h"
#include "core/plan/plan.h"

namespace eexit {

std::string spec_for(Plan const& plan, std::vector<Run const*> const& runs) {
  using Json = nlohmann::ordered_json;
  auto const whole = Json::parse(plan.spec);
  Json spec = {{"study", plan.study}, {"include", Json::array()}};
  std::set<std::string> added;
  auto const add = [&](char const* list, std::string const& text) {
    if (added.insert(list + text).second) spec[list].push_back(Json::parse(text));
  };
  for (auto const* run : runs) {
    add("include", run->written->text());
    if (run->rival) add("rivals", run->rival->object());
  }
  if (!whole.contains("eval")) return spec.dump(2) + "\n";
  auto& eval = spec["eval"] = whole["eval"];
  // A test set must be for the networks of some run.
  std::set<std::string> data = {""};
  for (auto const* run : runs) data.insert(run->data.source.name);
  if (eval.contains("extra"))
    std::erase_if(eval["extra"].get_ref<Json::array_t&>(),
                  [&](Json const& set) { return !data.contains(set.value("for", "")); });
  return spec.dump(2) + "\n";
}

}  // namespace eexit
