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
