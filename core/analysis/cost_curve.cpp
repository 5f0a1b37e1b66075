#include <algorithm>
#include <map>

#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/statistics.h"

namespace eexit::analysis {

namespace {

struct Reading {
  std::string run, kind;
  double cost = 0, value = 0;
};

constexpr int colours = 6;  // of runs; plain networks are black, rivals grey: colours 6 and 7 of the palette

// An exit that learned nothing would press all that is to be seen into a line.
void leave_out_low_dots(Chart& chart) {
  double low = 100, high = 0;
  for (auto const& series : chart.series)
    for (double const y : series.y)
      if (series.kind != Series::Kind::dots) {
        low = std::min(low, y);
        high = std::max(high, y);
      }
  double const floor = low - std::max(high - low, 1.0);
  bool any = false;
  for (auto& series : chart.series)
    for (auto i = series.y.size(); series.kind == Series::Kind::dots && i-- > 0;)
      if (series.y[i] < floor) {
        any = true;
        series.x.erase(series.x.begin() + static_cast<long>(i));
        series.y.erase(series.y.begin() + static_cast<long>(i));
      }
  if (any) chart.subtitle += "; single exits below " + fixed(floor, 0) + " % are left out";
}

// The first row of each run: what it is.
std::map<std::string, Result> runs_of(Study const& study) {
  std::map<std::string, Result> runs;
  for (auto const& row : study.results) runs.emplace(row.run, row);
  return runs;
}

// A run's label for the legend: what differs between the runs of the study.
std::string series_name(Result const& run, bool archs, bool methods, bool datasets) {
  std::string name = run.role == "run" ? run.regime : run.arch + (run.role == "plain" ? " (plain)" : " (rival)");
  if (run.role == "run" && methods) name = run.method + " " + name;
  if (run.role == "run" && archs) name = run.arch + " " + name;
  if (datasets) name = run.data + " " + name;
  return name;
}

// Runs without heads have no method: they do not make methods differ.
template <class Get>
bool varies(std::map<std::string, Result> const& runs, Get const& get) {
  std::string first;
  for (auto const& [id, run] : runs) {
    if (run.role != "run" || get(run) == "none") continue;
    if (first.empty()) first = get(run);
    if (get(run) != first) return true;
  }
  return false;
}

// Best score of a run's frontier at a cost of at most x; none left of its cheapest point.
std::optional<double> best_at(std::vector<Reading> const& frontier, double x) {
  std::optional<double> best;
  for (auto const& point : frontier)
    if (point.cost <= x && (!best || point.value > *best)) best = point.value;
  return best;
}

// Mean and deviation over seeds of the accuracy on the frontier nearest below each cost.
Series band(std::string const& label, std::vector<std::vector<Reading>> const& seeds, int number) {
  Series series{.label = label, .kind = Series::Kind::line, .colour = number % colours, .dashed = number >= colours};
  if (seeds.size() == 1) {
    for (auto const& point : seeds[0]) {
      series.x.push_back(point.cost);
      series.y.push_back(100 * point.value);
    }
    return series;
  }
  constexpr int steps = 200;
  double low = 0, high = 0;
  for (auto const& seed : seeds) {
    low = std::max(low, seed.front().cost);
    high = std::max(high, seed.back().cost);
  }
  for (int i = 0; i <= steps; ++i) {
    double const x = low + (high - low) * i / steps;
    std::vector<double> values;
    for (auto const& seed : seeds)
      if (auto const value = best_at(seed, x)) values.push_back(100 * *value);
    auto const summary = summarise(values);
    series.x.push_back(x);
    series.y.push_back(summary.mean);
    series.low.push_back(summary.mean - summary.deviation.value_or(0));
    series.high.push_back(summary.mean + summary.deviation.value_or(0));
  }
  return series;
}

}  // namespace

Analyse cost_curve(JsonReader& reader) {
  auto const policy = reader.text("policy", "", "exit rule shown; empty: the first in the file");
  auto const confidence = reader.text("confidence", "", "confidence shown; empty: the first in the file");
  auto const split = reader.one_of("split", "test", {"test", "cal"}, "which rows");
  reader.done();
  return [=](Studies studies) {
    must_be(1, studies, "cost_curve");
    auto const& study = studies.front();
    auto const& table = study.curves;
    auto const at = [&](char const* name) { return table.column(name); };
    auto const run_at = at("run"), split_at = at("split"), policy_at = at("policy"), kind_at = at("kind"),
               confidence_at = at("confidence"), cost_at = at("cost_fraction"), value_at = at("value");
    auto const runs = runs_of(study);
    bool const archs = varies(runs, [](Result const& r) { return r.arch; });
    bool const methods = varies(runs, [](Result const& r) { return r.method; });
    bool const sets = varies(runs, [](Result const& r) { return r.data; });
    std::string rule = policy, measure = confidence;
    std::vector<std::string> order;                                            // series names as they come
    std::map<std::string, std::map<std::string, std::vector<Reading>>> lines;  // series -> run -> frontier
    std::map<std::string, std::map<double, std::vector<double>>> dots;         // series -> cost -> accuracies
    std::map<std::string, std::string> roles, owners;
    for (auto const& row : table.rows) {
      if (row[split_at] != split) continue;
      auto const& run = runs.at(row[run_at]);
      auto name = series_name(run, archs, methods, sets);
      // Two runs of one seed differ in something else (placement, batch, ...): they are no repeats of each other.
      auto const& owner = owners.emplace(name + "/" + std::to_string(run.seed), run.run).first->second;
      if (owner != run.run) name += " " + run.run.substr(run.run.rfind('-') + 1);
      if (!roles.contains(name)) order.push_back(name);
      roles[name] = run.role;
      double const cost = parse_double(row[cost_at], "cost_fraction"), value = parse_double(row[value_at], "value");
      if (row[kind_at] != "frontier") {
        dots[name][cost].push_back(100 * value);
        continue;
      }
      if (rule.empty()) rule = row[policy_at];
      if (measure.empty()) measure = row[confidence_at];
      if (row[policy_at] == rule && row[confidence_at] == measure)
        lines[name][row[run_at]].push_back({row[run_at], row[kind_at], cost, value});
    }
    if (lines.empty())
      throw SpecError(study.name + ": curves.csv has no frontier of policy \"" + rule + "\" with confidence \"" +
                      measure + "\"");
    auto const& first = study.results.front();
    auto const epochs = first.protocol;
    Chart chart{.title = "Accuracy against mean cost",
                .subtitle = study.name + ": " + (archs ? "" : first.arch + ", ") +
                            (methods ? "" : first.method + ", ") + (sets ? "" : first.data + ", ") + epochs +
                            ", policy " + rule + " (" + measure + ")",
                .x_label = "mean cost per sample, fraction of the plain network's",
                .y_label = (split == "test" ? std::string("test") : split) + " accuracy (%)",
                .guides = {0.25, 0.5, 0.75, 1}};
    Table csv{.title = "Single exits", .header = {"series", "cost fraction", "accuracy (%)", "n"}};
    int number = 0;  // of the run's line
    std::size_t most = 0;
    for (auto const& name : order) {
      bool const is_run = roles[name] == "run";
      if (is_run && lines.contains(name)) {
        std::vector<std::vector<Reading>> seeds;
        for (auto const& [run, frontier] : lines[name]) seeds.push_back(frontier);
        most = std::max(most, seeds.size());
        chart.series.push_back(band(name, seeds, number));
      }
      int const own = is_run ? number++ % colours : roles[name] == "plain" ? colours : colours + 1;
      Series points{
          .label = is_run ? "" : name, .kind = is_run ? Series::Kind::dots : Series::Kind::cross, .colour = own};
      for (auto const& [cost, values] : dots[name]) {
        auto const summary = summarise(values);
        points.x.push_back(cost);
        points.y.push_back(summary.mean);
        csv.rows.push_back({name, fixed(cost, 4), fixed(summary.mean, 2), std::to_string(summary.n)});
      }
      chart.series.push_back(points);
    }
    if (most > 1) chart.subtitle += ", n = " + std::to_string(most) + " seeds (band: one sample deviation)";
    leave_out_low_dots(chart);
    csv.footnotes = footer(study);
    return Finding{.tables = {csv}, .charts = {{"cost_curve", chart}}};
  };
}

}  // namespace eexit::analysis
