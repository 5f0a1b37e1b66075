#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit::analysis {

namespace {

struct Line {
  std::string phase;
  long epoch = 0;
  std::vector<double> train, val;  // [exits]
};

std::vector<Line> journal(fs::path const& path, std::string const& metric) {
  std::vector<Line> lines;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) {
    auto const json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) throw RunError(path.string() + ": line " + std::to_string(lines.size() + 1) + " is damaged");
    lines.push_back({json.at("phase"), json.at("epoch"), json.at("train").at(metric), json.at("val").at(metric)});
  }
  return lines;
}

}  // namespace

Analyse learning_curves(JsonReader& reader) {
  auto const metric = reader.one_of("metric", "accuracy", {"accuracy", "loss"}, "what is drawn");
  auto const exit = reader.one_of("exit", "last", {"first", "last", "mean"}, "which exit is drawn");
  reader.done();
  return [=](Studies studies) {
    must_be(1, studies, "learning_curves");
    auto const& study = studies.front();
    if (!study.phases)
      throw SpecError(study.folder.string() + ": no phases beside this study; learning curves need its journals",
                      Exit::missing);
    bool const percent = metric == "accuracy";
    Chart chart{.title = percent ? "Accuracy by epoch" : "Loss by epoch",
                .subtitle = study.name + ": " + exit + " exit, val",
                .x_label = "epoch of the run, all phases",
                .y_label = percent ? "val accuracy (%)" : "val cross-entropy (nats)"};
    Table table{.title = study.name + ": " + metric + " by epoch (" + exit + " exit)",
                .header = {"run", "phase", "epoch", "train", "val"},
                .label_columns = 2};
    auto const run_at = study.runs.column("run"), phases_at = study.runs.column("phases");
    auto const pick = [&](std::vector<double> const& values) {
      if (exit == "first") return values.front();
      if (exit == "last") return values.back();
      double sum = 0;
      for (double const value : values) sum += value / static_cast<double>(values.size());
      return sum;
    };
    int colour = 0;
    for (auto const& row : study.runs.rows) {
      Series series{.label = row[run_at].substr(0, row[run_at].rfind('-')), .colour = colour++ % 8};
      double epoch = 0;
      for (auto const& key : split(row[phases_at], ';')) {
        auto const path = *study.phases / key / "journal.jsonl";
        if (!fs::exists(path)) continue;  // a failed run stops half way
        for (auto const& line : journal(path, metric)) {
          double const scale = percent ? 100 : 1;
          series.x.push_back(++epoch);
          series.y.push_back(scale * pick(line.val));
          table.rows.push_back({row[run_at], line.phase, std::to_string(line.epoch), fixed(scale * pick(line.train), 3),
                                fixed(scale * pick(line.val), 3)});
        }
      }
      if (!series.x.empty()) chart.series.push_back(series);
    }
    if (chart.series.empty()) throw SpecError(study.name + ": no journal to draw", Exit::missing);
    table.footnotes = footer(study);
    return Finding{.tables = {table}, .charts = {{"learning_curves", chart}}};
  };
}

}  // namespace eexit::analysis
