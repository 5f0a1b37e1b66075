#include "core/report/table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "core/base/csv.h"

namespace eexit {
namespace {

std::size_t width_of(std::string_view text) {  // code points: bytes that do not continue one
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string spaces(std::size_t n) { return std::string(n, ' '); }

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (auto to = text.find('\n'); to != std::string::npos; from = to + 1, to = text.find('\n', from))
    lines.push_back(text.substr(from, to - from));
  lines.push_back(text.substr(from));
  return lines;
}

// Breaks at spaces; a longer word keeps a line of its own.
std::string wrapped(std::string const& line, std::size_t width) {
  std::string out;
  std::size_t used = 0, from = 0;
  while (from <= line.size()) {
    auto const to = std::min(line.find(' ', from), line.size());
    auto const word = line.substr(from, to - from);
    bool const fits = used + 1 + width_of(word) <= width;
    if (from > 0) out += fits ? ' ' : '\n';
    used = (from > 0 && fits ? used + 1 : 0) + width_of(word);
    out += word;
    from = to + 1;
  }
  return out;
}

bool is_label(Table const& table, std::size_t column) { return static_cast<int>(column) < table.label_columns; }

bool rule_before(Table const& table, std::size_t row) {
  return std::find(table.rules.begin(), table.rules.end(), static_cast<int>(row)) != table.rules.end();
}

// A number is split where its whole part ends, so that a column lines up on the decimal point whatever follows it.
std::size_t whole_part(std::string const& cell) {
  if (cell.empty() || cell.find_first_of("+-0123456789") != 0) return cell.size();
  return std::min(cell.find_first_of(". ["), cell.size());
}

// Where the mark of a cell such as "88.12[a,b]" begins; npos when there is none.
std::size_t mark_at(std::string const& cell) {
  if (cell.size() < 3 || cell.back() != ']') return std::string::npos;
  auto open = cell.rfind('[');
  if (open == std::string::npos || open + 2 >= cell.size()) return std::string::npos;
  for (auto i = open + 1; i + 1 < cell.size(); ++i)
    if (cell[i] != ',' && (cell[i] < 'a' || cell[i] > 'z')) return std::string::npos;
  return open;
}

struct Widths {
  std::size_t whole = 0, rest = 0, text = 0;  // text: of what is not a number, header included
  std::size_t all() const { return std::max(whole + rest, text); }
};

bool is_number(std::string const& cell) { return whole_part(cell) > 0 && cell.find_first_of("+-0123456789") == 0; }

std::vector<Widths> measure(Table const& table) {
  std::vector<Widths> widths(table.header.size());
  for (std::size_t c = 0; c < widths.size(); ++c) {
    auto& w = widths[c];
    w.text = width_of(table.header[c]);
    for (auto const& row : table.rows) {
      auto const& cell = row.at(c);
      if (is_label(table, c) || !is_number(cell)) {
        w.text = std::max(w.text, width_of(cell));
        continue;
      }
      auto whole = width_of(cell.substr(0, whole_part(cell)));
      w.whole = std::max(w.whole, whole);
      w.rest = std::max(w.rest, width_of(cell) - whole);
    }
  }
  return widths;
}

std::string padded(std::string const& cell, Widths const& w, bool label, bool number) {
  auto width = width_of(cell);
  if (label) return cell + spaces(w.all() - width);
  if (!number) return spaces(w.all() - width) + cell;
  auto whole = width_of(cell.substr(0, whole_part(cell)));
  auto left = w.all() - w.rest - whole;
  return spaces(left) + cell + spaces(w.all() - left - width);
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += ' ';
      continue;
    }
    if (c == '\\' || c == '|' || c == '*' || c == '<' || c == '`') out += '\\';
    out += c;
  }
  return out;
}

