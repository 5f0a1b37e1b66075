// Training batches: rows as they are, cropped and flipped, or through a list of operations.
#pragma once

#include <cstdint>
#include <vector>

#include "core/execute/images.h"
#include "core/pixels/augmentation.h"
#include "core/plan/spec.h"

namespace eexit {

Augmentation read_augmentation(Choice const&);

// What is done to the rows of a batch. A batch is a function of the rows and the seed, whatever the number of threads.
class Augmenter {
 public:
  explicit Augmenter(Augment const&);
  Batch batch(Images const&, std::vector<int> const& rows, std::uint64_t seed) const;
  bool changes() const { return augment_.name != "none"; }
  bool slow() const { return !chain_.empty(); }  // enough to be done beside a step

 private:
  Augment augment_;
  std::vector<Augmentation> chain_;
};

}  // namespace eexit
