#include "core/base/json.h"

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;

namespace {

JsonReader reader(std::string const& text, std::string pointer = "") {
  return JsonReader(text, std::make_shared<Source const>(Source{"spec.json", {}}), std::move(pointer));
}

std::string refused(std::string_view text) {
  return message_of<SpecError>([&] { strict_json(text, "spec.json"); });
}

// The message when `ask` reads from the object.
template <class Ask>
std::string said(std::string const& text, Ask ask) {
  return message_of<SpecError>([&] {
    auto in = reader(text);
    ask(in);
  });
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("strict_json: compact, in the order written", "[base]") {
  CHECK(strict_json(" { \"b\" : [1, -2.50, 1e-3 ,true,null], \n\"a\": {\"x\":\"\\u00e9\\n\"} } ", "f") ==
        "{\"b\":[1,-2.50,1e-3,true,null],\"a\":{\"x\":\"\xC3\xA9\\n\"}}");
  CHECK(strict_json("[]", "f") == "[]");
  CHECK(strict_json("18446744073709551616", "f") == "18446744073709551616");
  // The same key in two objects is no repetition.
  CHECK(strict_json(R"([{"a":1},{"a":{"a":2}}])", "f") == R"([{"a":1},{"a":{"a":2}}])");
}

TEST_CASE("strict_json: repeated keys and depth by pointer", "[base]") {
  CHECK(refused(R"({"grid":{"x":[0,{"a/b":1,"a/b":2}]}})") == "spec.json /grid/x/1/a~1b: key \"a/b\" is written twice");
  CHECK(refused(nested(32)) == "nothing thrown");
  CHECK(refused("{\"a\":[7," + nested(31) + "]}").find("/a/1/0/0") != std::string::npos);
  CHECK(refused(nested(33)).ends_with("/0/0: nested deeper than 32 levels"));
  CHECK(refused(std::string(100000, '[')).ends_with("nested deeper than 32 levels"));
}

TEST_CASE("strict_json: what is not JSON by line and byte", "[base]") {
  CHECK(refused("{\n  \"a\": 1,\n  \"b\": nan\n}").starts_with("spec.json line 3, byte 9: syntax error"));
  CHECK(refused("{\"a\": 1} x").starts_with("spec.json line 1, byte 10: syntax error"));
  CHECK(refused("{\"a\": 1,}").starts_with("spec.json line 1, byte 9: "));
  CHECK(refused("{} {}").starts_with("spec.json line 1, byte 4: "));
  CHECK(refused("").starts_with("spec.json line 1, byte 1: "));
  CHECK(refused("{\"a\": ").starts_with("spec.json line 1, byte 7: "));
  CHECK(refused("// words\n1").starts_with("spec.json line 1, byte 1: "));
  CHECK(refused("[1, /* */ 2]").starts_with("spec.json line 1, byte 5: "));
  for (char const* const bad : {"NaN", "Infinity", "-Infinity", "1e999", "01", "+1", "'a'", "\"\\ud800\"", "\"\t\""})
    CHECK(refused(bad).starts_with("spec.json line 1, byte "));
}

TEST_CASE("strict_json: bytes that are no text", "[base]") {
  CHECK(refused("[\n\"ab\xFF\"]") == "spec.json line 2, byte 4: not UTF-8");
  CHECK(refused("\"\xED\xA0\x80\"") == "spec.json line 1, byte 2: not UTF-8");
  CHECK(refused(std::string("{}\0{}", 5)) == "spec.json line 1, byte 3: a zero byte");
}

TEST_CASE("strict_json: at most 1 MiB", "[base]") {
  std::string const most = "\"" + std::string((1 << 20) - 2, 'x') + "\"";
  CHECK(refused(most) == "nothing thrown");
  CHECK(refused(most + " ") == "spec.json: larger than 1 MiB (1,048,577 bytes)");
}

TEST_CASE("Source: the longest prefix of whole steps counts", "[base]") {
  Source const source{"spec.json", {{"", "/defaults"}, {"/regime", "/grid/regime/2"}, {"/train", "/include/0/train"}}};
  CHECK(source.place("/regime/name") == "spec.json /grid/regime/2/name");
  CHECK(source.place("/regime") == "spec.json /grid/regime/2");
  CHECK(source.place("/regimes/name") == "spec.json /defaults/regimes/name");
  CHECK(source.place("") == "spec.json /defaults");
  Source const plain{"spec.json", {}};
  CHECK(plain.place("") == "spec.json");
  CHECK(plain.place("/a") == "spec.json /a");
  CHECK(Source{}.place("/a") == "/a");
}

TEST_CASE("JsonReader: values of every type", "[base]") {
  auto in =
      reader(R"({"f":true,"i":3,"n":2,"t":"x","o":"b","mi":4,"mn":null,"is":[1,2],"ns":[1,0.5],"ts":["stem",3]})");
  CHECK(in.flag("f", false, ""));
  CHECK(in.integer("i", 0, {}, "") == 3);
  CHECK(in.number("n", 0, {}, "") == 2);
  CHECK(in.text("t", "", "") == "x");
  CHECK(in.one_of("o", "a", {"a", "b"}, "") == "b");
  CHECK(in.maybe_integer("mi", {}, "") == 4);
  CHECK(in.maybe_number("mn", {}, "") == std::nullopt);
  CHECK(in.integers("is", {}, {}, "") == std::vector{1, 2});
  CHECK(in.numbers("ns", {}, {}, "") == std::vector{1.0, 0.5});
  CHECK(in.texts("ts", {}, "") == std::vector<std::string>{"stem", "3"});
  CHECK_NOTHROW(in.done());
  CHECK(in.resolved() ==
        R"({"f":true,"i":3,"is":[1,2],"mi":4,"mn":null,"n":2,"ns":[1,0.5],"o":"b","t":"x","ts":["stem","3"]})");
}

TEST_CASE("JsonReader: defaults fill what is absent", "[base]") {
  auto in = empty_reader();
  CHECK_FALSE(in.has("f"));
  CHECK(in.flag("f", true, ""));
  CHECK(in.integer("i", -7, {}, "") == -7);
  CHECK(in.number("n", 1e-8, {}, "") == 1e-8);
  CHECK(in.text("t", "\"", "") == "\"");
  CHECK(in.one_of("o", "a", {"a", "b"}, "") == "a");
  CHECK(in.maybe_integer("mi", {}, "") == std::nullopt);
  CHECK(in.integers("is", {5}, {}, "") == std::vector{5});
  CHECK(in.texts("ts", {"q"}, "") == std::vector<std::string>{"q"});
  CHECK(in.objects("os", "").empty());
  in.object("ob", "").number("x", 1, {}, "");
  CHECK(in.raw("r", "").empty());
  CHECK(in.resolved() ==
        R"({"f":true,"i":-7,"is":[5],"mi":null,"n":1e-08,"o":"a","ob":{"x":1},"os":[],"t":"\"","ts":["q"]})");
}

TEST_CASE("JsonReader: wrong types and bounds, word for word", "[base]") {
  Bounds const batch{1, 65536};
  auto const source = std::make_shared<Source const>(Source{"spec.json", {}});
  CHECK(message_of<SpecError>([&] {
          JsonReader(R"({"batch":"128"})", source, "/defaults/train").integer("batch", 1, batch, "");
        }) == "spec.json /defaults/train/batch: expected an integer in [1, 65536], found \"128\"");

  auto const integer = [](Bounds bounds) { return [bounds](JsonReader& in) { in.integer("i", 0, bounds, ""); }; };
  CHECK(said(R"({"i":0})", integer(batch)) == "spec.json /i: expected an integer in [1, 65536], found 0");
  CHECK(said(R"({"i":65536})", integer(batch)) == "nothing thrown");
  CHECK(said(R"({"i":1.0})", integer({.low = 1})) == "spec.json /i: expected an integer >= 1, found 1.0");
  CHECK(said(R"({"i":6})", integer({.high = 5})) == "spec.json /i: expected an integer <= 5, found 6");
  CHECK(said(R"({"i":true})", integer({})) == "spec.json /i: expected an integer, found true");
  CHECK(said(R"({"i":2147483648})", integer({})) ==
        "spec.json /i: expected an integer <= 2147483647, found 2147483648");
  CHECK(said(R"({"i":-2147483649})", integer({.high = 5})) ==
        "spec.json /i: expected an integer in [-2147483648, 5], found -2147483649");
  CHECK(said(R"({"i":18446744073709551615})", integer({.low = 1})) ==
        "spec.json /i: expected an integer in [1, 2147483647], found 18446744073709551615");

  CHECK(said(R"({"n":1.5})", [](auto& in) {
          in.number("n", 0, {0, 1}, "");
        }) == "spec.json /n: expected a number in [0, 1], found 1.5");
  CHECK(said(R"({"n":[]})", [](auto& in) { in.maybe_number("n", {}, ""); }) ==
        "spec.json /n: expected a number, found a list");
  CHECK(said(R"({"f":1})", [](auto& in) { in.flag("f", false, ""); }) ==
        "spec.json /f: expected true or false, found 1");
  CHECK(said(R"({"t":{}})", [](auto& in) { in.text("t", "", ""); }) ==
        "spec.json /t: expected a text, found an object");
  CHECK(said(R"({"o":"c"})", [](auto& in) {
          in.one_of("o", "a", {"a", "b"}, "");
        }) == "spec.json /o: expected one of a, b, found \"c\"");
  CHECK(said(R"({"l":[1,9]})", [](auto& in) {
          in.integers("l", {}, {0, 5}, "");
        }) == "spec.json /l/1: expected an integer in [0, 5], found 9");
  CHECK(said(R"({"l":3})", [](auto& in) { in.numbers("l", {}, {}, ""); }) ==
        "spec.json /l: expected a list of numbers, found 3");
  CHECK(said(R"({"l":[1.5]})", [](auto& in) { in.texts("l", {}, ""); }) ==
        "spec.json /l/0: expected a text or an integer, found 1.5");
  CHECK(said(R"({"o":null})", [](auto& in) { in.object("o", ""); }) == "spec.json /o: expected an object, found null");
  CHECK(said(R"({"o":[{},4]})", [](auto& in) { in.objects("o", ""); }) ==
        "spec.json /o/1: expected an object, found 4");
  CHECK(message_of<SpecError>([] { reader("[1]"); }) == "spec.json: expected an object, found a list");
}

TEST_CASE("JsonReader: a long value is cut in the message", "[base]") {
  std::string const text = said("{\"i\":\"" + std::string(500, 'x') + "\"}", [](auto& in) { in.flag("i", true, ""); });
  CHECK(text == "spec.json /i: expected true or false, found \"" + std::string(60, 'x') + "...\"");
}

TEST_CASE("JsonReader: a key that nobody asked for", "[base]") {
  auto in = reader(R"({"data":1,"trian":2,"zzz":3})", "/defaults");
  in.integer("data", 0, {}, "");
  in.raw("train", "");
  in.raw("arch", "");
  CHECK(message_of<SpecError>([&] { in.done(); }) ==
        "spec.json /defaults/trian: unknown key \"trian\"; did you mean \"train\"? known: arch, data, train");
  CHECK(said(R"({"a/b~":1})", [](auto& all) { all.done(); }) ==
        "spec.json /a~1b~0: unknown key \"a/b~\"; none is known");
  CHECK_THROWS_AS(in.flag("data", true, ""), std::logic_error);
}

TEST_CASE("JsonReader: places follow the origin", "[base]") {
  auto const source = std::make_shared<Source const>(Source{"spec.json", {{"/regime", "/grid/regime/2"}}});
  JsonReader in(R"({"regime":{"name":"mixd","x":-1}})", source);
  auto chosen = in.choice("regime", "mixed", "");
  CHECK(chosen.name == "mixd");
  CHECK(chosen.params.place("name") == "spec.json /grid/regime/2/name");
  CHECK(message_of<SpecError>([&] { chosen.params.fail("x", "too small"); }) ==
        "spec.json /grid/regime/2/x: too small");
  CHECK(message_of<SpecError>([&] { chosen.params.fail("", "odd"); }) == "spec.json /grid/regime/2: odd");
  CHECK(message_of<SpecError>([] { empty_reader().fail("", "odd"); }) == "odd");
}

TEST_CASE("JsonReader: a choice and its parameters", "[base]") {
  auto in =
      reader(R"({"arch":{"depth":20,"name":"resnet","wdth":1},"regime":"mixed","data":{"limit":5},"x":{"name":3}})");
  auto arch = in.choice("arch", "mlp", "the trunk");
  CHECK(arch.name == "resnet");
  CHECK(arch.params.integer("depth", 8, {.low = 8}, "blocks") == 20);
  CHECK(arch.params.integer("width", 16, {}, "") == 16);
  CHECK(message_of<SpecError>([&] { arch.params.done(); }) ==
        "spec.json /arch/wdth: unknown key \"wdth\"; did you mean \"width\"? known: depth, name, width");
  // Asked of the child, seen by the parent.
  CHECK(in.resolved() == R"({"arch":{"depth":20,"name":"resnet","width":16}})");

  CHECK(message_of<SpecError>([&] { in.choice("regime", "joint", ""); }) ==
        "spec.json /regime: expected an object like {\"name\": \"mixed\"}, found \"mixed\"");
  CHECK(message_of<SpecError>([&] { in.choice("x", "joint", ""); }) == "spec.json /x/name: expected a text, found 3");
  auto data = in.choice("data", "fashion_mnist", "");
  CHECK(data.name == "fashion_mnist");
  CHECK(data.params.integer("limit", 0, {}, "") == 5);
  CHECK(said(R"({"d":{}})", [](auto& all) { all.choice("d", "", ""); }) ==
        "spec.json /d: expected an object like {\"name\": \"...\"}, found no \"name\"");
  auto absent = empty_reader();
  CHECK(absent.choice("method", "sdn", "").name == "sdn");
  CHECK(absent.resolved() == R"({"method":{"name":"sdn"}})");
}

TEST_CASE("JsonReader: lists of choices and of objects", "[base]") {
  auto in = reader(R"({"p":[{"name":"a","k":1},{"name":"b"}],"e":[],"s":{"name":"a"},"o":[{"y":1},{}]})");
  auto policies = in.choices("p", "a", "");
  REQUIRE(policies.size() == 2);
  CHECK(policies[1].name == "b");
  CHECK(policies[1].params.place("k") == "spec.json /p/1/k");
  for (auto& policy : policies) policy.params.integer("k", 0, {}, "");
  auto absent = in.choices("q", "a", "");
  REQUIRE(absent.size() == 1);
  CHECK(absent[0].name == "a");
  for (auto& object : in.objects("o", "")) object.integer("y", 9, {}, "");
  CHECK(in.resolved() == R"({"o":[{"y":1},{"y":9}],"p":[{"k":1,"name":"a"},{"k":0,"name":"b"}],"q":[{"name":"a"}]})");
  CHECK(message_of<SpecError>([&] { in.choices("e", "a", ""); }) ==
        "spec.json /e: expected a list like [{\"name\": \"a\"}], found an empty one");
  CHECK(message_of<SpecError>([&] { in.choices("s", "a", ""); }) ==
        "spec.json /s: expected a list like [{\"name\": \"a\"}], found an object");
}

TEST_CASE("JsonReader: raw keeps the order, the resolved form sorts it", "[base]") {
  auto in = reader(R"({"grid":{"seed":[1.0,2],"arch":[{"z":1e-3,"a":"x"}]}})");
  CHECK(in.raw("grid", "") == R"({"seed":[1.0,2],"arch":[{"z":0.001,"a":"x"}]})");
  CHECK(in.resolved() == R"({"grid":{"arch":[{"a":"x","z":0.001}],"seed":[1,2]}})");
}

TEST_CASE("JsonReader: the resolved form does not depend on how a spec is written", "[base]") {
  auto const resolved = [](std::string const& text) {
    auto in = reader(text);
    in.number("lr", 0.1, {}, "");
    in.object("o", "").integers("l", {1}, {}, "");
    return in.resolved();
  };
  std::string const expected = R"({"lr":0.1,"o":{"l":[1]}})";
  CHECK(resolved("{}") == expected);
  CHECK(resolved(R"({"o":{"l":[1]},"lr":1e-1})") == expected);
  CHECK(resolved(R"({"lr":0.10})") == expected);
  // Reading the resolved form again changes nothing.
  CHECK(resolved(expected) == expected);
}

TEST_CASE("JsonReader: the fallback of a later key leaves the resolved form as it was", "[base]") {
  auto const resolved = [](std::string const& text) {
    JsonReader in(text, std::make_shared<Source>(Source{"spec.json", {}}));
    in.integer("depth", 20, {}, "");
    in.later_one_of("type", "cifar", {"cifar", "imagenet"}, "");
    in.done();
    return in.resolved();
  };
  CHECK(resolved("{}") == R"({"depth":20})");
  CHECK(resolved(R"({"type":"cifar"})") == R"({"depth":20})");
  CHECK(resolved(R"({"type":"imagenet"})") == R"({"depth":20,"type":"imagenet"})");
  CHECK(message_of<SpecError>([&] { resolved(R"({"type":"mnist"})"); }) ==
        "spec.json /type: expected one of cifar, imagenet, found \"mnist\"");
}

TEST_CASE("JsonReader: a key that has no effect beside the others is declared, but may not be written", "[base]") {
  auto const resolved = [](std::string const& text) {
    auto in = reader(text);
    bool const applies = in.flag("drawn", false, "");
    in.integer_where(applies, "draws", 20, {1, 99}, "how many");
    in.one_of_where(applies, "from", "urn", {"urn", "hat"}, "what from");
    in.done();
    CHECK(in.fields().size() == 3);
    return in.resolved();
  };
  CHECK(resolved("{}") == R"({"drawn":false})");
  CHECK(resolved(R"({"drawn":true})") == R"({"drawn":true,"draws":20,"from":"urn"})");
  CHECK(resolved(R"({"drawn":true,"draws":3,"from":"hat"})") == R"({"drawn":true,"draws":3,"from":"hat"})");
  auto const message = [&](std::string const& text) { return message_of<SpecError>([&] { resolved(text); }); };
  CHECK(message(R"({"draws":3})") == "spec.json /draws: has no effect beside the other keys here (how many)");
  CHECK(message(R"({"from":"hat"})") == "spec.json /from: has no effect beside the other keys here (what from)");
  CHECK(message(R"({"drawn":true,"from":"bag"})") == "spec.json /from: expected one of urn, hat, found \"bag\"");
}

TEST_CASE("JsonReader: the declaration, as it is printed", "[base]") {
  auto in = empty_reader();
  in.integer("batch", 128, {1, 65536}, "rows a step");
  in.number("lr", 0.05, {.low = 0}, "rate");
  in.one_of("keep", "last", {"last", "mean"}, "");
  in.numbers("betas", {0.9, 0.999}, {0, 1}, "");
  in.choice("arch", "resnet", "trunk").params.integer("depth", 20, {.high = 200}, "");
  in.choices("policies", "threshold", "")[0].params.text("confidence", "entropy", "");
  in.object("o", "").object("p", "").maybe_integer("q", {}, "");
  std::string lines;
  for (auto const& field : in.fields())
    lines += field.name + "|" + field.type + "|" + field.fallback + "|" + field.allowed + "|" + field.help + "\n";
  CHECK(lines ==
        "batch|integer|128|[1, 65536]|rows a step\n"
        "lr|number|0.05|>= 0|rate\n"
        "keep|one of|\"last\"|last, mean|\n"
        "betas|list of numbers|[0.9, 0.999]|[0, 1]|\n"
        "arch|choice|{\"name\": \"resnet\"}||trunk\n"
        "arch.depth|integer|20|<= 200|\n"
        "policies|list of choices|[{\"name\": \"threshold\"}]||\n"
        "policies.confidence|text|\"entropy\"||\n"
        "o|object|{}||\n"
        "o.p|object|{}||\n"
        "o.p.q|integer or null|null||\n");
}

TEST_CASE("JsonReader: a number or an object in its place", "[base]") {
  auto const read = [](std::string const& text, std::optional<double> fallback) {
    JsonReader in(text, std::make_shared<Source>(Source{"spec.json", {}}));
    auto [number, object] = in.number_or_object("lr", fallback, {0, 10}, "rate");
    object.numbers("tune", {}, {0, 10}, "rates");
    object.done();
    in.done();
    return std::pair(number, in.resolved());
  };
  using Read = std::pair<std::optional<double>, std::string>;
  CHECK(read(R"({"lr": 2e-1})", 1) == Read(0.2, R"({"lr":0.2})"));
  CHECK(read("{}", 1) == Read(1, R"({"lr":1})"));
  CHECK(read(R"({"lr": {"tune": [1, 2]}})", 1) == Read(std::nullopt, R"({"lr":{"tune":[1,2]}})"));
  CHECK(read("{}", std::nullopt) == Read(std::nullopt, R"({"lr":{"tune":[]}})"));
  CHECK_THROWS_WITH(read(R"({"lr": "a"})", 1), "spec.json /lr: expected a number in [0, 10] or an object, found \"a\"");
  CHECK_THROWS_WITH(read(R"({"lr": 11})", 1), "spec.json /lr: expected a number in [0, 10], found 11");
  CHECK_THROWS_AS(read(R"({"lr": {"tun": [1]}})", 1), SpecError);
  // The object's keys are declared whichever is written.
  JsonReader in(R"({"lr": 1})", std::make_shared<Source>());
  in.number_or_object("lr", 1, {}, "rate").object.numbers("tune", {}, {}, "rates");
  auto const fields = in.fields();
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].type == "number or object");
  CHECK(fields[1].name == "lr.tune");
}

