// What the means of classes know at each exit, and what they cost (facts: class-means 3 to 5).
#include <algorithm>
#include <cmath>

#include "core/analysis/analysis.h"
#include "core/analysis/run_files.h"
#include "core/base/error.h"
#include "core/base/safetensors.h"
#include "core/base/text.h"
#include "core/exits/matching.h"
#include "core/exits/statistics.h"
#include "core/store/exit_file.h"

namespace eexit::analysis {

namespace {

// One exit, one value a seed.
struct Exit {
  std::int64_t width = 0;  // of a feature; 0: no means here
  double bytes = 0, distance_macs = 0, of_plain = 0, of_whole = 0;
  std::vector<double> accuracy, information, low, high, differ;
};

// Share of the rows for which the least normalised distance and the least raw one are of different classes.
// `logits`: [rows, exits, classes], normalised distances negated.
double share_differing(std::vector<float> const& logits, std::size_t exits, std::size_t exit,
                       std::vector<float> const& mean_distance) {
  auto const classes = mean_distance.size();
  std::size_t rows = 0, differing = 0;
  for (auto at = exit * classes; at < logits.size(); at += exits * classes, ++rows) {
    std::vector<float> raw(classes);
    for (std::size_t k = 0; k < classes; ++k) raw[k] = logits[at + k] * mean_distance[k];
    differing += argmax({&logits[at], classes}) != argmax(raw);
  }
  return static_cast<double>(differing) / static_cast<double>(rows);
}

TensorBytes const* find(TensorFile const& file, std::string const& exit, std::string const& what) {
  for (auto const* between : {".", ".means."})
    if (auto const found = file.tensors.find("head." + exit + between + what); found != file.tensors.end())
      return &found->second;
  return nullptr;
}

void add_run(std::vector<Exit>& exits, RunFiles const& files) {
  auto const weights = read_tensors(files.phase(files.run.phases.size() - 1) / "weights.safetensors");
  auto const answers = read_tensors(files.folder / "exits.safetensors");
  StoredExits const stored(files.folder / "exits.safetensors");
  auto const test = stored.table("test", Confidence::max_probability, files.run, Convention::mac);
  auto const cal = stored.table("cal", Confidence::max_probability, files.run, Convention::mac);
  auto const names = exit_names(files.run);
  exits.resize(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    auto& exit = exits[k];
    auto const number = static_cast<int>(k);
    exit.accuracy.push_back(100 * accuracy(test, number));
    std::vector<int> predicted;
    for (int row = 0; row < test.rows; ++row) predicted.push_back(test.predicted[test.at(row, number)]);
    exit.information.push_back(normalised_mutual_information(predicted, test.label));
    exit.of_plain = 100 * test.cost[k] / test.plain_cost;
    exit.of_whole = 100 * test.cost[k] / test.cost.back();
    auto const* mean = find(weights, names[k], "mean");
    if (mean == nullptr) continue;
    exit.width = mean->shape.at(1);
    auto const classes = static_cast<double>(mean->shape.at(0));
    exit.bytes = classes * (static_cast<double>(exit.width) + 1) * sizeof(float);
    exit.distance_macs = classes * (3 * static_cast<double>(exit.width) - 1) / 2;
    std::vector<double> surest;
    for (int row = 0; row < cal.rows; ++row) surest.push_back(cal.confidence[cal.at(row, number)]);
    exit.low.push_back(*std::min_element(surest.begin(), surest.end()));
    exit.high.push_back(*std::max_element(surest.begin(), surest.end()));
    auto const logits = answers.tensors.find("test.logits");
    // Answers that were taken by raw distance no longer tell what the other decision was.
    bool const known = weights.tensors.contains("head." + names[k] + ".distance") &&
                       files.row.method.find("-raw") == std::string::npos;
    if (logits != answers.tensors.end() && known)
      exit.differ.push_back(100 * share_differing(unpack<float>(logits->second), names.size(), k,
                                                  unpack<float>(*find(weights, names[k], "distance"))));
  }
}

}  // namespace

Analyse class_means(JsonReader& reader) {
  auto const format = read_format(reader);
  reader.done();
  return [format](Studies studies) {
    must_be(1, studies, "class_means");
    auto const& study = studies.front();
    auto files = run_files(study, "class_means");
    std::erase_if(files, [](auto const& each) { return !each.row.method.starts_with("class_means"); });
    if (files.empty()) throw SpecError(study.name + ": no finished run has class means", eexit::Exit::missing);
    auto const cells = by_cell(files);
    Table table{.title = study.name + ": class means by exit",
                .header = {"run", "exit", "width", "KiB", "distances (MAC)", "% of plain", "% of whole", "accuracy",
                           "information", "surest on cal", "decisions differ (%)"},
                .label_columns = 2};
    for (auto const& cell : cells) {
      std::vector<Exit> exits;
      for (auto const& each : cell) add_run(exits, each);
      if (!table.rows.empty()) table.rules.push_back(static_cast<int>(table.rows.size()));
      auto const names = exit_names(cell.front().run);
      for (std::size_t k = 0; k < names.size(); ++k) {
        auto const& exit = exits[k];
        bool const means = exit.width > 0;
        table.rows.push_back({k == 0 ? cell_label(cell.front(), cells) + " (" + std::to_string(cell.size()) + ")" : "",
                              names[k], means ? std::to_string(exit.width) : "",
                              means ? fixed(exit.bytes / 1024, 1) : "",
                              means ? grouped(std::llround(exit.distance_macs)) : "", fixed(exit.of_plain, 1),
                              fixed(exit.of_whole, 1), mean_text(exit.accuracy, 2), mean_text(exit.information, 3),
                              means ? fixed(*std::min_element(exit.low.begin(), exit.low.end()), 4) + " to " +
                                          fixed(*std::max_element(exit.high.begin(), exit.high.end()), 4)
                                    : "",
                              exit.differ.empty() ? "" : mean_text(exit.differ, 2)});
      }
    }
    table.footnotes = {
        "(n): seeds; accuracy (%) and information on test if every row left at this exit, mean and sample deviation",
        "information: normalised mutual information of answers and labels (arithmetic mean of entropies)",
        "% of plain: cost so far, heads and distances included; % of whole: over this network's with all its distances",
        "distances: K (3 d - 1) operations, two to a MAC; roots and softmax are left out",
        "surest on cal: the least and the largest q of any row and seed; 1/K is where nothing is known",
        "decisions differ: rows of test where the least normalised and the least raw distance name different classes"};
    for (auto const& line : footer(study)) table.footnotes.push_back(line);
    return Finding{.tables = {table}, .charts = {}, .format = format};
  };
}

}  // namespace eexit::analysis
