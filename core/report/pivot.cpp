// results.csv -> Table. Rows are first widened (a failed run counts in every cell it would have filled, a plain network
// stands at every budget it fits in), then grouped into cells, then written with their marks and footnotes.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/statistics.h"
#include "core/report/results.h"

namespace eexit {
namespace {

using Texts = std::vector<std::string>;

enum class Section { run, plain, rival, oracle };  // in the order they are printed

// One result at one place of the table. Policy, confidence, split and budget may differ from the result's own.
struct Item {
  enum class State { value, empty, failed, too_dear };
  Result const* from = nullptr;
  Section section = Section::run;
  State state = State::value;
  std::string split, policy, confidence, budget;
};

struct Cell {
  std::vector<Item> items;
};

struct Row {
  Section section = Section::run;
  Item first;
  std::map<std::string, Cell> cells;  // by column text
};

Section section_of(Result const& r) {
  if (r.role == "plain") return Section::plain;
  if (r.role == "rival") return Section::rival;
  return r.policy == "oracle" ? Section::oracle : Section::run;
}

bool is_fixed(Section section) { return section == Section::plain || section == Section::rival; }

void add_once(Texts& texts, std::string const& text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

std::string budget_text(std::string const& budget, std::string const& metric) {
  if (budget.empty()) return metric;
  if (budget == "max") return budget;
  return fmt::format("{:.6g} %", 100 * parse_double(budget, "budget"));
}

std::string cell_of(Item const& item, std::string const& column) {
  if (column == "split") return item.split;
  if (column == "policy") return item.policy;
  if (column == "confidence") return item.confidence;
  if (column == "budget") return item.budget;
  return cell_of(*item.from, column);
}

// What is asked for, with the empty answers of the Pivot filled from the file.
struct Selection {
  Pivot const& pivot;
  std::map<std::string, std::string> confidence;  // the one shown, by policy
  std::string policy, budget;                     // where they are no axis
  Texts unseen;                                   // policies and confidences in the file that the table leaves out

  bool axis(std::string const& column) const {
    return pivot.column == column || std::find(pivot.rows.begin(), pivot.rows.end(), column) != pivot.rows.end();
  }
  bool measured(Result const& r) const {
    return r.metric != "failed" && (axis("metric") || r.metric == pivot.metric) &&
           (axis("split") || r.split == pivot.split);
  }
  bool wanted(Result const& r) const {  // of section run
    return (axis("policy") || r.policy == policy) && (axis("confidence") || r.confidence == confidence.at(r.policy)) &&
           (axis("budget") || r.budget == budget);
  }
};

std::string pair_text(Result const& r) { return r.confidence.empty() ? r.policy : r.policy + " on " + r.confidence; }

void must_be_known(char const* what, std::string const& name, Texts const& known) {
  if (name.empty() || known.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
  throw SpecError("results.csv: " + unknown_name(what, name, known));
}

Selection select(std::vector<Result> const& results, Pivot const& pivot) {
  Selection selection{pivot, {}, pivot.policy, "max", {}};
  Texts metrics, policies, confidences, pairs;
  for (auto const& r : results) {
    if (r.metric != "failed") add_once(metrics, r.metric);
    if (section_of(r) != Section::run || !selection.measured(r)) continue;
    add_once(policies, r.policy);
    add_once(confidences, r.confidence);
    add_once(pairs, pair_text(r));
    if (selection.policy.empty()) selection.policy = r.policy;
    selection.confidence.try_emplace(r.policy, pivot.confidence.empty() ? r.confidence : pivot.confidence);
    if (r.budget.empty()) selection.budget = "";
  }
  if (!selection.axis("metric")) must_be_known("metric", pivot.metric, metrics);
  must_be_known("policy", pivot.policy, policies);
  must_be_known("confidence", pivot.confidence, confidences);
  std::set<std::string> seen;
  for (auto const& r : results)
    if (section_of(r) == Section::run && selection.measured(r) && selection.wanted(r)) seen.insert(pair_text(r));
  for (auto const& pair : pairs)
    if (!seen.contains(pair)) selection.unseen.push_back(pair);
  return selection;
}

// The places that a plain network or a failed run takes: every (split, policy, confidence, budget) of the other rows.
std::vector<Item> widen(Result const& r, Section section, std::vector<Item> const& places, Selection const& selection) {
  bool const failed = r.metric == "failed";
  std::vector<Item> items;
  std::set<Texts> taken;
  for (auto place : places) {
    place.from = &r;
    place.section = section;
    if (is_fixed(section)) place.policy = place.confidence = "";
    if (is_fixed(section) && !failed) place.split = r.split;
    if (!taken.insert({place.split, place.policy, place.confidence, place.budget}).second) continue;
    place.state = failed ? Item::State::failed : Item::State::value;
    bool const limited = !place.budget.empty() && place.budget != "max";
    // One accuracy at one cost: worth showing only where the budget pays for it; 1e-9 for rounding of the fraction.
    if (!failed && limited && parse_double(place.budget, "budget") < r.cost_fraction.value_or(1) - 1e-9)
      place.state = Item::State::too_dear;
    items.push_back(place);
  }
  if (items.empty())
    items.push_back({&r, section, failed ? Item::State::failed : Item::State::value,
                     failed ? selection.pivot.split : r.split, "", "", selection.budget});
  return items;
}

std::vector<Item> items_of(std::vector<Result> const& results, Selection const& selection) {
  std::vector<Item> places;
  std::set<Texts> taken;
  for (auto const& r : results)
    if (section_of(r) == Section::run && selection.measured(r) && selection.wanted(r) &&
        taken.insert({r.split, r.policy, r.confidence, r.budget}).second)
      places.push_back({nullptr, Section::run, Item::State::value, r.split, r.policy, r.confidence, r.budget});
  std::vector<Item> items;
  for (auto const& r : results) {
    auto section = section_of(r);
    if (r.metric == "failed" || (selection.measured(r) && is_fixed(section) && r.budget == "max")) {
      for (auto const& item : widen(r, section, places, selection)) items.push_back(item);
      continue;
    }
    if (!selection.measured(r) || (section == Section::run && !selection.wanted(r))) continue;
    if (section != Section::run && !selection.axis("budget") && r.budget != selection.budget) continue;
    auto confidence = section == Section::oracle ? "" : r.confidence;  // the bound knows none
    auto state = r.value ? Item::State::value : Item::State::empty;
    items.push_back({&r, section, state, r.split, r.policy, confidence, r.budget});
  }
  return items;
}

// "resnet-8 (rival, 0.33)"; without the network's name where another column says it.
std::string name_of(Item const& item, bool with_arch) {
  auto const& r = *item.from;
  auto tail = [&](std::string const& words) { return with_arch ? r.arch + " (" + words + ")" : words; };
  if (item.section == Section::plain) return tail("plain");
  if (item.section == Section::rival) return tail(r.cost_fraction ? "rival, " + fixed(*r.cost_fraction, 2) : "rival");
  return r.regime + (item.section == Section::oracle ? ", oracle (bound)" : "");
}

class Grid {
 public:
  Grid(std::vector<Item> const& items, Pivot const& pivot) : pivot_(pivot), labels_(pivot.rows), items_(items) {
    if (labels_.empty()) throw SpecError("table: rows: expected at least one column of results.csv");
    // Costs or training of two kinds never share a table unseen, however well they fit into it.
    for (auto const* name : {"protocol", "convention"})
      if (values_of(name).size() > 1) add_label(name);
    while (!arrange()) {
    }
    for (auto const& label : labels_)
      if (label == labels_.back() || values_of(label).size() != 1) visible_.push_back(label);
  }

  Texts const& visible() const { return visible_; }
  Texts const& columns() const { return columns_; }
  std::vector<Row> const& rows() const { return rows_; }

  // Label columns, and what must be known besides, that have one value in all rows: for the subtitle.
  std::vector<std::pair<std::string, std::string>> constants() const {
    auto names = labels_;
    for (auto const* name : {"arch", "data", "method", "protocol", "policy", "confidence"}) add_once(names, name);
    std::vector<std::pair<std::string, std::string>> found;
    for (auto const& name : names) {
      if (name == pivot_.column || std::find(visible_.begin(), visible_.end(), name) != visible_.end()) continue;
      auto values = values_of(name);
      if (values.size() == 1 && !values[0].empty()) found.emplace_back(name, values[0]);
    }
    return found;
  }

  Texts labels_of(Row const& row) const {
    auto shown = [&](std::string const& name) {
      return std::find(visible_.begin(), visible_.end(), name) != visible_.end();
    };
    auto host = visible_.back();  // the column that says plain, rival or bound
    for (auto const* name : {"arch", "regime"})
      if (shown(name)) host = name;
    Texts texts;
    for (auto const& name : visible_) {
      auto text = cell_of(row.first, name);
      if (name == "budget") text = budget_text(text, pivot_.metric);
      bool const foreign =
          name == "method" || name == "regime" || name == "placement" || name == "policy" || name == "confidence";
      if (is_fixed(row.section) && foreign) text = "-";
      if (row.section == Section::oracle && name == "confidence") text = "-";
      if (row.section != Section::run && name == host && !named_by_column()) {
        auto const said =
            row.section == Section::oracle ? "oracle (bound)" : name_of(row.first, name == "arch" || !shown("arch"));
        bool const free = is_fixed(row.section) ? foreign || name == "arch" : name == "policy";
        text = free ? said : text + ", " + said;
      }
      texts.push_back(text);
    }
    return texts;
  }

 private:
  // Plain, rival and oracle are columns of their own where regimes or methods are, else rows below a rule.
  bool named_by_column() const { return pivot_.column == "regime" || pivot_.column == "method"; }

  std::string column_of(Item const& item) const {
    if (named_by_column() && item.section != Section::run) {
      auto name = name_of(item, true);
      return pivot_.column == "method" && item.section == Section::oracle ? cell_of(item, "method") + ", oracle (bound)"
                                                                          : name;
    }
    return cell_of(item, pivot_.column);
  }

  Texts values_of(std::string const& name) const {
    Texts values;
    for (auto const& item : items_)
      if (item.section == Section::run && item.state != Item::State::failed) add_once(values, cell_of(item, name));
    if (values.empty())
      for (auto const& item : items_) add_once(values, cell_of(item, name));
    return values;
  }

  bool add_label(std::string const& name) {
    if (name == pivot_.column || std::find(labels_.begin(), labels_.end(), name) != labels_.end()) return false;
    labels_.insert(labels_.end() - 1, name);
    return true;
  }

  // Two different results of one seed in one cell: the table lacks the column that tells them apart.
  bool tell_apart(Item const& a, Item const& b) {
    bool added = false;
    for (auto const* name : {"arch", "data", "method", "regime", "protocol", "placement", "convention"})
      if (cell_of(a, name) != cell_of(b, name)) added = add_label(name) || added;
    if (!added && a.from->run != b.from->run) added = add_label("run");
    if (!added)
      throw RunError("results.csv: two rows of run " + a.from->run + " for one cell, budget \"" + a.budget + "\"");
    return added;
  }

  // Groups all items; false when a label column had to be added and the work must start again.
  bool arrange() {
    rows_.clear();
    columns_.clear();
    std::map<Texts, std::size_t> places;
    for (auto section : {Section::run, Section::plain, Section::rival, Section::oracle}) {
      for (auto const& item : items_) {
        if (item.section != section) continue;
        auto column = column_of(item);
        Texts key = {named_by_column() ? "" : std::to_string(static_cast<int>(section))};
        for (auto const& label : labels_) key.push_back(cell_of(item, label));
        if (is_fixed(section) && !named_by_column())
          for (auto const& text : {item.from->arch, name_of(item, true)}) key.push_back(text);
        auto [found, fresh] = places.try_emplace(key, rows_.size());
        if (fresh) rows_.push_back({named_by_column() ? Section::run : section, item, {}});
        auto& cell = rows_[found->second].cells[column];
        bool known = false;
        for (auto const& other : cell.items) {
          if (other.from->seed != item.from->seed) continue;
          known = other.from->run == item.from->run && other.from->value == item.from->value && section != Section::run;
          known = known || other.from == item.from;
          if (!known && tell_apart(other, item)) return false;
        }
        if (!known) cell.items.push_back(item);
        add_once(columns_, column);
      }
    }
    return true;
  }

  Pivot const& pivot_;
  Texts labels_, visible_, columns_;
  std::vector<Item> const& items_;
  std::vector<Row> rows_;
};

// Gives each footnote its letter when it is first used.
class Notes {
 public:
  std::string letter(std::string const& text) {
    auto found = std::find(texts_.begin(), texts_.end(), text);
    auto n = static_cast<std::size_t>(found - texts_.begin());
    if (found == texts_.end()) texts_.push_back(text);
    // No x: Markdown reads a list item "[x]" as a box to tick.
    std::string_view const letters = "abcdefghijklmnopqrstuvwyz";
    return (n >= letters.size() ? std::string(1, letters[n / letters.size() - 1]) : "") + letters[n % letters.size()];
  }
  Texts lines() {
    Texts all;
    for (auto const& text : texts_) all.push_back("[" + letter(text) + "] " + text);
    return all;
  }

 private:
  Texts texts_;
};

std::vector<double> numbers_of(Cell const& cell, std::optional<double> Result::*member) {
  std::vector<double> numbers;
  for (auto const& item : cell.items)
    if (item.state == Item::State::value && item.from->*member) numbers.push_back(*(item.from->*member));
  return numbers;
}

int count(Cell const& cell, Item::State state) {
  return static_cast<int>(
      std::count_if(cell.items.begin(), cell.items.end(), [&](Item const& i) { return i.state == state; }));
}

std::map<std::uint64_t, std::string> knobs_of(Cell const& cell) {
  std::map<std::uint64_t, std::string> knobs;
  for (auto const& item : cell.items)
    if (item.state == Item::State::value) knobs[item.from->seed] = item.from->knobs;
  return knobs;
}

bool no_gain(Cell const& cell, Cell const* left) {
  if (left == nullptr) return false;
  auto knobs = knobs_of(cell);
  bool const some = std::any_of(knobs.begin(), knobs.end(), [](auto const& k) { return !k.second.empty(); });
  return some && knobs == knobs_of(*left);
}

std::string unmet_note(Cell const& cell, Section section) {
  std::optional<double> cheapest;
  for (auto const& item : cell.items)
    if (item.state == Item::State::empty && item.from->cost_fraction)
      cheapest = std::min(cheapest.value_or(*item.from->cost_fraction), *item.from->cost_fraction);
  if (cell.items.front().budget.empty()) return "not reached by any operating point on cal";  // such as cost_at_0
  std::string text =
      section == Section::oracle ? "no exit within the budget" : "no operating point within the budget on cal";
  auto const values = count(cell, Item::State::value), empty = count(cell, Item::State::empty);
  if (values > 0) text += fmt::format(" for {} of {} seeds", empty, values + empty);
  if (cheapest) text += "; the cheapest exit costs " + fixed(*cheapest, 2) + " of plain";
  return text;
}

// `left`: the cell of the next lower budget, null where there is none. `most`: the largest number of seeds in the
// table.
std::string written(Cell const& cell, Cell const* left, Section section, int most, Pivot const& pivot, Notes& notes) {
  auto const summary = summarise(numbers_of(cell, &Result::value));
  auto const failed = count(cell, Item::State::failed);
  std::string text = "-";
  Texts marks;
  if (summary.n > 0) {
    text = fixed(summary.mean * pivot.scale, pivot.decimals);
    if (summary.deviation) text += " \u00b1 " + fixed(*summary.deviation * pivot.scale, pivot.decimals);
    auto const costs = numbers_of(cell, &Result::cost_fraction);
    if (pivot.show_cost && !costs.empty()) text += " (" + fixed(summarise(costs).mean, 2) + ")";
  }
  if (failed > 0)
    text += fmt::format(" ({}/{})", cell.items.size() - static_cast<std::size_t>(failed), cell.items.size());
  else if (summary.n > 0 && summary.n < most)
    text += fmt::format(" (n = {})", summary.n);
  if (count(cell, Item::State::empty) > 0) marks.push_back(notes.letter(unmet_note(cell, section)));
  auto const over =
      std::count_if(cell.items.begin(), cell.items.end(), [](Item const& i) { return i.from->over_budget; });
  if (over > 0 && summary.n > 0)
    marks.push_back(notes.letter("realised cost on " + pivot.split + " is more than 1 % over the budget" +
                                 (summary.n > 1 ? " for at least one seed" : "")));
  if (section == Section::run && summary.n > 0 && no_gain(cell, left))
    marks.push_back(notes.letter("no gain from more compute on cal: the same knobs as at the budget to the left"));
  std::sort(marks.begin(), marks.end());
  return marks.empty() ? text : text + "[" + join(std::span<std::string const>(marks), ",") + "]";
}

int seeds_of(Row const& row) {
  int most = 0;
  for (auto const& [column, cell] : row.cells) most = std::max(most, count(cell, Item::State::value));
  return most;
}

std::string subtitle_of(Grid const& grid, Selection const& selection) {
  auto const& pivot = selection.pivot;
  std::string text = selection.axis("split") ? "" : pivot.split + " ";
  text += selection.axis("metric") ? "metrics" : pivot.metric;
  if (pivot.scale == 100) text += " in %";
  bool const budgets = selection.axis("budget") && !(grid.columns().size() == 1 && grid.columns()[0].empty());
  if (budgets) text += ", budgets in % of the plain network's cost";
  if (!selection.axis("budget") && selection.budget == "max") text += " without a budget";
  if (pivot.show_cost) text += ", realised cost fraction in brackets";
  std::string separator = "; ", before;
  for (auto const& [name, value] : grid.constants()) {
    bool const paired = name == "confidence" && before == "policy";  // "policy threshold on max_probability"
    text += (paired ? " on " : separator + name + " ") + (name == "budget" ? budget_text(value, pivot.metric) : value);
    separator = ", ";
    before = name;
  }
  return text;
}

}  // namespace

Table pivot(std::vector<Result> const& results, Pivot const& pivot) {
  for (auto const& name : pivot.rows) cell_of(Result{}, name);  // throws on a name that is no column
  cell_of(Result{}, pivot.column);
  auto const selection = select(results, pivot);
  auto const items = items_of(results, selection);
  if (items.empty()) throw RunError("results.csv: no row with metric " + pivot.metric + " on " + pivot.split);
  Grid const grid(items, pivot);

  Table table;
  auto const subtitle = subtitle_of(grid, selection);
  table.title = pivot.title.empty() ? subtitle : pivot.title + "\n" + subtitle;
  table.header = grid.visible();
  table.label_columns = static_cast<int>(table.header.size());
  for (auto const& column : grid.columns())
    table.header.push_back(pivot.column == "budget" ? budget_text(column, pivot.metric)
                           : pivot.column == "seed" ? "seed " + column
                                                    : column);
  int most = 0;  // seeds of a row of section run, or of any where there is none
  for (auto const& row : grid.rows())
    if (row.section == Section::run || grid.rows().front().section != Section::run)
      most = std::max(most, seeds_of(row));
  std::string const one_seed = "one seed: differences are not evidence";
  Notes notes;
  bool any_failed = false;
  for (auto const& row : grid.rows()) {
    auto texts = grid.labels_of(row);
    if (most > 1 && seeds_of(row) == 1) texts.back() += "[" + notes.letter(one_seed) + "]";
    if (row.section != Section::run && !table.rows.empty() && table.rules.empty())
      table.rules.push_back(static_cast<int>(table.rows.size()));
    Cell const* left = nullptr;
    for (auto const& column : grid.columns()) {
      auto found = row.cells.find(column);
      if (found == row.cells.end()) {
        texts.push_back("-");
        left = nullptr;
        continue;
      }
      any_failed = any_failed || count(found->second, Item::State::failed) > 0;
      texts.push_back(written(found->second, left, row.section, most, pivot, notes));
      left = pivot.column == "budget" ? &found->second : nullptr;
    }
    table.rows.push_back(texts);
  }
  table.footnotes = notes.lines();
  if (most == 1) table.footnotes.push_back(one_seed);
  if (most > 1) table.footnotes.push_back(fmt::format("mean \u00b1 sample deviation over {} seeds", most));
  if (any_failed) table.footnotes.push_back("(k/n): k of n seeds gave a result, the others failed");
  if (!selection.unseen.empty())
    table.footnotes.push_back("also in results.csv: " + join(std::span<std::string const>(selection.unseen), ", "));
  table.footnotes.insert(table.footnotes.end(), pivot.footer.begin(), pivot.footer.end());
  return table;
}

}  // namespace eexit
