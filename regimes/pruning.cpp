#include "regimes/pruning.h"

namespace eexit {

Rounds read_rounds(JsonReader& reader) {
  using By = Prune::By;
  std::vector<std::pair<std::string, By>> const kinds = {{"magnitude", By::magnitude},
                                                         {"layer", By::layer},
                                                         {"random", By::random},
                                                         {"gradient", By::gradient},
                                                         {"channels", By::channels}};
  std::vector<std::string> names;
  for (auto const& [name, by] : kinds) names.push_back(name);
  Rounds rounds;
  auto& prune = rounds.prune;
  auto const name = reader.one_of(
      "by", "magnitude", names,
      "magnitude: the smallest weights of all; layer: the smallest of each layer; random; gradient: the smallest "
      "|gradient x weight|; channels: whole channels of the network, by the norm of what writes them");
  for (auto const& [known, by] : kinds)
    if (known == name) prune.by = by;
  rounds.count = reader.integer("rounds", 20, {1, 1000}, "of pruning, each followed by fine-tuning");
  rounds.steps = reader.integer("steps", 0, {0, 1000000},
                                "of fine-tuning a round, beside the protocol's; 0: a round's share of what it leaves");
  prune.rate = reader.number("rate", 0.1, {1e-6, 1}, "share of the weights, or channels, left that a round prunes");
  prune.without = reader.texts("without", {}, "beginnings of names of weights that are spared: stage.stem., last.");
  prune.allow_empty = reader.flag("allow_empty", false, "a layer may lose its last weight");
  if (prune.allow_empty && prune.by == By::channels)
    reader.fail("allow_empty", "has no effect with channels, the last of which always stays");
  prune.batches =
      reader.integer_where(prune.by == By::gradient, "batches", 8, {1, 100000}, "gradient: that it is summed over");
  return rounds;
}

void add_rounds(std::vector<Phase>& phases, Rounds const& rounds, TrainSpec const& spec,
                std::vector<std::string> const& within, std::vector<std::string> const& learn) {
  for (int round = 0; round < rounds.count; ++round) {
    auto prune = rounds.prune;
    prune.within = within;
    phases.push_back(std::move(prune));
    phases.push_back(fine_tune_phase(spec, learn, rounds.steps));
  }
}

}  // namespace eexit
