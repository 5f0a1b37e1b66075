#include "core/report/pivot_grid.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit::pivots {

namespace {

// "resnet-8 (rival, 0.33)"; without the network's name where another column says it.
std::string name_of(Item const& item, bool with_arch) {
  auto const& r = *item.from;
  auto tail = [&](std::string const& words) { return with_arch ? r.arch + " (" + words + ")" : words; };
  if (item.section == Section::plain) return tail("plain");
  return tail(r.cost_fraction ? "rival, " + fixed(*r.cost_fraction, 2) : "rival");
}

}  // namespace

int count(GridCell const& cell, Item::State state) {
  return static_cast<int>(
      std::count_if(cell.items.begin(), cell.items.end(), [&](Item const& i) { return i.state == state; }));
}

Grid::Grid(std::vector<Item> const& items, Pivot const& pivot) : pivot_(pivot), labels_(pivot.rows), items_(items) {
  if (labels_.empty()) throw SpecError("table: rows: expected at least one column of results.csv");
  if (pivot.columns.empty()) throw SpecError("table: columns: expected at least one column of results.csv");
  for (auto const* name : {"method", "regime"})
    if (contains(pivot.columns, name) && !contains(pivot.columns, "budget")) host_ = name;
  if (values_of("study").size() > 1 && add_label("study")) {
    std::erase(labels_, "study");
    labels_.insert(labels_.begin(), "study");
  }
  // Starts, costs, training or exit rules of two kinds never share a table unseen, however well they fit into it.
  for (auto const* name : {"arch.weights", "protocol", "convention", "policy", "confidence"})
    if (values_of(name).size() > 1) add_label(name);
  // What is one in ours may be another in published values.
  for (auto const* name : {"data", "arch", "method", "regime", "protocol"})
    if (values_of(name).size() == 1 && varies(name)) add_label(name);
  while (!arrange()) {
  }
  sort_columns();
  for (auto const& label : labels_)
    if (label == labels_.back() || varies(label)) visible_.push_back(label);
}

std::vector<std::pair<std::string, std::string>> Grid::constants() const {
  auto names = labels_;
  for (auto const* name : {"arch", "arch.weights", "data", "data.limit", "method", "protocol", "train.protocol.total",
                           "policy", "confidence"})
    add_once(names, name);
  std::vector<std::pair<std::string, std::string>> found;
  for (auto const& name : names) {
    if (contains(pivot_.columns, name) || contains(visible_, name)) continue;
    auto values = values_of(name);
    if (values.size() == 1 && !values[0].empty()) found.emplace_back(name, values[0]);
  }
  return found;
}

Texts Grid::labels_of(Row const& row) const {
  auto shown = [&](std::string const& name) { return contains(visible_, name); };
  auto host = visible_.back();  // the column that says plain, rival or bound
  for (auto const* name : {"arch", "regime"})
    if (shown(name)) host = name;
  Texts texts;
  for (auto const& name : visible_) {
    auto text = text_of(row.first, name);
    if (name == "budget") text = budget_text(text, pivot_.metric);
    if (text.empty() || (is_fixed(row.section) && is_foreign(name))) text = "-";
    if (name == host && row.section == Section::published) {
      text = text == "-" ? "published" : text + " (published)";
    } else if (name == host && row.section == Section::oracle) {
      text = name == "policy" ? "oracle (bound)" : text + ", oracle (bound)";
    } else if (name == host && is_fixed(row.section)) {
      auto const said = name_of(row.first, name == "arch" || !shown("arch"));
      text = is_foreign(name) || name == "arch" ? said : text + ", " + said;
    }
    texts.push_back(text);
  }
  return texts;
}

std::string Grid::header_of(Texts const& column) const {
  Texts parts;
  for (std::size_t i = 0; i < column.size(); ++i) {
    auto const& name = pivot_.columns[i];
    bool const numbered = name == "seed" || name.find('.') != std::string::npos;  // a number says nothing alone
    if (name == "budget")
      parts.push_back(budget_text(column[i], pivot_.metric));
    else if (!column[i].empty())
      parts.push_back(numbered ? name + " " + column[i] : column[i]);
  }
  return parts.empty() ? "-" : join(parts, ", ");
}

std::vector<int> Grid::rules() const {
  auto const block = [&](Row const& row) {
    Texts texts;
    for (auto const* name : {"study", "data", "arch"})
      if (contains(visible_, name)) texts.push_back(text_of(row.first, name));
    return texts;
  };
  std::vector<int> rules;
  bool several = false;  // blocks of one row each need no lines
  for (std::size_t r = 1; r < rows_.size(); ++r)
    several = several || (rows_[r].section == Section::run && rows_[r - 1].section == Section::run &&
                          block(rows_[r]) == block(rows_[r - 1]));
  auto const group = [](Section section) {
    return section == Section::run ? 0 : section == Section::published ? 2 : 1;
  };
  for (std::size_t r = 1; r < rows_.size(); ++r) {
    bool const next = group(rows_[r].section) != group(rows_[r - 1].section);
    bool const of_run = rows_[r].section == Section::run && several && block(rows_[r]) != block(rows_[r - 1]);
    if (next || of_run) rules.push_back(static_cast<int>(r));
  }
  return rules;
}

