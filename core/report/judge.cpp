#include "core/report/judge.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/error.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/exits/statistics.h"
#include "core/plan/tuning.h"

namespace eexit {

PolicyFamily family_of(EvalSpec::Rule const& rule) {
  JsonReader reader(rule.policy.params, std::make_shared<Source>());
  return find(policies(), "policy", rule.policy.name, "policy").make(reader);
}

namespace {

// The knobs for a budget from a family's frontier on cal.
std::optional<Knobs> knobs_for(PolicyFamily const& family, ExitTable const& cal, std::vector<Point> const& points,
                               std::optional<double> budget) {
  if (!budget) return points.back().knobs;  // the dearest point: all rows at the last exit
  auto const point = family.fit(cal, points, *budget * cal.plain_cost);
  if (!point) return std::nullopt;
  return point->knobs;
}

}  // namespace

Measure measure_of(EvalSpec::Rule const& rule, Temperatures const& temperatures) {
  return {confidence_from(rule.confidence), rule.temperature ? temperatures() : std::vector<double>{}};
}

std::optional<Knobs> fitted_knobs(EvalSpec::Rule const& rule, ExitTable const& cal, std::optional<double> budget) {
  auto const family = family_of(rule);
  return knobs_for(family, cal, family.frontier(cal), budget);
}

namespace {

// Knobs are fitted on the first; all are judged by them.
std::vector<std::string> splits_of(FinishedRun const& finished) {
  std::vector<std::string> all = {"cal", "test"};
  all.insert(all.end(), finished.further.begin(), finished.further.end());
  return all;
}

bool is_further(std::string const& split) { return split != "cal" && split != "test"; }

constexpr double over_budget_by = 1.01;

std::string budget_text(std::optional<double> budget) { return budget ? shortest(*budget) : "max"; }

std::string epochs_text(FinishedRun const& finished) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < finished.run->phases.size(); ++i) {
    auto const& phase = finished.run->phases[i];
    auto const* train = std::get_if<Train>(&phase.phase);
    if (train == nullptr) continue;  // it takes no step
    auto const& length = train->length;
    bool const cut = i < finished.spent.size() && finished.spent[i].steps != phase.steps;
    parts.push_back(train->name + ":" +
                    (cut                ? shortest(std::round(finished.spent[i].epochs * 100) / 100)
                     : length.steps > 0 ? std::to_string(length.epochs) + "+" + std::to_string(length.steps) + " steps"
                                        : std::to_string(length.epochs)));
  }
  return join(parts, ";");
}

Result blank(std::string const& study, FinishedRun const& finished, Convention convention) {
  Run const& run = *finished.run;
  Result row;
  row.study = study;
  row.run = run.id;
  row.role = name_of(run.role);
  row.arch = run.arch_label;
  row.data = run.data.source.name;
  row.method = run.method_label;
  row.regime = run.regime_label;
  row.protocol = name_of(run.train.protocol.kind);
  row.placement = run.placement;
  row.seed = run.seed;
  row.convention = name_of(convention);
  row.params = run.params;
  row.epochs = epochs_text(finished);
  for (std::size_t i = 0; i < run.phases.size(); ++i)
    row.training_macs += i < finished.spent.size() ? finished.spent[i].macs : run.phases[i].macs;
  row.training_macs += finished.tuning_macs.value_or(tuning_macs(run));
  return row;
}

void set_outcome(Result& row, Outcome const& outcome, ExitTable const& table, std::optional<double> budget) {
  row.value = outcome.score;
  row.cost = outcome.cost;
  row.cost_fraction = outcome.cost / table.plain_cost;
  row.exits = outcome.leaving;
  row.over_budget = budget && *row.cost_fraction > *budget * over_budget_by;
}

// What stands in for knobs where none meets the budget: the cheapest cost there is.
void set_unreachable(Result& row, ExitTable const& table) {
  row.cost = table.cost.front();
  row.cost_fraction = table.cost.front() / table.plain_cost;
}

// Tables of one run, made once for each split and measure, and its temperatures.
class Tables {
 public:
  explicit Tables(FinishedRun const& run) : run_(run) {}
  ExitTable const& at(std::string const& split, EvalSpec::Rule const& rule) {
    auto const key = split + "/" + rule.measure();
    auto const found = made_.find(key);
    if (found != made_.end()) return found->second;
    auto const measure = measure_of(rule, [&] { return temperatures(); });
    return made_[key] = run_.table(split, measure);
  }
  std::vector<double> const& temperatures() {
    if (!temperatures_) temperatures_ = run_.temperatures();
    return *temperatures_;
  }

 private:
  FinishedRun const& run_;
  std::map<std::string, ExitTable> made_;
  std::optional<std::vector<double>> temperatures_;
};

