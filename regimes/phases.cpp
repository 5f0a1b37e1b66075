#include <algorithm>

#include "core/base/text.h"
#include "regimes/regime.h"

namespace eexit::regime {

MakePhases phases(JsonReader& reader) {
  auto const names = reader.texts("phases", {}, "backbone, joint, heads in any order and number");
  auto const epochs =
      reader.integers("epochs", {}, {1, 1000000}, "one a phase; may be left out where the protocol says");
  auto const passes = reader.later_numbers("passes", {0, 1e6},
                                           "over the training rows, one number a phase, beside what the protocol gives "
                                           "phases that have 0 here");
  auto const seconds = reader.later_numbers(
      "seconds", {0, 1e7}, "of training on this machine, likewise; turned into steps when it is planned");
  std::vector<std::string> const known = {"backbone", "joint", "heads"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const place = reader.place("phases") + "/" + std::to_string(i);
    if (std::find(known.begin(), known.end(), names[i]) == known.end())
      throw SpecError(place + ": " + unknown_name("kind of phase", names[i], known));
    // The plain network is trained without heads: once they exist it would leave them behind.
    if (i > 0 && names[i] == "backbone" && names[i - 1] != "backbone")
      throw SpecError(place + ": a backbone phase cannot follow one with heads");
  }
  auto const one_a_phase = [&](std::string const& key, std::size_t count) {
    if (count != 0 && count != names.size())
      reader.fail(key, "expected one number a phase, " + std::to_string(names.size()) + " in all, found " +
                           std::to_string(count));
  };
  one_a_phase("epochs", epochs.size());
  one_a_phase("passes", passes.size());
  one_a_phase("seconds", seconds.size());
  if (!epochs.empty() && !(passes.empty() && seconds.empty()))
    reader.fail("epochs",
                "expected either epochs, or passes and seconds; the protocol gives phases without them theirs");
  for (std::size_t i = 0; i < passes.size() && !seconds.empty(); ++i)
    if (passes[i] > 0 && seconds[i] > 0)
      reader.fail("seconds", "expected passes or seconds for phase " + std::to_string(i + 1) + ", found both");
  reader.done();
  return [names, epochs, passes, seconds](TrainSpec const& spec) {
    std::vector<Phase> list;
    for (std::size_t i = 0; i < names.size(); ++i) {
      int const length = epochs.empty() ? 0 : epochs[i];
      list.push_back(names[i] == "backbone" ? backbone_phase(spec, length)
                     : names[i] == "joint"  ? joint_phase(spec, length)
                                            : heads_phase(spec, length));
      auto& train = std::get<Train>(list.back());
      if (!passes.empty()) train.passes = passes[i];
      if (!seconds.empty()) train.seconds = seconds[i];
    }
    return list;
  };
}

}  // namespace eexit::regime
