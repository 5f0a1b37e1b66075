// Thresholds of each exit at each budget, with the share of rows that they let go (facts: class-means 5).
#include <algorithm>

#include "core/analysis/analysis.h"
#include "core/analysis/run_files.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/single_threshold.h"
#include "core/store/exit_file.h"

namespace eexit::analysis {

namespace {

std::vector<double> numbers(std::string const& knobs) {
  std::vector<double> values;
  for (auto const& knob : split(knobs, ';')) values.push_back(parse_double(knob, "knobs"));
  return values;
}

// Share of all rows whose confidence at this exit is above the threshold.
double share_above(ExitTable const& table, int exit, double threshold) {
  int above = 0;
  for (int row = 0; row < table.rows; ++row) above += table.confidence[table.at(row, exit)] > threshold;
  return static_cast<double>(above) / table.rows;
}

std::string percent(double share) { return fixed(100 * share, 1); }

}  // namespace

Analyse thresholds(JsonReader& reader) {
  auto const wanted = reader.text("policy", "", "exit rule shown, as results.csv names it; empty: all by exit");
  auto const seed = reader.maybe_integer("seed", {0, 999999999}, "whose runs are shown; null: the first of each cell");
  auto const format = read_format(reader);
  reader.done();
  return [=](Studies studies) {
    must_be(1, studies, "thresholds");
    auto const& study = studies.front();
    Table table{.title = study.name + ": thresholds by exit",
                .header = {"run", "rule", "budget", "exit", "threshold", "above on cal (%)", "leave on cal (%)",
                           "leave on test (%)"},
                .label_columns = 4};
    for (auto const& cell : by_cell(run_files(study, "thresholds"))) {
      auto const chosen = std::find_if(cell.begin(), cell.end(), [&](RunFiles const& files) {
        return !seed || files.row.seed == static_cast<std::uint64_t>(*seed);
      });
      if (chosen == cell.end()) continue;
      StoredExits const stored(chosen->folder / "exits.safetensors");
      auto const names = exit_names(chosen->run);
      for (auto const& row : study.results) {
        bool const asked = wanted.empty() ? row.policy.starts_with("exit_thresholds") : row.policy == wanted;
        if (row.run != chosen->run.id || row.split != "cal" || row.metric != "accuracy" || !asked || row.knobs.empty())
          continue;
        auto const knobs = numbers(row.knobs);
        // A confidence with temperatures is of other numbers than those stored.
        if (knobs.size() + 1 != names.size() || row.confidence.starts_with(calibrated)) continue;
        auto const same = std::find_if(study.results.begin(), study.results.end(), [&](Result const& other) {
          return other.run == row.run && other.split == "test" && other.policy == row.policy &&
                 other.confidence == row.confidence && other.budget == row.budget && other.metric == row.metric;
        });
        require(same != study.results.end(), "test is judged wherever cal is");
        auto const cal = stored.table("cal", confidence_from(row.confidence), chosen->run, Convention::mac);
        auto const share = [](Result const& of, std::size_t k) {
          double rows = 0;
          for (int const leaving : of.exits) rows += leaving;
          return percent(of.exits[k] / rows);
        };
        if (!table.rows.empty()) table.rules.push_back(static_cast<int>(table.rows.size()));
        for (std::size_t k = 0; k < names.size(); ++k) {
          bool const last = k + 1 == names.size();
          bool const disabled = !last && knobs[k] >= none_leaves;
          table.rows.push_back({k == 0 ? row.run : "", k == 0 ? row.policy : "", k == 0 ? row.budget : "", names[k],
                                last       ? ""
                                : disabled ? "disabled"
                                           : fixed(knobs[k], 5),
                                last ? "" : percent(share_above(cal, static_cast<int>(k), knobs[k])), share(row, k),
                                share(*same, k)});
        }
      }
    }
    if (table.rows.empty())
      throw SpecError(study.name + ": no rule with a threshold for each exit was judged", eexit::Exit::missing);
    table.footnotes = {"above on cal: share of all rows of cal, also of those that have left before",
                       "disabled: no row leaves here, whatever its confidence"};
    for (auto const& line : footer(study)) table.footnotes.push_back(line);
    return Finding{.tables = {table}, .charts = {}, .format = format};
  };
}

}  // namespace eexit::analysis
