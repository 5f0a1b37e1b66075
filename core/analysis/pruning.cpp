// What pruning left (facts: pruning 3, 4): sparsity by layer, and accuracy and multiply-accumulates by exit.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/analysis/analysis.h"
#include "core/analysis/run_files.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/policy.h"
#include "core/exits/statistics.h"
#include "core/store/exit_file.h"

namespace eexit::analysis {

namespace {

using Json = nlohmann::json;

struct Layer {
  std::string name;
  double weights = 0, left = 0, macs = 0, macs_left = 0;
};

// One run at its end.
struct Pruned {
  std::vector<Layer> layers;             // in the order in which they are run; none: nothing was pruned
  std::vector<double> dense, left;       // [exits]: MACs up to and including the exit
  std::vector<double> accuracy;          // [exits], on test
  std::map<std::string, double> before;  // on val by exit, before the first round
  long steps = 0, steps_before = 0;
  bool pruned = false;
  double macs = 0;
  ExitTable test;
};

std::vector<Layer> layers_of(Json const& phase) {
  std::vector<Layer> layers;
  if (!phase.contains("layers")) return layers;
  for (auto const& layer : phase.at("layers")) {
    double const weights = layer.at("weights"), left = layer.at("left"), macs = layer.at("macs");
    layers.push_back({layer.at("name"), weights, left, macs, layer.value("macs_left", macs * left / weights)});
  }
  return layers;
}

// Up to and including each exit's own layers.
std::vector<double> up_to_exits(std::vector<Layer> const& layers, std::vector<std::string> const& exits, bool left) {
  std::vector<double> costs;
  double sum = 0;
  auto layer = layers.begin();
  for (auto const& exit : exits) {
    auto const prefix = exit == "last" ? std::string("last.") : "head." + exit + ".";
    auto const own =
        std::find_if(layers.rbegin(), layers.rend(), [&](Layer const& each) { return each.name.starts_with(prefix); });
    auto const end = own == layers.rend() ? layer : own.base();
    for (; layer < end; ++layer) sum += left ? layer->macs_left : layer->macs;
    costs.push_back(sum);
  }
  return costs;
}

Pruned read(RunFiles const& files) {
  Pruned run;
  auto const names = exit_names(files.run);
  StoredExits const stored(files.folder / "exits.safetensors");
  run.test = stored.table("test", Confidence::max_probability, files.run, Convention::mac);
  for (int k = 0; k < run.test.exits; ++k) run.accuracy.push_back(100 * accuracy(run.test, k));
  auto const& phases = files.run.phases;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    auto const json = Json::parse(files.phase_text(i));
    run.pruned = run.pruned || name_of(phases[i].phase) == "prune";
    run.steps += json.at("steps").get<long>();
    run.macs += json.at("training_macs").get<double>();
    if (!run.pruned) {
      run.steps_before = run.steps;
      std::vector<double> const val = json.at("val").at("accuracy");
      run.before.clear();
      for (std::size_t k = 0; k < val.size(); ++k) run.before[val.size() == 1 ? "last" : names[k]] = 100 * val[k];
    }
    if (i + 1 == phases.size()) run.layers = layers_of(json);
  }
  for (auto const& cost : files.run.exit_cost) run.left.push_back(cost.mac);
  run.dense = run.left;
  if (run.layers.empty()) return run;
  run.dense = up_to_exits(run.layers, names, false);
  run.left = up_to_exits(run.layers, names, true);
  return run;
}

struct Named {
  std::string label;
  std::vector<std::string> exits;
  double plain = 0;
  std::vector<Pruned> runs;
};

template <class Get>
std::string over_seeds(Named const& cell, int decimals, Get const& get) {
  std::vector<double> values;
  for (auto const& run : cell.runs) values.push_back(get(run));
  return mean_text(values, decimals);
}

double sparsity(std::vector<Layer> const& layers) {
  double weights = 0, left = 0;
  for (auto const& layer : layers) {
    weights += layer.weights;
    left += layer.left;
  }
  return weights > 0 ? 100 * (1 - left / weights) : 0;
}

Table totals_of(std::vector<Named> const& cells) {
  Table table{.title = "What was spent and what is left",
              .header = {"run", "n", "gradient steps", "before pruning", "training MACs (billions)", "sparsity (%)",
                         "MACs left (% of plain)", "last exit (%)"},
              .label_columns = 1};
  for (auto const& cell : cells)
    table.rows.push_back(
        {cell.label, std::to_string(cell.runs.size()), over_seeds(cell, 0, [](auto const& run) { return run.steps; }),
         cell.runs.front().pruned ? over_seeds(cell, 0, [](auto const& run) { return run.steps_before; }) : "-",
         over_seeds(cell, 1, [](auto const& run) { return run.macs / 1e9; }),
         over_seeds(cell, 2, [](auto const& run) { return sparsity(run.layers); }),
         over_seeds(cell, 1, [&](auto const& run) { return 100 * run.left.back() / cell.plain; }),
         over_seeds(cell, 2, [](auto const& run) { return run.accuracy.back(); })});
  return table;
}

Table exits_of(std::vector<Named> const& cells) {
  Table table{
      .title = "By exit, every row leaving there",
      .header = {"run", "exit", "before, val (%)", "after, test (%)", "MACs dense", "left (millions)", "left (%)"},
      .label_columns = 2};
  for (auto const& cell : cells) {
    if (!table.rows.empty()) table.rules.push_back(static_cast<int>(table.rows.size()));
    for (std::size_t k = 0; k < cell.exits.size(); ++k) {
      auto const& name = cell.exits[k];
      bool const known = cell.runs.front().pruned && cell.runs.front().before.contains(name);
      table.rows.push_back({k == 0 ? cell.label : "", name,
                            known ? over_seeds(cell, 2, [&](auto const& run) { return run.before.at(name); }) : "-",
                            over_seeds(cell, 2, [&](auto const& run) { return run.accuracy[k]; }),
                            grouped(std::llround(cell.runs.front().dense[k])),
                            over_seeds(cell, 2, [&](auto const& run) { return run.left[k] / 1e6; }),
                            over_seeds(cell, 1, [&](auto const& run) { return 100 * run.left[k] / run.dense[k]; })});
    }
  }
  return table;
}

Table layers_table(std::vector<Named> const& cells) {
  Table table{.title = "Sparsity by layer (%), in the order in which they are run", .header = {"layer", "weights"}};
  std::vector<std::string> names;
  std::map<std::string, double> sizes;
  for (auto const& cell : cells) {
    if (cell.runs.front().layers.empty()) continue;
    table.header.push_back(cell.label);
    for (auto const& layer : cell.runs.front().layers)
      if (std::find(names.begin(), names.end(), layer.name) == names.end()) names.push_back(layer.name);
    for (auto const& layer : cell.runs.front().layers) sizes[layer.name] = layer.weights;
  }
  for (auto const& name : names) {
    auto& row = table.rows.emplace_back();
    row = {name, grouped(std::llround(sizes[name]))};
    for (auto const& cell : cells) {
      if (cell.runs.front().layers.empty()) continue;
      std::vector<double> values;
      for (auto const& run : cell.runs)
        for (auto const& layer : run.layers)
          if (layer.name == name) values.push_back(100 * (1 - layer.left / layer.weights));
      row.push_back(values.empty() ? "-" : mean_text(values, 1));
    }
  }
  return table;
}

// Accuracy of one threshold on max probability at every cost that is left, over seeds.
Series curve_of(Named const& cell, int number) {
  Series series{.label = cell.label, .colour = number % 8};
  auto reader = empty_reader();
  auto const family = find(policies(), "policy", "threshold", "policy").make(reader);
  std::vector<std::vector<Point>> seeds;
  double low = 0, high = 0;
  for (auto const& run : cell.runs) {
    auto table = run.test;
    table.cost = run.left;
    seeds.push_back(family.frontier(table));
    low = std::max(low, seeds.back().front().cost);
    high = std::max(high, seeds.back().back().cost);
  }
  constexpr int steps = 120;
  for (int i = 0; i <= steps; ++i) {
    double const x = low + (high - low) * i / steps;
    std::vector<double> best;
    for (auto const& frontier : seeds) {
      double score = 0;
      for (auto const& point : frontier)
        if (point.cost <= x) score = std::max(score, 100 * point.score);
      best.push_back(score);
    }
    auto const summary = summarise(best);
    series.x.push_back(x / 1e6);
    series.y.push_back(summary.mean);
    if (!summary.deviation) continue;
    series.low.push_back(summary.mean - *summary.deviation);
    series.high.push_back(summary.mean + *summary.deviation);
  }
  return series;
}

}  // namespace

