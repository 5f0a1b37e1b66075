#include "core/report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/exits/bootstrap.h"
#include "core/exits/statistics.h"
#include "core/report/notes.h"
#include "core/report/pivot.h"

namespace eexit {

namespace {

using Texts = std::vector<std::string>;
using BySeed = std::map<std::uint64_t, Result const*>;

constexpr char const* told_by[] = {"data",      "arch",   "method",     "regime",     "protocol",
                                   "placement", "policy", "confidence", "convention", "budget"};

// One place of the grid in both studies.
struct Both {
  Texts key;  // the values of what tells cells
  BySeed first, second;
};

struct Measured {
  std::string a, b, difference, interval, seeds, differs;
};

Texts key_of(Result const& row, Texts const& names) {
  Texts key;
  for (auto const& name : names) key.push_back(text_of(row, name));
  return key;
}

class Comparer {
 public:
  Comparer(std::vector<Result> const& results, Comparison const& asked, AnswersOf const& answers)
      : asked_(asked), answers_(answers) {
    for (auto const& row : results)
      if (row.role == "run" && row.policy != "oracle" && row.metric == "accuracy" && row.split == asked.split)
        rows_.push_back(&row);
    for (auto const& study : {asked.first, asked.second})
      if (std::none_of(rows_.begin(), rows_.end(), [&](Result const* row) { return row->study == study; }))
        throw SpecError(study + ": no accuracy on " + asked.split + " to compare");
    for (std::string const name : told_by)
      if (name == "data" || name == "budget" || varies(name)) names_.push_back(name);
    while (!arrange()) {
    }
    sort();
  }

  std::vector<Table> tables() {
    auto const shared = [](Both const& cell) { return !cell.first.empty() && !cell.second.empty(); };
    std::vector<Both const*> both, one;
    for (auto const& cell : cells_) (shared(cell) ? both : one).push_back(&cell);
    if (both.empty())
      throw SpecError(asked_.first + " and " + asked_.second + ": no cell in common; cells are told by " +
                      join(names_, ", "));
    std::vector<Table> all = {differences(both)};
    if (!one.empty()) all.push_back(alone(one));
    return all;
  }

 private:
  // Within either study.
  bool varies(std::string const& name) const {
    for (auto const& study : {asked_.first, asked_.second}) {
      std::set<std::string> values;
      for (auto const* row : rows_)
        if (row->study == study) values.insert(text_of(*row, name));
      if (values.size() > 1) return true;
    }
    return false;
  }

  // False when two runs of one seed fell together and an axis was added that tells them apart.
  bool arrange() {
    cells_.clear();
    std::map<Texts, std::size_t> places;
    for (auto const* row : rows_) {
      auto const key = key_of(*row, names_);
      auto const [place, fresh] = places.try_emplace(key, cells_.size());
      if (fresh) cells_.push_back({.key = key});
      auto& cell = cells_[place->second];
      auto const [found, first] = (row->study == asked_.first ? cell.first : cell.second).emplace(row->seed, row);
      if (first) continue;
      tell_apart(*found->second, *row);
      return false;
    }
    return true;
  }

  // Cells that differ in their budget alone stand together, by size.
  void sort() {
    std::map<Texts, std::size_t> blocks;
    for (auto const& cell : cells_) blocks.try_emplace(block(cell), blocks.size());
    std::stable_sort(cells_.begin(), cells_.end(), [&](Both const& a, Both const& b) {
      return std::pair(blocks.at(block(a)), budget_size(a.key.back())) <
             std::pair(blocks.at(block(b)), budget_size(b.key.back()));
    });
  }

  void tell_apart(Result const& a, Result const& b) {
    Texts axes;  // those that name a kind first: what belongs to a kind differs with it
    for (auto const& [name, value] : a.axes)
      if (value != text_of(b, name)) axes.push_back(name);
    if (axes.empty())
      throw SpecError(a.study + ": runs " + a.run + " and " + b.run +
                      " are one cell; axes.csv, which would tell them apart, is missing or of another spec");
    auto const kind = std::find_if(axes.begin(), axes.end(), [](auto const& name) { return name.ends_with(".name"); });
    names_.insert(names_.end() - 1, kind == axes.end() ? axes.front() : *kind);
  }

  // What tells cells and is not the same in all of them; the budget always.
  std::vector<std::size_t> visible(std::vector<Both const*> const& cells) const {
    std::vector<std::size_t> columns;
    for (std::size_t n = 0; n < names_.size(); ++n) {
      auto const same = [&](Both const* cell) { return cell->key[n] == cells.front()->key[n]; };
      if (n + 1 == names_.size() || !std::all_of(cells.begin(), cells.end(), same)) columns.push_back(n);
    }
    return columns;
  }

