#include "core/plan/splits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "core/base/text.h"

namespace eexit {

namespace {

using ByClass = std::map<int, std::vector<int>>;

// How many of each class make `wanted` in all: proportional, the largest remainders rounded up, ties to the lower
// class.
std::map<int, int> shares(ByClass const& rows, long total, long wanted) {
  std::map<int, int> counts;
  std::vector<std::pair<double, int>> remainders;
  long given = 0;
  for (auto const& [label, members] : rows) {
    double const exact = static_cast<double>(members.size()) * static_cast<double>(wanted) / static_cast<double>(total);
    counts[label] = static_cast<int>(exact);
    given += counts[label];
    remainders.emplace_back(-(exact - counts[label]), label);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; given < wanted; ++i, ++given) ++counts[remainders[i].second];
  return counts;
}

}  // namespace

Splits make_splits(std::vector<int> const& labels, std::optional<int> limit, double held_out, std::uint64_t seed) {
  ByClass rows;
  for (std::size_t i = 0; i < labels.size(); ++i) rows[labels[i]].push_back(static_cast<int>(i));
  for (auto& [label, members] : rows) {
    Random random(stream_seed(seed, {"split", std::to_string(label)}));
    shuffle(members, random);
  }
  long total = static_cast<long>(labels.size());
  if (limit && *limit < total) {
    auto const kept = shares(rows, total, *limit);
    for (auto& [label, members] : rows) members.resize(static_cast<std::size_t>(kept.at(label)));
    total = *limit;
  }
  auto const apart = shares(rows, total, std::lround(static_cast<double>(total) * held_out));

  Splits splits;
  bool to_val = true;  // goes on from class to class, so that both halves differ by at most one row
  for (auto const& [label, members] : rows) {
    auto const held = static_cast<std::size_t>(apart.at(label));
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i >= held) {
        splits.train.push_back(members[i]);
        continue;
      }
      (to_val ? splits.val : splits.cal).push_back(members[i]);
      to_val = !to_val;
    }
  }
  for (auto* part : {&splits.train, &splits.val, &splits.cal}) {
    if (part->empty())
      throw SpecError(grouped(total) + " kept rows with held_out " + shortest(held_out) +
                      " leave train, val or cal empty; raise limit or held_out");
    std::sort(part->begin(), part->end());
  }
  return splits;
}

}  // namespace eexit
