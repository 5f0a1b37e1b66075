#include "core/plan/placement.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/read_run.h"

namespace eexit {

namespace {

using Names = std::vector<std::string>;

Names named_exits(Names const& after, Names const& stages, Cell const& cell) {
  std::set<std::size_t> positions;
  for (std::size_t i = 0; i < after.size(); ++i) {
    auto const place = [&] { return place_in(cell, "/placement/after/" + std::to_string(i)); };
    auto const found = std::find(stages.begin(), stages.end(), after[i]);
    if (found == stages.end())
      throw SpecError(place() + ": no stage \"" + after[i] + "\"; expected " +
                      (stages.front() == "stem" ? "\"stem\" or " : "") + "a block from 0 to " +
                      std::to_string(stages.size() - (stages.front() == "stem" ? 3 : 2)));
    if (found + 1 == stages.end())
      throw SpecError(place() + ": an exit after the last block (" + after[i] +
                      ") would double the network's own classifier; expected at most " + *(found - 1));
    if (!positions.insert(static_cast<std::size_t>(found - stages.begin())).second)
      throw SpecError(place() + ": two exits at one place, after " + after[i]);
  }
  Names sorted;
  for (auto const position : positions) sorted.push_back(stages[position]);
  return sorted;
}

Names preset_exits(std::string const& name, BackboneFacts const& net, Cell const& cell, std::string const& arch) {
  auto const found = net.presets.find(name);
  if (found != net.presets.end()) return found->second;
  Names known;
  for (auto const& [preset, stages] : net.presets) known.push_back(preset);
  auto const place = place_in(cell, "/placement/preset");
  if (known.empty()) throw SpecError(place + ": " + arch + " has no placements with names; use after, count or cost");
  throw SpecError(place + ": " + arch + ": " + unknown_name("placement", name, known));
}

// For each target, a fraction of the plain cost, the last stage whose exit costs at most that.
Names exits_by_cost(std::vector<double> const& targets, Names const& possible, BackboneFacts const& net,
                    HeadFacts const& heads, std::string const& where) {
  double const plain = plain_cost(net, Convention::mac);
  Names chosen;
  std::size_t next = 0;  // the first stage after those chosen
  double carried = 0;    // MACs of the heads chosen so far
  for (double const target : targets) {
    auto best = possible.size();
    double sum = 0;
    for (std::size_t i = 0; i < possible.size(); ++i) {
      sum += net.cost[i].mac;
      // A target of 0.29 means 29 of 100, whatever the product rounds to.
      if (i >= next && carried + sum + heads.cost.at(possible[i]).mac <= target * plain * (1 + 1e-12)) best = i;
    }
    if (best < possible.size()) {
      chosen.push_back(possible[best]);
      carried += heads.cost.at(possible[best]).mac;
      next = best + 1;
      continue;
    }
    if (!chosen.empty())
      throw SpecError(where + ": two targets fall on one stage (" + chosen.back() + ", for " + shortest(target) +
                      "); ask for fewer exits or name them with after");
    throw SpecError(where + ": no exit costs at most " + shortest(target) +
                    " of the plain network; the cheapest, after " + possible.front() + ", costs " +
                    shortest(std::round((net.cost[0].mac + heads.cost.at(possible[0]).mac) / plain * 1e4) / 1e4));
  }
  return chosen;
}

}  // namespace

Names place_exits(Placement const& placement, BackboneFacts const& net, HeadsAfter const& heads, Cell const& cell,
                  std::string const& arch) {
  // The last stage's features feed the network's own classifier.
  Names const possible(net.stages.begin(), net.stages.end() - 1);
  if (possible.empty())
    throw SpecError(place_in(cell, "/placement") + ": " + arch +
                    " has a single block, and an exit after the last one would double its classifier");
  if (!placement.preset.empty()) return preset_exits(placement.preset, net, cell, arch);
  if (!placement.after.empty()) return named_exits(placement.after, net.stages, cell);
  std::vector<double> targets = placement.cost;
  for (int i = 1; i <= placement.count; ++i) targets.push_back(i / (placement.count + 1.0));
  std::sort(targets.begin(), targets.end());
  return exits_by_cost(targets, possible, net, heads(possible),
                       place_in(cell, placement.cost.empty() ? "/placement/count" : "/placement/cost"));
}

}  // namespace eexit