  Texts labels_of(Both const& cell, std::vector<std::size_t> const& columns) const {
    Texts texts;
    for (auto const n : columns) {
      auto const text = names_[n] == "budget" ? budget_text(cell.key[n], "accuracy") : cell.key[n];
      texts.push_back(text.empty() ? "-" : text);
    }
    return texts;
  }

  // "data fashion_mnist, policy threshold": what all cells have in common.
  std::string constants(std::vector<Both const*> const& cells, std::vector<std::size_t> const& columns) const {
    Texts parts;
    for (std::size_t n = 0; n < names_.size(); ++n)
      if (std::find(columns.begin(), columns.end(), n) == columns.end() && !cells.front()->key[n].empty())
        parts.push_back(names_[n] + " " + cells.front()->key[n]);
    for (std::string const name : told_by) {
      auto const first = constant(asked_.first, name);
      if (std::find(names_.begin(), names_.end(), name) == names_.end() && !first.empty() &&
          first == constant(asked_.second, name))
        parts.push_back(name + " " + first);
    }
    return join(parts, ", ");
  }

  // The value that all rows of a study have.
  std::string constant(std::string const& study, std::string const& name) const {
    for (auto const* row : rows_)
      if (row->study == study) return text_of(*row, name);
    return "";
  }

  // "method: sdn, ztw": what the two studies differ in as a whole.
  Texts wholes() const {
    Texts parts;
    for (std::string const name : told_by) {
      if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
      auto const first = constant(asked_.first, name), second = constant(asked_.second, name);
      if (first != second) parts.push_back(name + ": " + first + ", " + second);
    }
    return parts;
  }

  Table differences(std::vector<Both const*> const& cells) {
    auto const columns = visible(cells);
    Table table{.title = asked_.first + " (A) against " + asked_.second + " (B)\n" + asked_.split +
                         " accuracy in %, differences in points; " + constants(cells, columns)};
    for (auto const n : columns) table.header.push_back(names_[n]);
    table.label_columns = static_cast<int>(columns.size());
    for (auto const* name : {"A", "B", "B - A", "95 % interval", "seeds", "differs"}) table.header.emplace_back(name);
    Notes notes;
    int intervals = 0;
    for (auto const* cell : cells) {
      auto const measured = measure(*cell, notes);
      intervals += measured.differs != "-";
      auto& row = table.rows.emplace_back(labels_of(*cell, columns));
      for (auto const& text :
           {measured.a, measured.b, measured.difference, measured.interval, measured.seeds, measured.differs})
        row.push_back(text);
      auto const n = table.rows.size() - 1;
      if (n > 0 && columns.size() > 1 && block(*cell) != block(*cells[n - 1]))
        table.rules.push_back(static_cast<int>(n));
    }
    table.footnotes = notes.lines();
    auto parts = wholes();
    parts.insert(parts.end(), asked_.settings.begin(), asked_.settings.end());
    if (!parts.empty()) table.footnotes.push_back("the studies (A, B) differ in " + join(parts, "; "));
    table.footnotes.emplace_back("B - A: paired over the seeds that have a result in both");
    if (intervals > 0) {
      table.footnotes.push_back(fmt::format(
          "differs: the interval excludes 0; of {} intervals one in twenty is expected to do so by chance", intervals));
      table.footnotes.push_back(
          fmt::format("interval: {} bootstrap resamples; seeds' deviations widened for their number by Student's t",
                      bootstrap_resamples));
    }
    table.footnotes.insert(table.footnotes.end(), asked_.footer.begin(), asked_.footer.end());
    return table;
  }

  static Texts block(Both const& cell) { return {cell.key.begin(), cell.key.end() - 1}; }

  // A row for each block of budgets.
  Table alone(std::vector<Both const*> const& cells) const {
    auto columns = visible(cells);
    columns.pop_back();
    Table table{.title = "Cells of one study only", .label_columns = static_cast<int>(columns.size()) + 2};
    for (auto const n : columns) table.header.push_back(names_[n]);
    table.header.insert(table.header.end(), {"budgets", "only in"});
    std::map<Texts, std::size_t> places;
    for (auto const* cell : cells) {
      auto const& study = cell->second.empty() ? asked_.first : asked_.second;
      auto key = block(*cell);
      key.push_back(study);
      auto const budget = budget_text(cell->key.back(), "accuracy");
      auto const [place, fresh] = places.try_emplace(key, table.rows.size());
      if (!fresh) {
        table.rows[place->second][columns.size()] += ", " + budget;
        continue;
      }
      table.rows.push_back(labels_of(*cell, columns));
      table.rows.back().insert(table.rows.back().end(), {budget, study});
    }
    return table;
  }

