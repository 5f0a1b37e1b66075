// A part of the pivot: items grouped into the rows, columns and cells of a table, and what these are called.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/report/pivot_items.h"

namespace eexit::pivots {

struct GridCell {
  std::vector<Item> items;
};

int count(GridCell const&, Item::State);

struct Row {
  Section section = Section::run;
  Item first{};
  std::map<Texts, GridCell> cells{};  // by column
};

class Grid {
 public:
  Grid(std::vector<Item> const&, Pivot const&);

  Texts const& visible() const { return visible_; }  // the label columns
  std::vector<Texts> const& columns() const { return columns_; }
  std::vector<Row> const& rows() const { return rows_; }

  // Label columns, and what must be known besides, that have one value in all rows: for the subtitle.
  std::vector<std::pair<std::string, std::string>> constants() const;
  Texts labels_of(Row const&) const;
  std::string header_of(Texts const& column) const;
  // Rows before which a line is drawn: where a section, and where a block of study, data set or network begins.
  std::vector<int> rules() const;

 private:
  // Plain, rival and oracle are columns of their own where regimes or methods are; with budgets beside these, a block
  // of columns each would say little, and they are rows below a rule as elsewhere.
  bool named_by_column() const { return !host_.empty(); }
  std::vector<Texts> columns_of(Item const&) const;
  Texts key_of(Item const&) const;
  Texts values_of(std::string const& name) const;
  bool varies(std::string const& name) const;
  bool add_label(std::string const& name);
  bool tell_apart(Item const&, Item const&);
  bool arrange();
  bool add(Item const&, Texts const& column, std::map<Texts, std::size_t>& places);
  void sort_columns();

  Pivot const& pivot_;
  Texts labels_, visible_;
  std::string host_;  // the column that names plain, rival and oracle; "" where rows do
  std::vector<Item> const& items_;
  std::vector<Texts> columns_;
  std::vector<Row> rows_;
};

}  // namespace eexit::pivots
