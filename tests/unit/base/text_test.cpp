#include "core/base/text.h"

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

using Texts = std::vector<std::string>;

TEST_CASE("text: shortest form of doubles", "[base]") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(1.0) == "1");
  CHECK(shortest(-0.5) == "-0.5");
  CHECK(shortest(1e-8) == "1e-08");
  CHECK(shortest(100000) == "100000");
  CHECK(shortest(1e15) == "1000000000000000");
  CHECK(shortest(1e16) == "1e+16");
  CHECK(shortest(0.1 + 0.2) == "0.30000000000000004");
  CHECK(shortest(-std::nan("")) == "nan");
  CHECK(shortest(-std::numeric_limits<double>::infinity()) == "-inf");
  for (double const value : {1.0 / 3, 5e-324, std::numeric_limits<double>::max(), 123456789.125})
    CHECK(parse_double(shortest(value), "value") == value);
}

TEST_CASE("text: fixed decimals", "[base]") {
  CHECK(fixed(2.345, 2) == "2.35");
  CHECK(fixed(0.5, 0) == "0");
  CHECK(fixed(1.5, 0) == "2");
  CHECK(fixed(-3, 1) == "-3.0");
}

TEST_CASE("text: numbers are read whole or not at all", "[base]") {
  CHECK(parse_double("-2.5e3", "x") == -2500);
  CHECK(std::isnan(parse_double("nan", "x")));
  CHECK(parse_integer("-42", "x") == -42);
  CHECK(parse_integer("9223372036854775807", "x") == 9223372036854775807);
  CHECK(message_of<SpecError>([] { parse_double("1.5x", "--lr"); }) == "--lr: expected a number, found \"1.5x\"");
  CHECK(message_of<SpecError>([] { parse_integer("1.0", "--n"); }) == "--n: expected an integer, found \"1.0\"");
  for (char const* const bad : {"", " 1", "1 ", "0x1", "9223372036854775808"})
    CHECK_THROWS_AS(parse_integer(bad, "x"), SpecError);
  for (char const* const bad : {"", " 1", "1,5", "1e999"}) CHECK_THROWS_AS(parse_double(bad, "x"), SpecError);
}

TEST_CASE("text: join and split", "[base]") {
  CHECK(join(Texts{"a", "", "b"}, ", ") == "a, , b");
  CHECK(join(std::vector<double>{1, 0.25}, ";") == "1;0.25");
  CHECK(join(std::vector<int>{3, -4}, ";") == "3;-4");
  CHECK(join(Texts{}, ";").empty());
  CHECK(split("a;;b;", ';') == Texts{"a", "", "b", ""});
  CHECK(split("", ';') == Texts{""});
}

TEST_CASE("text: grouped digits", "[base]") {
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-123456) == "-123,456");
  CHECK(grouped(std::numeric_limits<long long>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("text: durations", "[base]") {
  CHECK(duration(0.4) == "0.4 s");
  CHECK(duration(9.96) == "10 s");
  CHECK(duration(59.6) == "1 min 0 s");
  CHECK(duration(75.3) == "1 min 15 s");
  CHECK(duration(3599.7) == "1 h 0 min");
  CHECK(duration(7300) == "2 h 2 min");
  CHECK(duration(-75.3) == "-1 min 15 s");
}

TEST_CASE("text: an unknown name brings the nearest known one", "[base]") {
  Texts const regimes{"phases", "joint", "mixed", "disjoint"};
  CHECK(unknown_name("regime", "mixd", regimes) ==
        "no regime \"mixd\"; did you mean \"mixed\"? known: disjoint, joint, mixed, phases");
  // Two swapped letters are one edit: within a third of five letters.
  CHECK(unknown_name("key", "trian", Texts{"train"}) == "no key \"trian\"; did you mean \"train\"? known: train");
  // Two edits in five letters are too many, in six they are not.
  CHECK(unknown_name("key", "trxxn", Texts{"train"}) == "no key \"trxxn\"; known: train");
  CHECK(unknown_name("key", "ResNet", Texts{"resnet"}) == "no key \"ResNet\"; did you mean \"resnet\"? known: resnet");
  // Both one edit away: the first in alphabetical order.
  CHECK(nearest_of("heat", Texts{"neat", "head"}) == "; did you mean \"head\"? known: head, neat");
  CHECK(nearest_of("a", Texts{"b"}) == "; known: b");
  CHECK(nearest_of("", Texts{"mlp"}) == "; known: mlp");
  CHECK(nearest_of("x", Texts{}) == "; none is known");
}

TEST_CASE("text: a long list of known names is cut", "[base]") {
  Texts many;
  for (int i = 100; i < 142; ++i) many.push_back("name" + std::to_string(i));
  std::string const text = nearest_of("zzz", many);
  CHECK(text.ends_with(", name139, ... (2 more)"));
  CHECK(text.starts_with("; known: name100, name101"));
}

TEST_CASE("text: UTF-8", "[base]") {
  for (char const* const good : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                 "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK(valid_utf8(good));
  // A lone continuation, overlong forms, a surrogate, above U+10FFFF, cut short, a wrong third byte.
  for (char const* const bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                                "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xE2\x82z"})
    CHECK_FALSE(valid_utf8(bad));
  CHECK(valid_utf8_prefix("ab\xC3\xA9\xFFz") == 4);
}

TEST_CASE("text: shortened keeps whole characters", "[base]") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcd", 3) == "abc...");
  CHECK(shortened("ab\xC3\xA9z", 3) == "ab...");
  CHECK(shortened("ab\xC3\xA9z", 4) == "ab\xC3\xA9...");
}