std::string escape_latex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    switch (c) {
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        (out += '\\') += c;
        break;
      case '\\':
        out += "\\textbackslash{}";
        break;
      case '~':
        out += "\\textasciitilde{}";
        break;
      case '^':
        out += "\\textasciicircum{}";
        break;
      case '<':
        out += "\\textless{}";
        break;
      case '>':
        out += "\\textgreater{}";
        break;
      case '|':
        out += "\\textbar{}";
        break;
      case '[':
        out += "{[}";
        break;  // after \\ a bare one would be read as its argument
      case '\n':
        out += ' ';
        break;
      default:
        if (text.substr(i, 2) == "\u00b1") {
          out += "$\\pm$";
          ++i;
        } else {
          out += c;
        }
    }
  }
  return out;
}

Emphasis emphasis_at(Table const& table, std::size_t row, std::size_t column) {
  return row < table.emphasis.size() && column < table.emphasis[row].size() ? table.emphasis[row][column]
                                                                            : Emphasis::none;
}

// Around the number alone: a footnote's mark is no part of it.
std::string markdown_cell(std::string const& cell, Emphasis emphasis) {
  auto const number = cell.substr(0, mark_at(cell));
  auto const mark = escape_markdown(cell.substr(number.size()));
  switch (emphasis) {
    case Emphasis::best:
      return "**" + escape_markdown(number) + "**" + mark;
    case Emphasis::second:
      return "<u>" + escape_markdown(number) + "</u>" + mark;
    default:
      return escape_markdown(cell);
  }
}

std::string latex_emphasis(std::string const& text, Emphasis emphasis) {
  if (emphasis == Emphasis::none) return text;
  return (emphasis == Emphasis::best ? "\\textbf{" : "\\underline{") + text + "}";
}

std::string latex_cell(std::string const& cell, Emphasis emphasis) {
  auto mark = mark_at(cell);
  auto const number = latex_emphasis(escape_latex(cell.substr(0, mark)), emphasis);
  if (mark == std::string::npos) return number;
  return number + "\\textsuperscript{" + cell.substr(mark + 1, cell.size() - mark - 2) + "}";
}

bool is_lettered(std::string const& note) {
  auto const close = note.find(']');
  return close != std::string::npos && mark_at(note.substr(0, close + 1)) == 0;
}

std::string latex_footnote(std::string const& note) {
  auto const close = note.find(']');
  return "\\textsuperscript{" + note.substr(1, close - 1) + "}" + escape_latex(note.substr(close + 1));
}

}  // namespace

std::string to_console(Table const& table) {
  auto widths = measure(table);
  std::size_t total = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (auto const& w : widths) total += w.all();
  auto rule = std::string(total, '-') + "\n";
  auto line = [&](std::vector<std::string> const& cells, bool head) {
    std::string out;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      auto const& cell = cells.at(c);
      if (c > 0) out += "  ";
      out += padded(cell, widths[c], is_label(table, c), !head && is_number(cell));
    }
    return without_trailing_spaces(out) + "\n";
  };
  std::string out;
  if (!table.title.empty())
    for (auto const& part : lines_of(table.title)) out += wrapped(part, std::max<std::size_t>(total, 80)) + "\n";
  out += rule + line(table.header, true) + rule;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (r > 0 && rule_before(table, r)) out += rule;
    out += line(table.rows[r], false);
  }
  out += rule;
  for (auto const& note : table.footnotes) out += note + "\n";
  return out;
}

std::string to_markdown(Table const& table) {
  std::string out;
  if (!table.title.empty()) {
    auto lines = lines_of(table.title);
    out += "**" + escape_markdown(lines[0]) + "**\n\n";
    for (std::size_t i = 1; i < lines.size(); ++i) out += escape_markdown(lines[i]) + "\n\n";
  }
  auto line = [&](std::vector<std::string> const& cells, std::optional<std::size_t> row) {
    std::string text = "|";
    for (std::size_t c = 0; c < table.header.size(); ++c)
      text += " " + markdown_cell(cells.at(c), row ? emphasis_at(table, *row, c) : Emphasis::none) + " |";
    return text + "\n";
  };
  out += line(table.header, {}) + "|";
  for (std::size_t c = 0; c < table.header.size(); ++c) out += is_label(table, c) ? " :--- |" : " ---: |";
  out += "\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r)
    out += line(table.rows[r], r);  // no rules: Markdown has none inside a table
  if (!table.footnotes.empty() || !table.emphasis_note.empty()) out += "\n";
  if (!table.emphasis_note.empty()) out += "- " + escape_markdown(table.emphasis_note) + "\n";
  for (auto const& note : table.footnotes) out += "- " + escape_markdown(note) + "\n";
  return out;
}

