#include "core/store/exit_file.h"

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/exits/temperature.h"

namespace eexit {

namespace {

constexpr Confidence measures[] = {Confidence::max_probability, Confidence::entropy, Confidence::margin};

std::vector<std::int64_t> wide(std::vector<int> const& values) { return {values.begin(), values.end()}; }

std::vector<int> narrow(std::vector<std::int64_t> const& values) {
  std::vector<int> ints;
  for (auto const value : values) ints.push_back(static_cast<int>(value));
  return ints;
}

void add_split(TensorFile& file, std::string const& split, SplitAnswers const& answers, ExitFile const& all,
               std::size_t most_bytes) {
  int const exits = all.exits, classes = all.classes;
  auto const rows = static_cast<std::int64_t>(answers.label.size());
  file.tensors[split + ".labels"] = pack(Dtype::i64, {rows}, wide(answers.label));
  file.tensors[split + ".index"] = pack(Dtype::i64, {rows}, wide(answers.index));
  if (answers.logits.size() * sizeof(float) <= most_bytes) {
    file.tensors[split + ".logits"] = pack(Dtype::f32, {rows, exits, classes}, answers.logits);
    return;
  }
  auto const width = static_cast<std::size_t>(classes);
  std::vector<int> predicted;
  for (std::size_t at = 0; at < answers.logits.size(); at += width)
    predicted.push_back(argmax({&answers.logits[at], width}));
  file.tensors[split + ".predicted"] = pack(Dtype::i32, {rows, exits}, predicted);
  for (auto const measure : measures) {
    std::vector<double> values;
    for (std::size_t at = 0; at < answers.logits.size(); at += width)
      values.push_back(confidence(measure, {&answers.logits[at], width}));
    file.tensors[split + "." + confidence_names()[static_cast<std::size_t>(measure)]] =
        pack(Dtype::f64, {rows, exits}, values);
  }
}

}  // namespace

fs::path exits_of(Store const& store, Run const& run) { return store.run(run.id) / "exits.safetensors"; }

fs::path exits_of(Store const& store, Run const& run, TestSet const& set) {
  return store.run(run.id) / ("exits-" + sha256(set.identity).substr(0, 16) + ".safetensors");
}

std::vector<TestSet> not_collected(Store const& store, Run const& run) {
  std::vector<TestSet> missing;
  for (auto const& set : *run.test_sets)
    if (!fs::exists(exits_of(store, run, set))) missing.push_back(set);
  return missing;
}

void write_exits(fs::path const& path, ExitFile const& exits, Run const& run, Convention convention,
                 std::size_t most_bytes) {
  TensorFile file;
  for (auto const& [split, answers] : exits.splits) add_split(file, split, answers, exits, most_bytes);
  file.tensors["cost"] = pack(Dtype::f64, {exits.exits}, costs_of(run, convention));
  file.tensors["plain_cost"] = pack(Dtype::f64, {1}, std::vector<double>{in(convention, run.base)});
  file.metadata = {{"run", run.id}, {"exits", join(exit_names(run), ";")}, {"convention", name_of(convention)}};
  write_tensors(path, file);
}

StoredExits::StoredExits(fs::path const& file) : where_(file.string()), file_(read_tensors(file)) {}

std::vector<float> StoredExits::logits(std::string const& split, int& rows, int& exits, int& classes) const {
  auto const found = file_.tensors.find(split + ".logits");
  if (found == file_.tensors.end()) return {};
  auto const& shape = found->second.shape;
  if (shape.size() != 3) throw RunError(where_ + ": " + split + ".logits has not three dimensions");
  rows = static_cast<int>(shape[0]);
  exits = static_cast<int>(shape[1]);
  classes = static_cast<int>(shape[2]);
  return unpack<float>(found->second);
}

ExitTable StoredExits::table(std::string const& split, Measure const& measure, Run const& run,
                             Convention convention) const {
  auto const tensor = [&](std::string const& name) -> TensorBytes const& {
    auto const found = file_.tensors.find(name);
    if (found == file_.tensors.end()) throw RunError(where_ + ": tensor " + name + " is missing");
    return found->second;
  };
  ExitTable table;
  table.cost = costs_of(run, convention);
  table.plain_cost = in(convention, run.base);
  table.exits = static_cast<int>(table.cost.size());
  table.label = narrow(unpack<std::int64_t>(tensor(split + ".labels")));
  table.sample = narrow(unpack<std::int64_t>(tensor(split + ".index")));
  table.rows = static_cast<int>(table.label.size());
  int rows = 0, exits = 0, classes = 0;
  auto const values = logits(split, rows, exits, classes);
  if (values.empty()) {
    if (!measure.temperature.empty()) refuse_temperature(split);
    table.predicted = unpack<int>(tensor(split + ".predicted"));
    table.confidence = unpack<double>(tensor(split + "." + confidence_names()[static_cast<std::size_t>(measure.kind)]));
  } else {
    auto const width = static_cast<std::size_t>(classes);
    if (!measure.temperature.empty() && measure.temperature.size() != static_cast<std::size_t>(exits))
      throw RunError(where_ + ": " + std::to_string(measure.temperature.size()) + " temperatures for " +
                     std::to_string(exits) + " exits");
    for (std::size_t at = 0, exit = 0; at < values.size(); at += width, exit = (exit + 1) % exits) {
      std::span<float const> const row(&values[at], width);
      table.predicted.push_back(argmax(row));
      table.confidence.push_back(confidence(measure.kind, row, measure.at(exit)));
    }
  }
  if (table.predicted.size() != static_cast<std::size_t>(table.rows) * table.exits)
    throw RunError(where_ + ": answers of " + split + " do not fit the run's exits");
  check(table);
  return table;
}

std::vector<double> StoredExits::temperatures() const {
  int rows = 0, exits = 0, classes = 0;
  auto const values = logits("cal", rows, exits, classes);
  if (values.empty()) refuse_temperature("cal");
  return fit_temperatures(values, narrow(unpack<std::int64_t>(file_.tensors.at("cal.labels"))), exits);
}

void StoredExits::refuse_temperature(std::string const& split) const {
  throw SpecError(where_ + ": temperature: expected logits of " + split +
                  ", found confidences alone (logits above 64 MiB are not stored)");
}

std::string StoredExits::convention() const {
  auto const found = file_.metadata.find("convention");
  return found == file_.metadata.end() ? "" : found->second;
}

std::vector<double> StoredExits::losses(std::string const& split) const {
  int rows = 0, exits = 0, classes = 0;
  auto const values = logits(split, rows, exits, classes);
  if (values.empty()) return {};
  auto const labels = unpack<std::int64_t>(file_.tensors.at(split + ".labels"));
  std::vector<double> sums(static_cast<std::size_t>(exits), 0.0);
  auto const width = static_cast<std::size_t>(classes);
  std::size_t at = 0;
  for (int row = 0; row < rows; ++row)
    for (auto& sum : sums) {
      sum += cross_entropy({&values[at], width}, static_cast<int>(labels[static_cast<std::size_t>(row)])) / rows;
      at += width;
    }
  return sums;
}

}  // namespace eexit
