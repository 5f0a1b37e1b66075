#include "core/analysis/run_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/statistics.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

Json parsed(fs::path const& path) {
  auto json = Json::parse(read_file(path), nullptr, false);
  if (!json.is_object()) throw RunError(path.string() + ": is damaged");
  return json;
}

Cost cost_from(Json const& json) { return {json.at("mac"), json.at("fv")}; }

// Columns in which cells may differ.
constexpr char const* columns[] = {"method", "regime", "arch", "data", "placement", "protocol"};

std::string cell_of(RunFiles const& files) {
  std::string text;
  for (auto const* column : columns) text += cell_of(files.row, column) + "\n";
  for (auto const& [name, value] : files.row.axes)
    if (name != "seed" && name != "head_seed") text += name + value + "\n";
  return text;
}

}  // namespace

std::string RunFiles::phase_text(std::size_t number) const { return read_file(phase(number) / "phase.json"); }

std::vector<RunFiles> run_files(Study const& study, std::string const& analysis) {
  if (!study.store || !study.phases)
    throw SpecError(
        study.folder.string() + ": the output folder is not beside this study; " + analysis + " reads the runs in it",
        Exit::missing);
  std::vector<RunFiles> all;
  std::set<std::string> seen;
  for (auto const& row : study.results) {
    if (row.role != "run" || row.method == "none" || row.metric == "failed" || !seen.insert(row.run).second) continue;
    RunFiles files{.row = row, .folder = *study.store / "runs" / row.run, .phases = *study.phases};
    auto const json = parsed(files.folder / "run.json");
    files.run.id = row.run;
    files.run.after = json.at("after").get<std::vector<std::string>>();
    files.run.plain = files.run.base = cost_from(json.at("plain_cost"));
    for (auto const& exit : json.at("exits")) files.run.exit_cost.push_back(cost_from(exit));
    for (auto const& phase : json.at("phases"))
      files.run.phases.push_back({.phase = Train{.name = phase.at("name")},
                                  .key = phase.at("key"),
                                  .macs = phase.at("training_macs"),
                                  .steps = phase.at("steps")});
    all.push_back(std::move(files));
  }
  return all;
}

std::vector<std::vector<RunFiles>> by_cell(std::vector<RunFiles> const& all) {
  std::vector<std::vector<RunFiles>> cells;
  for (auto const& files : all) {
    auto const same = std::find_if(cells.begin(), cells.end(),
                                   [&](auto const& cell) { return cell_of(cell.front()) == cell_of(files); });
    (same == cells.end() ? cells.emplace_back() : *same).push_back(files);
  }
  return cells;
}

std::string cell_label(RunFiles const& files, std::vector<std::vector<RunFiles>> const& all) {
  std::vector<std::string> parts;
  for (auto const* column : columns) {
    std::set<std::string> values;
    for (auto const& cell : all) values.insert(cell_of(cell.front().row, column));
    if (values.size() > 1) parts.push_back(cell_of(files.row, column));
  }
  // Settings of the plug-ins are in their columns already.
  std::set<std::string> settings;
  for (auto const& cell : all)
    for (auto const& [name, value] : cell.front().row.axes)
      if (name.starts_with("train.")) settings.insert(name);
  for (auto const& name : settings) {
    std::set<std::string> values;
    for (auto const& cell : all) values.insert(text_of(cell.front().row, name));
    bool const column = name.starts_with("train.protocol.name");
    if (values.size() > 1 && !column) parts.push_back(name.substr(6) + " " + text_of(files.row, name));
  }
  return parts.empty() ? files.row.method + " " + files.row.regime : join(parts, ", ");
}

std::string mean_text(std::vector<double> const& values, int decimals) {
  auto const summary = summarise(values);
  return fixed(summary.mean, decimals) +
         (summary.deviation ? " ± " + fixed(*summary.deviation, decimals) : std::string());
}

}  // namespace eexit
