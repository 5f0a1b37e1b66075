#include <algorithm>

#include "core/base/text.h"
#include "regimes/regime.h"

namespace eexit::regime {

MakePhases phases(JsonReader& reader) {
  auto const names = reader.texts("phases", {}, "backbone, joint, heads in any order and number");
  auto const epochs =
      reader.integers("epochs", {}, {1, 1000000}, "one a phase; may be left out where the protocol says");
  std::vector<std::string> const known = {"backbone", "joint", "heads"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const place = reader.place("phases") + "/" + std::to_string(i);
    if (std::find(known.begin(), known.end(), names[i]) == known.end())
      throw SpecError(place + ": " + unknown_name("kind of phase", names[i], known));
    // The plain network is trained without heads: once they exist it would leave them behind.
    if (i > 0 && names[i] == "backbone" && names[i - 1] != "backbone")
      throw SpecError(place + ": a backbone phase cannot follow one with heads");
  }
  if (!epochs.empty() && epochs.size() != names.size())
    reader.fail("epochs", "expected one number a phase, " + std::to_string(names.size()) + " in all, found " +
                              std::to_string(epochs.size()));
  reader.done();
  return [names, epochs](TrainSpec const& spec) {
    std::vector<Phase> list;
    for (std::size_t i = 0; i < names.size(); ++i) {
      int const length = epochs.empty() ? 0 : epochs[i];
      list.push_back(names[i] == "backbone" ? backbone_phase(spec, length)
                     : names[i] == "joint"  ? joint_phase(spec, length)
                                            : heads_phase(spec, length));
    }
    return list;
  };
}

}  // namespace eexit::regime