std::string to_latex(Table const& table) {
  std::string out = "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n";
  std::string caption, letters;
  if (!table.title.empty())
    for (auto const& part : lines_of(table.title)) caption += (caption.empty() ? "" : ". ") + escape_latex(part);
  auto notes = table.footnotes;
  if (!table.emphasis_note.empty()) notes.insert(notes.begin(), table.emphasis_note);
  for (auto note : notes) {
    if (is_lettered(note)) {
      letters += latex_footnote(note) + "\\par\n";
      continue;
    }
    if (!note.empty() && note[0] >= 'a' && note[0] <= 'z') note[0] = static_cast<char>(note[0] - 'a' + 'A');
    caption += (caption.empty() ? "" : ". ") + escape_latex(note);
  }
  // The short form is for the list of tables.
  if (!caption.empty()) out += "\\caption[{" + escape_latex(lines_of(table.title)[0]) + "}]{" + caption + ".}\n";
  out += "\\begin{tabular}{";
  for (std::size_t c = 0; c < table.header.size(); ++c) out += is_label(table, c) ? 'l' : 'r';
  out += "}\n\\toprule\n";
  auto line = [&](std::vector<std::string> const& cells, std::optional<std::size_t> row) {
    std::string text;
    for (std::size_t c = 0; c < table.header.size(); ++c)
      text += (c > 0 ? " & " : "") + latex_cell(cells.at(c), row ? emphasis_at(table, *row, c) : Emphasis::none);
    return text + " \\\\\n";
  };
  out += line(table.header, {}) + "\\midrule\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (r > 0 && rule_before(table, r)) out += "\\midrule\n";
    out += line(table.rows[r], r);
  }
  out += "\\bottomrule\n\\end{tabular}\n";
  if (!letters.empty())
    out += "\n\\smallskip\n\\begin{minipage}{\\linewidth}\\footnotesize\n" + letters + "\\end{minipage}\n";
  return out + "\\end{table}\n";
}

std::string to_csv(Table const& table) { return encode_csv({table.header, table.rows}); }

std::string to_json(Table const& table) {
  nlohmann::ordered_json json = {
      {"title", table.title}, {"header", table.header}, {"rows", table.rows}, {"footnotes", table.footnotes}};
  // Places as [row, column].
  for (std::size_t r = 0; r < table.emphasis.size(); ++r)
    for (std::size_t c = 0; c < table.emphasis[r].size(); ++c)
      if (auto const emphasis = emphasis_at(table, r, c); emphasis != Emphasis::none)
        json[emphasis == Emphasis::best ? "best" : "second"].push_back({r, c});
  // Labels may come from a spec of any bytes read long ago; a bad one must not lose the table.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

namespace {

struct Format {
  char const* name;
  std::string (*write)(Table const&);
};

constexpr Format formats[] = {
    {"console", to_console}, {"markdown", to_markdown}, {"latex", to_latex}, {"csv", to_csv}, {"json", to_json}};

}  // namespace

std::vector<std::string> table_formats() {
  std::vector<std::string> names;
  for (auto const& format : formats) names.emplace_back(format.name);
  return names;
}

std::string to_text(Table const& table, std::string const& format) {
  for (auto const& each : formats)
    if (each.name == format) return each.write(table);
  throw std::logic_error("no table format " + format);
}

}  // namespace eexit