// One column; for a plain network all that differ only in what it does not have, such as a policy.
std::vector<Texts> Grid::columns_of(Item const& item) const {
  bool const other = item.section != Section::run && item.section != Section::published;
  Texts own;
  std::vector<bool> any;
  for (auto const& name : pivot_.columns) {
    any.push_back(is_fixed(item.section) && is_foreign(name));
    if (other && name == host_)
      own.push_back(is_fixed(item.section) ? name_of(item, true) : text_of(item, name) + ", oracle (bound)");
    else
      own.push_back(any.back() ? "" : text_of(item, name));
  }
  if (named_by_column() || std::find(any.begin(), any.end(), true) == any.end()) return {own};
  std::vector<Texts> matching;
  for (auto const& column : columns_) {
    bool same = true;
    for (std::size_t i = 0; i < own.size(); ++i) same = same && (any[i] || column[i] == own[i]);
    if (same) matching.push_back(column);
  }
  return matching.empty() ? std::vector<Texts>{own} : matching;
}

Texts Grid::key_of(Item const& item) const {
  bool const published = item.section == Section::published;
  Texts key = {named_by_column() && !published ? "" : std::to_string(static_cast<int>(item.section))};
  for (auto const& label : labels_) key.push_back(text_of(item, label));
  if (is_fixed(item.section) && !named_by_column()) {
    key.push_back(item.from->arch);
    key.push_back(name_of(item, true));
  }
  if (published) key.push_back(item.from->source);
  return key;
}

Texts Grid::values_of(std::string const& name) const {
  Texts values;
  for (auto const& item : items_) {
    if (item.section != Section::run) continue;
    // A failed run has no policy of its own, but settings it has.
    auto const text = text_of(item, name);
    if (item.state != Item::State::failed || !text.empty()) add_once(values, text);
  }
  if (values.empty())
    for (auto const& item : items_) add_once(values, text_of(item, name));
  return values;
}

// Whether rows must say it: published values may differ from ours in what ours have in common.
bool Grid::varies(std::string const& name) const {
  auto values = values_of(name);
  for (auto const& item : items_)
    if (item.section == Section::published && !text_of(item, name).empty()) add_once(values, text_of(item, name));
  return values.size() != 1;
}

bool Grid::add_label(std::string const& name) {
  if (contains(pivot_.columns, name) || contains(labels_, name)) return false;
  labels_.insert(labels_.end() - 1, name);
  return true;
}

// Two different results of one seed in one cell: the table lacks the column that tells them apart.
bool Grid::tell_apart(Item const& a, Item const& b) {
  bool added = false;
  for (auto const* name : {"study", "arch", "data", "method", "regime", "protocol", "placement", "convention"})
    if (text_of(a, name) != text_of(b, name)) added = add_label(name) || added;
  if (added) return true;
  Texts axes;  // those that name a kind first: what belongs to a kind differs with it
  for (auto const& [name, value] : a.from->axes)
    if (value != text_of(b, name)) axes.push_back(name);
  std::stable_partition(axes.begin(), axes.end(), [](std::string const& name) { return name.ends_with(".name"); });
  for (auto const& name : axes)
    if (add_label(name)) return true;
  if (a.from->run != b.from->run && add_label("run")) return true;
  if (a.section == Section::published)
    throw SpecError("published.csv: two values of " + a.from->source + " for one cell");
  throw RunError("results.csv: two rows of run " + a.from->run + " for one cell, budget \"" + a.budget + "\"");
}

// Groups all items; false when a label column had to be added and the work must start again.
bool Grid::arrange() {
  rows_.clear();
  columns_.clear();
  std::map<Texts, std::size_t> places;
  for (auto section : {Section::run, Section::plain, Section::rival, Section::oracle, Section::published})
    for (auto const& item : items_) {
      if (item.section != section) continue;
      for (auto const& column : columns_of(item))
        if (!add(item, column, places)) return false;
    }
  return true;
}

bool Grid::add(Item const& item, Texts const& column, std::map<Texts, std::size_t>& places) {
  bool const own_row = !named_by_column() || item.section == Section::published;
  auto [found, fresh] = places.try_emplace(key_of(item), rows_.size());
  if (fresh) rows_.push_back({own_row ? item.section : Section::run, item, {}});
  auto& cell = rows_[found->second].cells[column];
  if (std::find(columns_.begin(), columns_.end(), column) == columns_.end()) columns_.push_back(column);
  for (auto const& other : cell.items) {
    if (other.from->seed != item.from->seed) continue;
    bool const same = other.from->run == item.from->run && other.from->value == item.from->value;
    if (other.from == item.from || (same && item.section != Section::run && item.section != Section::published))
      return true;
    tell_apart(other, item);
    return false;
  }
  cell.items.push_back(item);
  return true;
}

// Budgets by size, all else in order of first appearance.
void Grid::sort_columns() {
  std::vector<std::map<std::string, double>> rank(pivot_.columns.size());
  for (auto const& column : columns_)
    for (std::size_t i = 0; i < column.size(); ++i) {
      auto const place = static_cast<double>(rank[i].size());
      rank[i].try_emplace(column[i], pivot_.columns[i] == "budget" ? budget_size(column[i]) : place);
    }
  auto const ranks = [&](Texts const& column) {
    std::vector<double> all;
    for (std::size_t i = 0; i < column.size(); ++i) all.push_back(rank[i].at(column[i]));
    return all;
  };
  std::stable_sort(columns_.begin(), columns_.end(),
                   [&](Texts const& a, Texts const& b) { return ranks(a) < ranks(b); });
}

}  // namespace eexit::pivots
