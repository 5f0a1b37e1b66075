#include "core/base/csv.h"

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

namespace {

std::string refused(std::string_view text) {
  return message_of<RunError>([&] { decode_csv(text, "results.csv"); });
}

}  // namespace

TEST_CASE("csv: quotes only where needed", "[base]") {
  Csv const csv{{"a", "b"}, {{"1", "x, y"}, {"say \"hi\"", "two\nlines"}, {"", " space "}, {"\r", "1;2"}}};
  CHECK(encode_csv(csv) == "a,b\n1,\"x, y\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n, space \n\"\r\",1;2\n");
  Csv const back = decode_csv(encode_csv(csv), "results.csv");
  CHECK(back.header == csv.header);
  CHECK(back.rows == csv.rows);
}

TEST_CASE("csv: an empty cell alone in its row survives", "[base]") {
  Csv const csv{{"a"}, {{""}, {"x"}}};
  CHECK(encode_csv(csv) == "a\n\"\"\nx\n");
  CHECK(decode_csv(encode_csv(csv), "f").rows == csv.rows);
}

TEST_CASE("csv: line ends of other programs are read", "[base]") {
  Csv const csv = decode_csv("a,b\r\n1,\"2\"\r\n3,4", "f");
  CHECK(csv.header == std::vector<std::string>{"a", "b"});
  CHECK(csv.rows == std::vector<std::vector<std::string>>{{"1", "2"}, {"3", "4"}});
  CHECK(decode_csv("a,b\n1,", "f").rows == std::vector<std::vector<std::string>>{{"1", ""}});
}

TEST_CASE("csv: damage is named with its line", "[base]") {
  CHECK(refused("") == "results.csv: empty, expected a header line");
  CHECK(refused("a,b\n1,2\n3\n") == "results.csv line 3: expected 2 cells, found 1");
  CHECK(refused("a,b\n\"x\ny\",2\n1,2,3\n") == "results.csv line 4: expected 2 cells, found 3");
  CHECK(refused("a,b\n1,\"2\n3,4\n") == "results.csv line 2: a quote is never closed");
  CHECK(refused("a,b\n1,\"2\"3\n") == "results.csv line 2: text after a closing quote");
  CHECK(refused("a,b\n1,2\"3\"\n") == "results.csv line 2: a quote inside a cell that does not start with one");
}

TEST_CASE("csv: columns by name", "[base]") {
  Csv const csv{{"study", "run"}, {}};
  CHECK(csv.column("run") == 1);
  CHECK(message_of<RunError>([&] { csv.column("seed"); }) == "no column \"seed\"");
}

TEST_CASE("csv: a ragged table is never written", "[base]") {
  CHECK_THROWS_AS(encode_csv({{"a", "b"}, {{"1"}}}), std::logic_error);
  CHECK_THROWS_AS(encode_csv({}), std::logic_error);
}