TEST_CASE("JsonReader: names of a choice and optional objects are declared", "[base]") {
  auto in = reader(R"({"there":{"x":2}})");
  in.choice("arch", "resnet", "", {"resnet", "mlp"});
  CHECK_FALSE(in.maybe_object("absent", "").has_value());
  in.maybe_object("there", "")->integer("x", 1, {}, "");
  CHECK(in.resolved() == R"({"arch":{"name":"resnet"},"there":{"x":2}})");
  std::string lines;
  for (auto const& field : in.fields()) lines += field.name + "|" + field.type + "|" + field.allowed + "\n";
  CHECK(lines ==
        "arch|choice|resnet, mlp\n"
        "absent|object or absent|\n"
        "there|object or absent|\n"
        "there.x|integer|\n");
  CHECK(said(R"({"o":3})", [](auto& all) { all.maybe_object("o", ""); }) ==
        "spec.json /o: expected an object, found 3");
}

TEST_CASE("JsonReader: exactly one of some keys", "[base]") {
  auto const one = [](auto& in) { in.only_one_of({"after", "count"}); };
  CHECK(reader(R"({"count":3})").only_one_of({"after", "count"}) == "count");
  CHECK(said("{}", one) == "spec.json: expected exactly one of after, count; found 0");
  CHECK(said(R"({"count":3,"after":[]})", one) == "spec.json: expected exactly one of after, count; found 2");
  CHECK(said(R"({"count":3,"cuont":3})", one) ==
        "spec.json /cuont: unknown key \"cuont\"; did you mean \"count\"? known: after, count");
}
