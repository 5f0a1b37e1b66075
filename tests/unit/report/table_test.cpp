#include "core/report/table.h"

#include "tests/support/approve.h"
#include "tests/support/catch.h"

namespace eexit {
namespace {

Table awkward() {
  return {.title = "50 % of a_b & more\nwith {braces}, a \\ and ~^$#",
          .header = {"name|key", "label", "25 %", "n"},
          .rows = {{"a|b", "\u00fcml\u00e4ut", "88.12 \u00b1 0.31[a,b]", "3"},
                   {"*bold* <i>", "[x", "-[a]", "12345"},
                   {"line\nbreak", "_", "7.5", "-"},
                   {"below", "the rule", "100.00 (2/3)", "text"}},
          .label_columns = 2,
          .rules = {3},
          .footnotes = {"[a] first: 1 % & more", "[b] second", "[no mark] third"}};
}

}  // namespace

TEST_CASE("table: console, numbers lined up on the point", "[report]") {
  Table table = awkward();
  table.rows[2][0] = "line";
  approve("table_console.txt", to_console(table));
}

TEST_CASE("table: Markdown, pipes escaped", "[report]") { approve("table_markdown.txt", to_markdown(awkward())); }

TEST_CASE("table: LaTeX, special characters escaped", "[report]") { approve("table_latex.txt", to_latex(awkward())); }

TEST_CASE("table: best is bold and second underlined, but for their footnotes' marks", "[report]") {
  Table const table{.header = {"a", "x"},
                    .rows = {{"r", "1*2[a]"}, {"s", "3"}},
                    .footnotes = {"[a] f"},
                    .emphasis = {{Emphasis::none, Emphasis::best}, {Emphasis::none, Emphasis::second}},
                    .emphasis_note = "what bold means"};
  CHECK(to_markdown(table) ==
        "| a | x |\n| :--- | ---: |\n| r | **1\\*2**[a] |\n| s | <u>3</u> |\n\n- what bold means\n- [a] f\n");
  auto const latex = to_latex(table);
  CHECK(latex.find("r & \\textbf{1*2}\\textsuperscript{a} \\\\") != std::string::npos);
  CHECK(latex.find("s & \\underline{3} \\\\") != std::string::npos);
  CHECK(latex.find("\\caption[{}]{What bold means.}") != std::string::npos);
  auto const console = to_console(table);
  CHECK(console.find("bold") == std::string::npos);
  auto const json = to_json(table);
  CHECK(json.find("\"best\": [\n    [\n      0,\n      1\n    ]\n  ]") != std::string::npos);
  CHECK(json.find("\"second\"") != std::string::npos);
}

TEST_CASE("table: braces of LaTeX close", "[report]") {
  auto const latex = to_latex(awkward());
  int open = 0;
  for (std::size_t i = 0; i < latex.size(); ++i) {
    if (i > 0 && latex[i - 1] == '\\' && (i < 2 || latex[i - 2] != '\\')) continue;  // \{ is a character
    open += latex[i] == '{' ? 1 : latex[i] == '}' ? -1 : 0;
    REQUIRE(open >= 0);
  }
  CHECK(open == 0);
}

TEST_CASE("table: every form by its name", "[report]") {
  for (auto const& format : table_formats()) CHECK_FALSE(to_text(awkward(), format).empty());
  CHECK(to_text(awkward(), "csv") == to_csv(awkward()));
  CHECK_THROWS_AS(to_text(awkward(), "html"), std::logic_error);
}

TEST_CASE("table: CSV holds header and rows only", "[report]") {
  CHECK(to_csv(Table{.title = "t", .header = {"a", "b"}, .rows = {{"1,5", "\"x\""}}, .footnotes = {"f"}}) ==
        "a,b\n\"1,5\",\"\"\"x\"\"\"\n");
}

TEST_CASE("table: JSON survives text that is not UTF-8", "[report]") {
  auto const json = to_json(Table{.title = "t\xff", .header = {"a"}, .rows = {{"1"}}, .footnotes = {"f"}});
  CHECK(
      json ==
      "{\n  \"title\": \"t\ufffd\",\n  \"header\": [\n    \"a\"\n  ],\n  \"rows\": [\n    [\n      \"1\"\n    ]\n  ],\n"
      "  \"footnotes\": [\n    \"f\"\n  ]\n}\n");
}

TEST_CASE("table: one without rows is still a table", "[report]") {
  CHECK(to_console(Table{.header = {"a", "b"}}) == "----\na  b\n----\n----\n");
}

}  // namespace eexit
