// How a training file is divided: kept rows, train, val, cal. Plain index lists.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace eexit {

struct Splits {
  std::vector<int> train, val, cal;  // rows of the training file, rising
};

// `limit` rows are kept first, stratified; of these `held_out` (a share) is set apart, stratified, in two halves. Drawn
// from `seed` alone. SpecError when train, val or cal would be empty.
Splits make_splits(std::vector<int> const& labels, std::optional<int> limit, double held_out, std::uint64_t seed);

}  // namespace eexit
