// Tables of text cells and the forms they are written in.
#pragma once

#include <string>
#include <vector>

namespace eexit {

enum class Emphasis { none, best, second };

struct Table {
  std::string title{};  // lines after the first are a subtitle
  std::vector<std::string> header{};
  std::vector<std::vector<std::string>> rows{};
  int label_columns = 1;                 // left-aligned columns; the others hold numbers
  std::vector<int> rules{};              // a line is drawn before these rows
  std::vector<std::string> footnotes{};  // printed below
  // By row and column; empty: none. Shown, and explained by the note, where there is bold type.
  std::vector<std::vector<Emphasis>> emphasis{};
  std::string emphasis_note{};
};

std::string to_console(Table const&);  // aligned; width counted in code points
std::string to_markdown(Table const&);
std::string to_latex(Table const&);  // booktabs; lettered footnotes below, all else in the caption
std::string to_csv(Table const&);    // header and rows only
std::string to_json(Table const&);   // {"title", "header", "rows", "footnotes"}, with emphasis {"best", "second"}

// The forms by name: console, markdown, latex, csv, json.
std::vector<std::string> table_formats();
std::string to_text(Table const&, std::string const& format);

}  // namespace eexit
