#include "core/base/csv.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace eexit {
namespace {

void append_row(std::string& text, std::vector<std::string> const& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text += ',';
    std::string const& cell = cells[i];
    // The only cell of a row is quoted when empty: a bare empty line would look like no row at all.
    bool const quoted = cell.find_first_of(",\"\r\n") != std::string::npos || (cells.size() == 1 && cell.empty());
    if (!quoted) {
      text += cell;
      continue;
    }
    text += '"';
    for (char const c : cell) {
      if (c == '"') text += '"';
      text += c;
    }
    text += '"';
  }
  text += '\n';
}

// Walks over the text one row at a time.
class CsvRows {
 public:
  CsvRows(std::string_view text, std::string const& where) : text_(text), where_(where) {}

  bool at_end() const { return at_ == text_.size(); }
  int line() const { return row_line_; }

  std::vector<std::string> next() {
    row_line_ = line_;
    std::vector<std::string> cells;
    for (;;) {
      cells.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted_cell() : plain_cell());
      if (at_end()) return cells;
      if (text_.substr(at_, 2) == "\r\n") ++at_;
      char const c = text_[at_++];
      if (c == ',') continue;
      if (c != '\n') fail("text after a closing quote");
      ++line_;
      return cells;
    }
  }

  [[noreturn]] void fail(std::string const& what) const {
    throw RunError(where_ + " line " + std::to_string(row_line_) + ": " + what);
  }

 private:
  std::string plain_cell() {
    std::size_t end = std::min(text_.find_first_of(",\n\"", at_), text_.size());
    if (end < text_.size() && text_[end] == '"') fail("a quote inside a cell that does not start with one");
    std::size_t const next = end;
    if (end > at_ && text_[end - 1] == '\r' && next < text_.size() && text_[next] == '\n') --end;
    std::string cell(text_.substr(at_, end - at_));
    at_ = next;
    return cell;
  }

  std::string quoted_cell() {
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      char const c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '"') {
        if (text_.substr(at_, 2) != "\"\"") {
          ++at_;
          return cell;
        }
        ++at_;
      }
      cell += c;
    }
    fail("a quote is never closed");
  }

  std::string_view text_;
  std::string const& where_;
  std::size_t at_ = 0;
  int line_ = 1, row_line_ = 1;
};

}  // namespace

std::size_t Csv::column(std::string_view name) const {
  auto const found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) throw RunError("no column \"" + std::string(name) + "\"");
  return static_cast<std::size_t>(found - header.begin());
}

std::string encode_csv(Csv const& csv) {
  require(!csv.header.empty(), "a CSV has at least one column");
  std::string text;
  append_row(text, csv.header);
  for (auto const& row : csv.rows) {
    require(row.size() == csv.header.size(), "every row of a CSV is as wide as its header");
    append_row(text, row);
  }
  return text;
}

Csv decode_csv(std::string_view text, std::string const& where) {
  if (text.empty()) throw RunError(where + ": empty, expected a header line");
  CsvRows rows(text, where);
  Csv csv{.header = rows.next(), .rows = {}};
  while (!rows.at_end()) {
    auto row = rows.next();
    if (row.size() != csv.header.size())
      rows.fail("expected " + std::to_string(csv.header.size()) + " cells, found " + std::to_string(row.size()));
    csv.rows.push_back(std::move(row));
  }
  return csv;
}

}  // namespace eexit