  Measured measure(Both const& cell, Notes& notes) const {
    std::vector<std::pair<Result const*, Result const*>> pairs;
    for (auto const& [seed, a] : cell.first)
      if (auto const b = cell.second.find(seed); b != cell.second.end() && a->value && b->second->value)
        pairs.emplace_back(a, b->second);
    if (pairs.empty())
      return {"-", "-", "-[" + notes.letter("no seed has a result in both studies") + "]", "-", "0", "-"};
    std::vector<double> as, bs, means;
    bool over = false;
    for (auto const& [a, b] : pairs) {
      as.push_back(*a->value);
      bs.push_back(*b->value);
      means.push_back(*b->value - *a->value);
      over = over || a->over_budget || b->over_budget;
    }
    auto const percent = [&](double share) { return fixed(100 * share, asked_.decimals); };
    auto const sign = [&](double share) {
      auto const text = percent(share);
      if (text.find_first_of("123456789") == std::string::npos) return percent(0);
      return (share > 0 ? "+" : "") + text;
    };
    Measured measured{percent(summarise(as).mean),  percent(summarise(bs).mean),
                      sign(summarise(means).mean),  "-",
                      std::to_string(pairs.size()), "-"};
    if (over)
      measured.difference += "[" + notes.letter("realised cost is more than 1 % over the budget in A or B") + "]";
    std::string note;
    auto const interval = interval_of(cell, pairs, means, note);
    auto const mark = note.empty() ? "" : "[" + notes.letter(note) + "]";
    if (interval) {
      measured.interval = sign(interval->low) + " to " + sign(interval->high);
      measured.differs = interval->low > 0 || interval->high < 0 ? "yes" : "no";
    }
    measured.interval += mark;
    return measured;
  }

  // None for one seed without its answers. `note`: what could not be drawn.
  std::optional<Interval> interval_of(Both const& cell,
                                      std::vector<std::pair<Result const*, Result const*>> const& pairs,
                                      std::vector<double> const& means, std::string& note) const {
    Random random(stream_seed(0, {"compare", join(cell.key, "\n")}));
    std::vector<Differences> seeds;
    for (auto const& [a, b] : pairs) {
      auto const one = checked(*a), other = checked(*b);
      if (!one || !other) {
        note = "over seeds alone: the runs' answers are not beside both studies";
      } else if (one->sample != other->sample || one->label != other->label) {
        note = "over seeds alone: the studies were judged on other samples";
      } else {
        auto& difference = seeds.emplace_back();
        for (std::size_t i = 0; i < one->right.size(); ++i)
          difference.push_back(static_cast<signed char>(other->right[i] - one->right[i]));
        if (difference.size() == seeds.front().size()) continue;
        note = "over seeds alone: seeds were judged on other samples";
      }
      if (pairs.size() > 1) return bootstrap(means, random);
      note = "one seed" + note.substr(note.find(':')) + ", so there is no interval";
      return std::nullopt;
    }
    if (pairs.size() == 1) note = "one seed: over test samples alone; another seed may differ by more";
    return bootstrap(seeds, random);
  }

  std::optional<SampleMarks> checked(Result const& row) const {
    auto answers = answers_(row);
    if (!answers) return answers;
    auto const right = std::count(answers->right.begin(), answers->right.end(), true);
    double const accuracy = static_cast<double>(right) / static_cast<double>(answers->right.size());
    if (std::abs(accuracy - *row.value) > 1e-9)
      throw RunError(row.study + ": run " + row.run + " has accuracy " + shortest(*row.value) + " at budget " +
                     row.budget + " in results.csv, but " + shortest(accuracy) + " by its exits.safetensors");
    return answers;
  }

  Comparison const& asked_;
  AnswersOf const& answers_;
  std::vector<Result const*> rows_;
  Texts names_;  // of what tells cells; the budget last
  std::vector<Both> cells_;
};

}  // namespace

std::vector<Table> compare(std::vector<Result> const& results, Comparison const& asked, AnswersOf const& answers) {
  return Comparer(results, asked, answers).tables();
}

}  // namespace eexit
