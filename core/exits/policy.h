// Exit rules. One file a family in core/exits/policies; the list is policies/list.inc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/exits/exit_table.h"

namespace eexit {

struct PolicyFamily {
  // Every operating point on this table, from the cheapest on, exact where it can be.
  std::function<std::vector<Point>(ExitTable const&)> frontier;
  // The knobs for a mean cost of at most `cost` MACs a row on the calibration table; none when no point meets it.
  // Never sees test. best_within(frontier(table), cost) unless the family knows better.
  std::function<std::optional<Point>(ExitTable const& calibration, double cost)> fit;
  // The rule at given knobs. SpecError when their number or range is wrong.
  std::function<Policy(Knobs const&)> at;
  bool by_confidence = true;  // else predictions alone decide: all measures of confidence give the same
};

using PolicyMaker = PolicyFamily (*)(JsonReader&);
Registry<PolicyMaker> policies();

// Budget rule (design 8): among points whose cost is within the budget the one with the best score; ties: the cheaper,
// then the one later in the list (the higher threshold).
std::optional<Point> best_within(std::vector<Point> const& points, double cost);

// The same with fit filled in by best_within over frontier.
PolicyFamily family(std::function<std::vector<Point>(ExitTable const&)> frontier,
                    std::function<Policy(Knobs const&)> at);

// The reference benchmark's sweep (facts: 100 thresholds, linspace(0, 1, 100) inclusive), for eval.rule "reference".
std::vector<double> reference_thresholds();

}  // namespace eexit
