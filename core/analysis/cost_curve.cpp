#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/statistics.h"
#include "core/report/pivot_items.h"

namespace eexit::analysis {

namespace {

struct Reading {
  double cost = 0, value = 0;
};

constexpr int colours = 6;  // of runs; plain networks are black, rivals grey: colours 6 and 7 of the palette

// All seeds of one line of the chart.
struct Group {
  std::string label, role;
  std::optional<std::string> panel;                   // none: in all
  std::map<std::string, std::vector<Reading>> lines;  // by run
  std::map<double, std::vector<double>> dots;         // accuracies in % of a single exit, by its cost
};

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

// Which of the repetitions of one and the same a run is.
std::vector<std::string> seeds_of(Result const& run) { return {std::to_string(run.seed), text_of(run, "head_seed")}; }

// A setting in which two runs differ, one that names a kind if there is one: what belongs to a kind differs with it.
std::string first_difference(Result const& a, Result const& b) {
  std::string first = "run";
  for (auto const& [name, value] : a.axes) {
    if (name == "head_seed" || value == text_of(b, name)) continue;
    if (name.ends_with(".name")) return name;
    if (first == "run") first = name;
  }
  return first;
}

// Columns and settings that say which runs are seeds of one and the same: all columns that vary, and as few settings
// besides as it takes.
std::vector<std::string> telling_apart(std::map<std::string, Result> const& runs) {
  std::vector<std::string> names;
  for (auto const* name : {"data", "arch", "method", "regime", "protocol", "placement"}) {
    std::set<std::string> values;
    for (auto const& [id, run] : runs)
      // Runs without heads have no method and no placement: they do not make them differ.
      if (auto const text = text_of(run, name); run.role == "run" && !text.empty() && text != "none")
        values.insert(text);
    if (values.size() > 1) names.emplace_back(name);
  }
  auto const cell_of_run = [&](Result const& run) {
    auto cell = seeds_of(run);
    for (auto const& name : names) cell.push_back(text_of(run, name));
    return cell;
  };
  while (true) {
    std::map<std::vector<std::string>, Result const*> seen;
    std::string next;
    for (auto const& [id, run] : runs) {
      if (run.role != "run") continue;
      auto const [found, fresh] = seen.try_emplace(cell_of_run(run), &run);
      if (fresh) continue;
      next = first_difference(run, *found->second);
      break;
    }
    if (next.empty()) return names;
    names.push_back(next);
  }
}

// "sdn joint, linear, batch 64"; "resnet-8 (rival)".
std::string label_of(Result const& run, std::vector<std::string> const& names) {
  auto const named = [&](char const* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (run.role != "run") {
    auto own = run.arch + (run.role == "plain" ? " (plain)" : " (rival)");
    for (auto const& name : names)
      // The network's own parameters are in its name.
      if (name.find('.') != std::string::npos && !pivots::is_foreign(name) &&
          (!name.starts_with("arch.") || name == "arch.weights"))
        own += ", " + name.substr(name.rfind('.') + 1) + " " + text_of(run, name);
    return named("data") ? run.data + " " + own : own;
  }
  std::vector<std::string> parts, settings;
  for (auto const& name : names) {
    auto text = text_of(run, name);
    if (text.empty()) text = "-";
    auto const dot = name.rfind('.');
    if (name == "placement")
      settings.push_back("after " + text);
    else if (dot == std::string::npos)
      parts.push_back(text);
    else  // a number says nothing alone
      settings.push_back(name.ends_with(".name") ? text : name.substr(dot + 1) + " " + text);
  }
  if (parts.empty() && settings.empty()) parts.push_back(run.regime);
  if (!parts.empty()) settings.insert(settings.begin(), join(parts, " "));
  return join(settings, ", ");
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

struct Asked {
  std::string policy, confidence, split, panels;
};

// The panel of a run: its own value. A plain network or a rival stands where its value is a run's; in all where it has
// none, such as a regime.
std::optional<std::string> panel_for(Result const& run, std::string const& by, std::set<std::string> const& of_runs) {
  if (by.empty()) return std::nullopt;
  auto const text = text_of(run, by);
  auto const value = text.empty() ? "-" : text;
  if (run.role == "run") return value;
  return pivots::is_foreign(by) || !of_runs.contains(value) ? std::nullopt : std::optional(value);
}

// The groups in order of first appearance. `asked` is given the rule and measure shown where it names none.
std::vector<Group> groups_of(Study const& study, std::map<std::string, Result> const& runs,
                             std::vector<std::string> const& names, Asked& asked) {
  auto const& table = study.curves;
  auto const at = [&](char const* name) { return table.column(name); };
  auto const run_at = at("run"), split_at = at("split"), policy_at = at("policy"), kind_at = at("kind"),
             confidence_at = at("confidence"), cost_at = at("cost_fraction"), value_at = at("value");
  std::set<std::string> panels;
  for (auto const& [id, run] : runs)
    if (run.role == "run") panels.insert(panel_for(run, asked.panels, {}).value_or(""));
  std::vector<Group> groups;
  for (auto const& row : table.rows) {
    if (row[split_at] != asked.split) continue;
    auto const& run = runs.at(row[run_at]);
    auto const label = label_of(run, names);
    auto const panel = panel_for(run, asked.panels, panels);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](Group const& g) { return g.label == label && g.panel == panel; });
    if (group == groups.end())
      group = groups.insert(groups.end(), {.label = label, .role = run.role, .panel = panel, .lines = {}, .dots = {}});
    double const cost = parse_double(row[cost_at], "cost_fraction"), value = parse_double(row[value_at], "value");
    if (row[kind_at] != "frontier") {
      group->dots[cost].push_back(100 * value);
      continue;
    }
    if (asked.policy.empty()) asked.policy = row[policy_at];
    if (asked.confidence.empty() && row[policy_at] == asked.policy) asked.confidence = row[confidence_at];
    if (row[policy_at] == asked.policy && row[confidence_at] == asked.confidence)
      group->lines[row[run_at]].push_back({cost, value});
  }
  if (std::all_of(groups.begin(), groups.end(), [](Group const& g) { return g.lines.empty(); }))
    throw SpecError(study.name + ": curves.csv has no frontier of policy \"" + asked.policy + "\" with confidence \"" +
                    asked.confidence + "\"");
  return groups;
}

std::string subtitle_of(Study const& study, std::vector<std::string> const& varying, Asked const& asked) {
  auto const& first = study.results.front();
  std::vector<std::string> constants;
  for (auto const* name : {"arch", "method", "data", "protocol"})
    if (std::find(varying.begin(), varying.end(), name) == varying.end()) constants.push_back(text_of(first, name));
  return study.name + ": " + join(constants, ", ") + ", policy " + asked.policy + " (" + asked.confidence + ")";
}

// Panels: those of runs, in order of first appearance; -1 where a group stands in all.
int panel_of(Chart const& chart, Group const& group) {
  if (chart.panels.empty()) return 0;
  if (!group.panel) return -1;
  return static_cast<int>(std::find(chart.panels.begin(), chart.panels.end(), *group.panel) - chart.panels.begin());
}

// A group's line and its single exits. `number`: of its label among the runs'.
std::vector<Series> series_of(Group const& group, int number) {
  std::vector<Series> made;
  auto const label = shortened(group.label, 64);
  bool const is_run = group.role == "run";
  if (is_run && !group.lines.empty()) {
    std::vector<std::vector<Reading>> seeds;
    for (auto const& [run, frontier] : group.lines) seeds.push_back(frontier);
    made.push_back(band(label, seeds, number));
  }
  Series points{.label = is_run ? "" : label,
                .kind = is_run ? Series::Kind::dots : Series::Kind::cross,
                .colour = is_run                  ? number % colours
                          : group.role == "plain" ? colours
                                                  : colours + 1};
  for (auto const& [cost, values] : group.dots) {
    points.x.push_back(cost);
    points.y.push_back(summarise(values).mean);
  }
  made.push_back(points);
  return made;
}

Chart chart_of(std::vector<Group> const& groups) {
  Chart chart{.title = "Accuracy against mean cost",
              .x_label = "mean cost per sample, fraction of the plain network's",
              .guides = {0.25, 0.5, 0.75, 1}};
  std::vector<std::string> labels;
  std::size_t seeds = 0;
  for (auto const& group : groups) {
    if (group.role != "run") continue;
    seeds = std::max(seeds, group.lines.size());
    if (std::find(labels.begin(), labels.end(), group.label) == labels.end()) labels.push_back(group.label);
    if (group.panel && std::find(chart.panels.begin(), chart.panels.end(), *group.panel) == chart.panels.end())
      chart.panels.push_back(*group.panel);
  }
  for (auto const& group : groups) {
    auto const number = std::find(labels.begin(), labels.end(), group.label) - labels.begin();
    auto const own = panel_of(chart, group);
    for (auto& series : series_of(group, static_cast<int>(number)))
      for (int panel = std::max(own, 0); panel <= (own < 0 ? static_cast<int>(chart.panels.size()) - 1 : own);
           ++panel) {
        series.panel = panel;
        chart.series.push_back(series);
      }
  }
  if (seeds > 1) chart.subtitle = ", n = " + std::to_string(seeds) + " seeds (band: one sample deviation)";
  return chart;
}

Table exits_of(std::vector<Group> const& groups, std::string const& panels) {
  Table csv{.title = "Single exits", .header = {"series", "cost fraction", "accuracy (%)", "n"}};
  if (!panels.empty()) csv.header.insert(csv.header.begin(), panels);
  for (auto const& group : groups)
    for (auto const& [cost, values] : group.dots) {
      auto const summary = summarise(values);
      auto& row = csv.rows.emplace_back();
      if (!panels.empty()) row.push_back(group.panel.value_or("all"));
      row.insert(row.end(), {group.label, fixed(cost, 4), fixed(summary.mean, 2), std::to_string(summary.n)});
    }
  return csv;
}

// What panels are split by where nobody says it: the regime, where one picture would hold more lines than colours.
std::string panels_for(std::map<std::string, Result> const& runs, std::vector<std::string> const& names) {
  std::set<std::string> labels;
  for (auto const& [id, run] : runs)
    if (run.role == "run") labels.insert(label_of(run, names));
  bool const regimes = std::find(names.begin(), names.end(), "regime") != names.end();
  return regimes && names.size() > 1 && labels.size() > colours ? "regime" : "";
}

}  // namespace

Analyse cost_curve(JsonReader& reader) {
  Asked spec;
  spec.policy = reader.text("policy", "", "exit rule shown; empty: the first in the file");
  spec.confidence = reader.text("confidence", "", "confidence shown; empty: the rule's first in the file");
  spec.split = reader.one_of("split", "test", {"test", "cal"}, "which rows");
  spec.panels =
      reader.text("panels", "",
                  "column of results.csv or setting, such as train.batch, with one picture a value; none: one "
                  "picture; empty: regime where there are more than six lines");
  reader.done();
  return [spec](Studies studies) {
    must_be(1, studies, "cost_curve");
    auto const& study = studies.front();
    auto asked = spec;
    auto const runs = runs_of(study);
    auto names = telling_apart(runs);
    auto const varying = names;
    if (asked.panels.empty()) asked.panels = panels_for(runs, names);
    if (asked.panels == "none") asked.panels.clear();
    if (!asked.panels.empty()) must_be_columns({asked.panels}, study.results, "cost_curve: panels");
    std::erase(names, asked.panels);
    auto const groups = groups_of(study, runs, names, asked);
    auto chart = chart_of(groups);
    chart.subtitle = subtitle_of(study, varying, asked) + chart.subtitle;
    chart.y_label = asked.split + " accuracy (%)";
    leave_out_low_dots(chart);
    auto csv = exits_of(groups, asked.panels);
    csv.footnotes = footer(study);
    return Finding{.tables = {csv}, .charts = {{"cost_curve", chart}}};
  };
}

}  // namespace eexit::analysis