Analyse pruning(JsonReader& reader) {
  auto const format = read_format(reader);
  reader.done();
  return [format](Studies studies) {
    must_be(1, studies, "pruning");
    auto const& study = studies.front();
    auto const cells = by_cell(run_files(study, "pruning"));
    std::vector<Named> all;
    bool any = false;
    for (auto const& cell : cells) {
      auto& named = all.emplace_back();
      named.label = cell_label(cell.front(), cells);
      named.exits = exit_names(cell.front().run);
      named.plain = cell.front().run.plain.mac;
      for (auto const& files : cell) named.runs.push_back(read(files));
      any = any || !named.runs.front().layers.empty();
    }
    if (!any) throw SpecError(study.name + ": no finished run was pruned", eexit::Exit::missing);
    Chart chart{.title = "Accuracy by remaining MACs",
                .subtitle = study.name + ": one threshold on max_probability, test",
                .x_label = "MACs x density (millions a sample; not a speed)",
                .y_label = "test accuracy (%)"};
    int number = 0;
    for (auto const& cell : all) chart.series.push_back(curve_of(cell, number++));
    if (all.front().runs.size() > 1)
      chart.subtitle += ", n = " + std::to_string(all.front().runs.size()) + " seeds (band: one sample deviation)";
    std::vector<Table> tables = {totals_of(all), exits_of(all), layers_table(all)};
    tables.front().title = study.name + ": " + tables.front().title;
    tables.back().footnotes = {
        "mean and sample deviation over n seeds; gradient steps and training MACs with all that came before pruning",
        "before: on val, at the end of the phase before the first round; - where there was no exit or no pruning",
        "MACs: of convolutions and linear maps; left: times the share of each layer's weights that is left",
        "zeros make nothing faster; where channels were removed, MACs left are those of the smaller network"};
    for (auto const& line : footer(study)) tables.back().footnotes.push_back(line);
    return Finding{.tables = std::move(tables), .charts = {{"pruning", chart}}, .format = format};
  };
}

}  // namespace eexit::analysis
