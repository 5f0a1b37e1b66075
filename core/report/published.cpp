#include "core/report/published.h"

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/report/pivot.h"

namespace eexit {

namespace {

using Texts = std::vector<std::string>;

Texts const columns = {"arch",       "data",   "method", "regime", "protocol", "placement",     "split",  "policy",
                       "confidence", "budget", "metric", "value",  "cost",     "cost_fraction", "params", "source"};

bool contains(Texts const& texts, std::string const& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

void check_header(Texts const& header, std::string const& where) {
  for (auto const* name : {"value", "source"})
    if (!contains(header, name)) throw SpecError(where + " line 1: no column \"" + name + "\"");
  for (auto const& name : header) {
    bool const axis = name.find('.') != std::string::npos;
    if (!axis && !contains(columns, name)) throw SpecError(where + " line 1: " + unknown_name("column", name, columns));
    if (std::count(header.begin(), header.end(), name) > 1)
      throw SpecError(where + " line 1: two columns \"" + name + "\"");
  }
}

// Budgets are matched with ours as text.
std::string budget_from(std::string const& text, std::string const& place) {
  if (text == "max") return text;
  double const budget = parse_double(text, place + ", column budget");
  if (!(budget > 0))
    throw SpecError(place + ", column budget: expected max or a number above 0, found \"" + text + "\"");
  return shortest(budget);
}

Result row_from(Texts const& header, Texts const& cells, std::string const& study, std::string const& place) {
  Result row{.study = study, .role = "published", .split = "test", .metric = "accuracy"};
  for (std::size_t c = 0; c < header.size(); ++c) {
    auto const& name = header[c];
    if (name == "source")
      row.source = cells[c];
    else if (name.find('.') != std::string::npos)
      row.axes[name] = cells[c];
    else if (!cells[c].empty())
      set_cell(row, name, cells[c], place);
  }
  if (row.source.empty()) throw SpecError(place + ", column source: expected who published it, found nothing");
  if (!row.value) throw SpecError(place + ", column value: expected a number, found nothing");
  if (in_percent(row.metric) && !(*row.value >= 0 && *row.value <= 1))
    throw SpecError(place + ", column value: expected a share from 0 to 1, as in results.csv, found " +
                    shortest(*row.value));
  if (!row.budget.empty()) row.budget = budget_from(row.budget, place);
  if (row.budget.empty() && row.metric == "accuracy") row.budget = "max";
  return row;
}

}  // namespace

std::vector<Result> published_from(std::string_view text, std::string const& study, std::string const& where) {
  try {
    auto const csv = decode_csv(text, where);
    check_header(csv.header, where);
    std::vector<Result> rows;
    std::map<Texts, std::string> seen;
    int line = 2;
    for (auto const& cells : csv.rows) {
      auto const place = where + " line " + std::to_string(line);
      auto const& row = rows.emplace_back(row_from(csv.header, cells, study, place));
      Texts key = {row.source, row.budget, row.metric};
      for (std::size_t c = 0; c < cells.size(); ++c)
        if (csv.header[c] != "value" && csv.header[c] != "budget") key.push_back(cells[c]);
      auto const [found, fresh] = seen.emplace(key, place);
      if (!fresh) throw SpecError(place + ": the same cell as in " + found->second);
      ++line;
      for (auto const& cell : cells) line += static_cast<int>(std::count(cell.begin(), cell.end(), '\n'));
    }
    return rows;
  } catch (RunError const& error) {
    throw SpecError(error.what());  // the file is the user's own
  }
}

}  // namespace eexit
