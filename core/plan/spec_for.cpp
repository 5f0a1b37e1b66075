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
  if (whole.contains("eval")) spec["eval"] = whole["eval"];
  return spec.dump(2) + "\n";
}

}  // namespace eexit
