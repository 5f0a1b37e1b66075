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
  // Every operating point on this table, from the cheapest on to all rows at the last exit; exact where it can be.
  std::function<std::vector<Point>(ExitTable const&)> frontier;
  // The point for a mean cost of at most `cost` MACs a row on the calibration table; none when no point meets it.
  // Never sees test. `points`: frontier(calibration), worked out once for several budgets. best_within(points, cost)
  // unless the family knows better.
  std::function<std::optional<Point>(ExitTable const& calibration, std::vector<Point> const& points, double cost)> fit;
  // The rule at given knobs. SpecError when their number or range is wrong.
  std::function<Policy(Knobs const&)> at;
  bool by_confidence = true;  // else predictions alone decide: all measures of confidence give the same
  // The frontier's points are themselves fitted to its table (some look at labels): on test those of cal are applied.
  bool fitted = false;
  // The knobs of the reference benchmark's sweep for a network of so many exits, from the cheapest on, the same for all
  // runs (eval.rule "reference"). Empty: the rule has no such sweep.
  std::function<std::vector<Knobs>(int exits)> sweep = {};
};

using PolicyMaker = PolicyFamily (*)(JsonReader&);
Registry<PolicyMaker> policies();

// Budget rule (design 8): among points whose cost is within the budget the one with the best score; ties: the cheaper,
// then the one later in the list (the higher threshold).
std::optional<Point> best_within(std::vector<Point> const& points, double cost);

// The same with fit filled in by best_within over frontier.
PolicyFamily family(std::function<std::vector<Point>(ExitTable const&)> frontier,
                    std::function<Policy(Knobs const&)> at);

// Sweep of a rule whose knob is a whole number below the number of exits.
std::vector<Knobs> whole_numbers(int exits);

}  // namespace eexit