// The reference benchmark's rule (facts: evaluation 4): curves on test averaged over seeds index by index, then the
// last entry before the first that costs too much.
class ReferenceRule {
 public:
  void add(std::string const& cell, EvalSpec::Rule const& rule, ExitTable const& test) {
    auto& sweep = sweeps_[cell + "/" + rule.name() + "/" + rule.measure()];
    auto const family = family_of(rule);
    require(static_cast<bool>(family.sweep), "the reference's rule has a sweep to choose from");
    if (sweep.knobs.empty()) sweep.knobs = family.sweep(test.exits);
    sweep.cost.resize(sweep.knobs.size());
    for (std::size_t i = 0; i < sweep.knobs.size(); ++i)
      sweep.cost[i] += simulate(test, family.at(sweep.knobs[i])).cost;
    ++sweep.runs;
    sweep.plain = test.plain_cost;
  }
  std::optional<Knobs> knobs(std::string const& cell, EvalSpec::Rule const& rule, std::optional<double> budget) const {
    auto const& sweep = sweeps_.at(cell + "/" + rule.name() + "/" + rule.measure());
    if (!budget) return sweep.knobs.back();
    std::size_t k = 0;
    while (k < sweep.knobs.size() && sweep.cost[k] / sweep.runs <= *budget * sweep.plain) ++k;
    if (k == 0) return std::nullopt;
    return sweep.knobs[k - 1];
  }

 private:
  struct Sweep {
    std::vector<Knobs> knobs;
    std::vector<double> cost;  // sums over runs
    int runs = 0;
    double plain = 0;
  };
  std::map<std::string, Sweep> sweeps_;
};

// One rule on one run: what is fitted on cal, once for both splits.
struct Fitted {
  PolicyFamily family;
  std::vector<Point> choices;               // the frontier on cal
  std::vector<std::optional<Knobs>> knobs;  // by budget
};

// The curve of a rule on a table. One whose points are fitted to a table takes those of cal: fitted on test they would
// have seen its answers.
std::vector<Point> curve_of(Fitted const& fitted, ExitTable const& table) {
  if (!fitted.family.fitted) return fitted.family.frontier(table);
  std::vector<Point> points;
  for (auto const& choice : thin(fitted.choices, 500)) {
    auto const outcome = simulate(table, fitted.family.at(choice.knobs));
    points.push_back({choice.knobs, outcome.cost, outcome.score});
  }
  std::stable_sort(points.begin(), points.end(), [](Point const& a, Point const& b) { return a.cost < b.cost; });
  return points;
}

class Judge {
 public:
  Judge(std::string const& study, EvalSpec const& eval) : study_(study), eval_(eval) {
    for (double const budget : eval.budgets) budgets_.emplace_back(budget);
    budgets_.emplace_back(std::nullopt);
    verdict_.curves.header = {"study", "run",   "split", "policy",        "confidence",
                              "kind",  "knobs", "cost",  "cost_fraction", "value"};
  }

  Verdict all(std::vector<FinishedRun> const& runs) {
    for (auto const& finished : runs) prepare(finished);
    for (auto const& finished : runs) {
      throw_if_stop_requested();
      if (!finished.table) {
        auto row = blank(study_, finished, eval_.convention);
        row.metric = "failed";
        verdict_.results.push_back(row);
      } else if (finished.run->role == Role::run) {
        run(finished);
      } else {
        single(finished);
      }
    }
    return std::move(verdict_);
  }

 private:
  // What rows of one run need to know of others: the plain network's accuracy on cal, sweeps over all seeds.
  void prepare(FinishedRun const& finished) {
    if (!finished.table) return;
    auto const& run = *finished.run;
    if (run.role == Role::plain)
      plain_on_cal_[run.id] = accuracy(finished.table("cal", Confidence::max_probability), 0);
    if (run.role != Role::run || !eval_.reference_rule) return;
    for (auto const& rule : eval_.policies)
      reference_.add(run.cell, rule, finished.table("test", measure_of(rule, finished.temperatures)));
  }

  void run(FinishedRun const& finished) {
    Tables tables(finished);
    auto const& run = *finished.run;
    std::vector<Fitted> fitted;
    for (auto const& rule : eval_.policies) fitted.push_back(fit(run, rule, tables.at("cal", rule)));
    for (auto const& split : splits_of(finished)) {
      auto const& any = tables.at(split, eval_.policies.front());
      auto const base = blank(study_, finished, eval_.convention);
      for (std::size_t i = 0; i < fitted.size(); ++i) {
        auto const& rule = eval_.policies[i];
        auto const& table = tables.at(split, rule);
        bool const on_cal = split == "cal";
        auto const frontier = on_cal ? fitted[i].choices : curve_of(fitted[i], table);
        Result row = base;
        row.split = split;
        row.policy = rule.name();
        row.confidence = rule.measure();
        if (rule.temperature) row.temperature = join(tables.temperatures(), ";");
        for (std::size_t b = 0; b < budgets_.size(); ++b)
          verdict_.results.push_back(at_budget(row, fitted[i], b, table));
        headlines(row, run, fitted[i], table, frontier);
        // Of further test sets, which may be a hundred, curves.csv has single exits alone.
        if (!is_further(split))
          for (auto const& point : thin(frontier)) curve(row, "frontier", point.knobs, point.cost, point.score, table);
      }
      oracle_rows(base, split, any);
      Result exits = base;
      exits.split = split;
      for (int k = 0; k < any.exits; ++k)
        curve(exits, "exit", {static_cast<double>(k)}, any.cost[static_cast<std::size_t>(k)], accuracy(any, k), any);
    }
  }

