// results.csv -> Table. Rows are first widened (a failed run counts in every cell it would have filled, a plain network
// stands at every budget it fits in), then grouped into cells, then written with their marks and footnotes.
#include "core/report/pivot.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "core/base/text.h"
#include "core/exits/statistics.h"
#include "core/report/notes.h"
#include "core/report/pivot_grid.h"
#include "core/report/ranking.h"

namespace eexit {

bool in_percent(std::string const& metric) { return metric == "accuracy" || metric == "auc"; }

std::string budget_text(std::string const& budget, std::string const& metric) {
  if (budget.empty()) return metric;
  if (budget == "max") return budget;
  return fmt::format("{:.6g} %", 100 * parse_double(budget, "budget"));
}

double budget_size(std::string const& budget) {
  if (budget.empty()) return std::numeric_limits<double>::infinity();
  return budget == "max" ? std::numeric_limits<double>::max() : parse_double(budget, "budget");
}

namespace {

using namespace pivots;

std::vector<double> numbers_of(GridCell const& cell, std::optional<double> Result::*member) {
  std::vector<double> numbers;
  for (auto const& item : cell.items)
    if (item.state == Item::State::value && item.from->*member) numbers.push_back(*(item.from->*member));
  return numbers;
}

std::map<std::uint64_t, std::string> knobs_of(GridCell const& cell) {
  std::map<std::uint64_t, std::string> knobs;
  for (auto const& item : cell.items)
    if (item.state == Item::State::value) knobs[item.from->seed] = item.from->knobs;
  return knobs;
}

bool no_gain(GridCell const& cell, GridCell const* left) {
  if (left == nullptr) return false;
  auto knobs = knobs_of(cell);
  bool const some = std::any_of(knobs.begin(), knobs.end(), [](auto const& k) { return !k.second.empty(); });
  return some && knobs == knobs_of(*left);
}

std::string unmet_note(GridCell const& cell, Section section) {
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
std::string written(GridCell const& cell, GridCell const* left, Section section, int most, Pivot const& pivot,
                    Notes& notes) {
  auto const summary = summarise(numbers_of(cell, &Result::value));
  auto const measured = std::find_if(cell.items.begin(), cell.items.end(),
                                     [](Item const& item) { return item.state == Item::State::value; });
  double const scale = measured != cell.items.end() && in_percent(measured->from->metric) ? 100 : 1;
  auto const failed = count(cell, Item::State::failed);
  std::string text = "-";
  Texts marks;
  if (summary.n > 0) {
    text = fixed(summary.mean * scale, pivot.decimals);
    if (summary.deviation) text += " \u00b1 " + fixed(*summary.deviation * scale, pivot.decimals);
    auto const costs = numbers_of(cell, &Result::cost_fraction);
    if (pivot.show_cost && !costs.empty()) text += " (" + fixed(summarise(costs).mean, 2) + ")";
  }
  if (failed > 0)
    text += fmt::format(" ({}/{})", cell.items.size() - static_cast<std::size_t>(failed), cell.items.size());
  else if (summary.n > 0 && summary.n < most && section != Section::published)
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

// Of settings in the subtitle.
constexpr std::pair<char const*, char const*> short_names[] = {
    {"arch.weights", "weights"}, {"data.limit", "limit"}, {"train.protocol.total", "epochs"}};

std::string subtitle_of(Grid const& grid, Selection const& selection) {
  auto const& pivot = selection.pivot;
  std::string text = selection.axis("split") ? "" : pivot.split + " ";
  text += selection.axis("metric") ? "metrics, accuracy and auc in %" : pivot.metric;
  if (!selection.axis("metric") && in_percent(pivot.metric)) text += " in %";
  bool const budgets = selection.axis("budget") && !(grid.columns().size() == 1 && grid.columns()[0] == Texts{""});
  if (budgets) text += ", budgets in % of the plain network's cost";
  if (!selection.axis("budget") && selection.budget == "max") text += " without a budget";
  if (pivot.show_cost) text += ", realised cost fraction in brackets";
  std::string separator = "; ", before;
  for (auto const& [name, value] : grid.constants()) {
    bool const paired = name == "confidence" && before == "policy";  // "policy threshold on max_probability"
    auto const known = std::find_if(std::begin(short_names), std::end(short_names),
                                    [&name = name](auto const& each) { return each.first == name; });
    auto const shown = known == std::end(short_names) ? name : known->second;
    text += (paired ? " on " : separator + shown + " ") + (name == "budget" ? budget_text(value, pivot.metric) : value);
    separator = ", ";
    before = name;
  }
  for (auto const& [name, values] : pivot.filter) {
    Texts shown;
    for (auto const& value : values) shown.push_back(name == "budget" ? budget_text(value, pivot.metric) : value);
    text += separator + "only " + name + " " + join(shown, ", ");
    separator = ", ";
  }
  return text;
}

// The budget's column to the left of column `c`; null where there is none.
GridCell const* left_of(Row const& row, Grid const& grid, std::size_t c, Pivot const& pivot) {
  if (c == 0) return nullptr;
  auto const &here = grid.columns()[c], &left = grid.columns()[c - 1];
  for (std::size_t i = 0; i < here.size(); ++i)
    if ((pivot.columns[i] == "budget") == (here[i] == left[i])) return nullptr;
  auto const found = row.cells.find(left);
  return found == row.cells.end() ? nullptr : &found->second;
}

// The seeds of a row of runs at most, or of any where there is none.
int most_seeds(Grid const& grid) {
  int most = 0;
  for (auto const& row : grid.rows())
    if (row.section == Section::run || grid.rows().front().section != Section::run)
      most = std::max(most, seeds_of(row));
  return most;
}

void set_emphasis(Table& table, Grid const& grid, Pivot const& pivot, int most) {
  auto const ranking = rank(grid, pivot);
  if (ranking.some) {
    for (auto const& row : ranking.marks) {
      auto& marks = table.emphasis.emplace_back(static_cast<std::size_t>(table.label_columns), Emphasis::none);
      marks.insert(marks.end(), row.begin(), row.end());
    }
    table.emphasis_note =
        std::string("bold: best of its ") + (ranking.across ? "row" : "column") +
        ", underlined: second, by the mean over seeds; cells with failed seeds or over their budget " +
        "are not ranked";
  }
  // One seed everywhere has a footnote of its own.
  if (ranking.too_few && most > 1)
    table.emphasis_note += std::string(ranking.some ? "; nor are" : "no best or second is marked in") +
                           " columns in which a cell has fewer than 3 seeds";
}

void write_row(Table& table, Grid const& grid, Row const& row, int most, Pivot const& pivot, Notes& notes) {
  auto texts = grid.labels_of(row);
  auto const& source = row.first.from->source;
  if (!source.empty())
    texts.back() +=
        "[" + notes.letter("published: " + source + "; not measured here, other data preparation and training") + "]";
  else if (most > 1 && seeds_of(row) == 1)
    texts.back() += "[" + notes.letter("one seed: differences are not evidence") + "]";
  for (std::size_t c = 0; c < grid.columns().size(); ++c) {
    auto const found = row.cells.find(grid.columns()[c]);
    texts.push_back(found == row.cells.end()
                        ? "-"
                        : written(found->second, left_of(row, grid, c, pivot), row.section, most, pivot, notes));
  }
  table.rows.push_back(texts);
}

}  // namespace

Table pivot(std::vector<Result> const& all, Pivot const& pivot) {
  must_be_columns(pivot.rows, all, "table: rows");
  must_be_columns(pivot.columns, all, "table: columns");
  for (auto const& [column, values] : pivot.filter) must_be_columns({column}, all, "table: filter");
  auto const results = filtered(all, pivot);
  auto const selection = select(results, pivot);
  auto const items = items_of(results, selection);
  Grid const grid(items, pivot);

  Table table;
  auto const subtitle = subtitle_of(grid, selection);
  table.title = pivot.title.empty() ? subtitle : pivot.title + "\n" + subtitle;
  table.header = grid.visible();
  table.label_columns = static_cast<int>(table.header.size());
  for (auto const& column : grid.columns()) table.header.push_back(grid.header_of(column));
  table.rules = grid.rules();
  int const most = most_seeds(grid);
  Notes notes;
  for (auto const& row : grid.rows()) write_row(table, grid, row, most, pivot, notes);
  if (pivot.mark) set_emphasis(table, grid, pivot, most);
  bool const any_failed =
      std::any_of(items.begin(), items.end(), [](Item const& item) { return item.state == Item::State::failed; });
  table.footnotes = notes.lines();
  if (most == 1) table.footnotes.push_back("one seed: differences are not evidence");
  if (most > 1) table.footnotes.push_back(fmt::format("mean \u00b1 sample deviation over {} seeds", most));
  if (any_failed) table.footnotes.push_back("(k/n): k of n seeds gave a result, the others failed");
  if (!selection.unseen.empty())
    table.footnotes.push_back("also in results.csv: " + join(std::span<std::string const>(selection.unseen), ", "));
  table.footnotes.insert(table.footnotes.end(), pivot.footer.begin(), pivot.footer.end());
  return table;
}

}  // namespace eexit
