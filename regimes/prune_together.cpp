// Backbone and heads pruned together (Gormez and Koyuncu 2022, arXiv 2207.03644; facts: pruning 2).
#include "regimes/pruning.h"

namespace eexit::regime {

MakePhases prune_together(JsonReader& reader) {
  auto const after =
      reader.one_of("after", "joint", {"joint", "mixed", "disjoint"}, "how the network is trained first");
  auto const epochs = reader.integers("epochs", {}, {1, 1000000},
                                      "of the phases before the first round; none, for joint: what the protocol gives");
  auto const rounds = read_rounds(reader);
  auto const expected = after == "joint" ? 1u : 2u;
  if (!epochs.empty() && epochs.size() != expected)
    reader.fail("epochs", "expected one number a phase of " + after + ", " + std::to_string(expected) +
                              " in all, found " + std::to_string(epochs.size()));
  reader.done();
  return [=](TrainSpec const& spec) {
    auto const length = [&](std::size_t i) { return epochs.empty() ? 0 : epochs[i]; };
    std::vector<Phase> phases;
    if (after != "joint") phases.push_back(backbone_phase(spec, length(0)));
    phases.push_back(after == "disjoint" ? heads_phase(spec, length(1)) : joint_phase(spec, length(phases.size())));
    add_rounds(phases, rounds, spec, {"stage.", "head.", "last."}, {"stage.", "head.", "last.", "extra."});
    return phases;
  };
}

}  // namespace eexit::regime