  Fitted fit(Run const& run, EvalSpec::Rule const& rule, ExitTable const& cal) const {
    Fitted fitted{.family = family_of(rule), .choices = {}, .knobs = {}};
    fitted.choices = fitted.family.frontier(cal);
    for (auto const& budget : budgets_)
      fitted.knobs.push_back(eval_.reference_rule ? reference_.knobs(run.cell, rule, budget)
                                                  : knobs_for(fitted.family, cal, fitted.choices, budget));
    return fitted;
  }

  Result at_budget(Result row, Fitted const& fitted, std::size_t budget, ExitTable const& table) const {
    row.budget = budget_text(budgets_[budget]);
    row.metric = "accuracy";
    auto const& knobs = fitted.knobs[budget];
    if (!knobs) {
      set_unreachable(row, table);
      return row;
    }
    row.knobs = join(*knobs, ";");
    set_outcome(row, simulate(table, fitted.family.at(*knobs)), table, budgets_[budget]);
    return row;
  }

  void headlines(Result row, Run const& run, Fitted const& fitted, ExitTable const& table,
                 std::vector<Point> const& frontier) {
    row.metric = "auc";
    row.value = area_under(frontier, table.plain_cost);
    verdict_.results.push_back(row);
    auto const plain = plain_on_cal_.find(run.plain_run);
    if (plain == plain_on_cal_.end()) return;
    auto const& choices = fitted.choices;
    for (int points = 0; points <= 2; ++points) {
      row.metric = "cost_at_" + std::to_string(points);
      row.value.reset();
      row.knobs.clear();
      // Shares of rows: a hair of slack, so that 0.89 is one point below 0.9 whatever the difference rounds to.
      double const wanted = plain->second - points / 100.0 - 1e-9;
      auto const good =
          std::find_if(choices.begin(), choices.end(), [&](Point const& point) { return point.score >= wanted; });
      if (good != choices.end()) {
        row.knobs = join(good->knobs, ";");
        row.value = simulate(table, fitted.family.at(good->knobs)).cost / table.plain_cost;
      }
      verdict_.results.push_back(row);
    }
  }

  void oracle_rows(Result row, std::string const& split, ExitTable const& table) {
    row.split = split;
    row.policy = "oracle";
    row.metric = "accuracy";
    for (auto const& budget : budgets_) {
      row.budget = budget_text(budget);
      auto const bound = oracle(table, budget ? *budget * table.plain_cost : table.cost.back());
      Result bounded = row;
      if (bound)
        set_outcome(bounded, *bound, table, budget);
      else
        set_unreachable(bounded, table);
      verdict_.results.push_back(bounded);
    }
  }

  // A plain network or a rival: one accuracy, one cost.
  void single(FinishedRun const& finished) {
    for (auto const& split : splits_of(finished)) {
      auto const table = finished.table(split, Confidence::max_probability);
      Result row = blank(study_, finished, eval_.convention);
      row.split = split;
      row.budget = "max";
      row.metric = "accuracy";
      row.value = accuracy(table, 0);
      row.cost = table.cost[0];
      row.cost_fraction = table.cost[0] / table.plain_cost;
      row.exits = {table.rows};
      verdict_.results.push_back(row);
      curve(row, row.role, {}, table.cost[0], *row.value, table);
    }
  }

  void curve(Result const& row, std::string const& kind, Knobs const& knobs, double cost, double value,
             ExitTable const& table) {
    verdict_.curves.rows.push_back({study_, row.run, row.split, row.policy, row.confidence, kind, join(knobs, ";"),
                                    shortest(cost), shortest(cost / table.plain_cost), shortest(value)});
  }

  std::string study_;
  EvalSpec eval_;
  std::vector<std::optional<double>> budgets_;
  std::map<std::string, double> plain_on_cal_;
  ReferenceRule reference_;
  Verdict verdict_;
};

}  // namespace

Verdict judge(std::string const& study, std::vector<FinishedRun> const& runs, EvalSpec const& eval) {
  return Judge(study, eval).all(runs);
}

}  // namespace eexit
