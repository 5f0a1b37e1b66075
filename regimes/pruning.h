// What regimes that prune share: rounds of pruning, each followed by fine-tuning.
#pragma once

#include "regimes/regime.h"

namespace eexit {

struct Rounds {
  Prune prune;  // what it is within is set by who prunes
  int count = 20;
  int steps = 0;  // of fine-tuning after each; 0: the protocol's
};

// Reads by, rounds, rate, without, allow_empty and batches.
Rounds read_rounds(JsonReader&);

// Appends so many times: prune, then fine-tune what is named in `learn`.
void add_rounds(std::vector<Phase>&, Rounds const&, TrainSpec const&, std::vector<std::string> const& within,
                std::vector<std::string> const& learn);

}  // namespace eexit
