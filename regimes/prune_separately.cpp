// The backbone pruned first, then heads attached to it and pruned (Gormez and Koyuncu 2022, arXiv 2207.03644; facts:
// pruning 2). The last classifier is the backbone's.
#include "regimes/pruning.h"

namespace eexit::regime {

MakePhases prune_separately(JsonReader& reader) {
  auto const epochs = reader.integers("epochs", {}, {1, 1000000},
                                      "of the backbone before the first round; none: what the protocol gives");
  auto const rounds = read_rounds(reader);
  if (rounds.prune.by == Prune::By::channels)
    reader.fail("by", "expected weights to prune: heads have no channels that could be removed; use prune_together");
  if (epochs.size() > 1)
    reader.fail("epochs", "expected one number, of the backbone, found " + std::to_string(epochs.size()));
  reader.done();
  return [=](TrainSpec const& spec) {
    std::vector<Phase> phases = {backbone_phase(spec, epochs.empty() ? 0 : epochs.front())};
    add_rounds(phases, rounds, spec, {"stage.", "last."}, {"stage.", "last."});
    add_rounds(phases, rounds, spec, {"head."}, {"head.", "extra."});
    return phases;
  };
}

}  // namespace eexit::regime
