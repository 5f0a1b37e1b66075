#include "core/base/schema.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/json_schema.h"

using namespace eexit;
using namespace eexit::test;

namespace {

using Json = nlohmann::ordered_json;
using Read = std::function<void(JsonReader&)>;

Json definitions_of(Read const& read, bool partial = false, std::string const& start = "{}") {
  return Json::parse(schema_definitions({.name = "top", .read = read, .start = start, .partial = partial}));
}

// A schema whose document is the object that `read` reads.
SchemaCheck check(Read const& read, bool partial = false, std::string const& start = "{}") {
  Json schema = {{"$ref", "#/definitions/top"}, {"definitions", definitions_of(read, partial, start)}};
  return SchemaCheck(schema.dump());
}

// The reader's word on a document.
bool reads(Read const& read, std::string const& document) {
  try {
    JsonReader reader(document, std::make_shared<Source>());
    read(reader);
    return true;
  } catch (SpecError const&) {
    return false;
  }
}

void plain_values(JsonReader& in) {
  in.flag("flag", true, "yes or no");
  in.integer("batch", 128, {1, 65536}, "rows a step");
  in.number("rate", 0.05, {.low = 0}, "");
  in.text("dir", "", "");
  in.one_of("keep", "last", {"last", "mean"}, "");
  in.maybe_integer("limit", {1, 9}, "");
  in.maybe_number("clip", {}, "");
  in.integers("widths", {256, 256}, {1, 512}, "");
  in.numbers("betas", {0.9}, {0, 1}, "");
  in.texts("after", {"stem"}, "");
  in.raw("any", "");
  in.done();
}

// One whose keys depend on what is chosen.
void dependent_keys(JsonReader& in) {
  auto [name, params] = in.choice("head", "pooled", "", {"pooled", "wide"});
  if (name == "pooled") params.integer("side", 4, {1, 64}, "");
  if (name == "wide" && params.one_of("kind", "a", {"a", "b"}, "") == "b") params.number("share", 0, {}, "");
  if (name != "pooled" && name != "wide") params.fail("name", "unknown");
  params.done();
  if (auto part = in.maybe_object("recipe", "")) {
    if (part->flag("tuned", false, "")) part->integer("trials", 5, {1, 9}, "");
    part->done();
  }
  in.done();
}

}  // namespace

TEST_CASE("schema: what the reader takes and what it refuses, key by key", "[base]") {
  auto const schema = check(plain_values);
  for (std::string const good :
       {"{}", R"({"flag":false,"batch":1,"rate":0,"dir":"x","keep":"mean","limit":null,"clip":-3.5,"widths":[1,2]})",
        R"({"limit":9,"clip":null,"betas":[],"after":["stem",3],"any":[{"x":null}]})"}) {
    INFO(good);
    CHECK(reads(plain_values, good));
    CHECK(schema.accepts(good));
  }
  for (std::string const bad : {R"({"flag":1})", R"({"batch":0})", R"({"batch":65537})", R"({"batch":"5"})",
                                R"({"batch":null})", R"({"rate":-0.1})", R"({"dir":3})", R"({"keep":"best"})",
                                R"({"limit":0})", R"({"limit":1.5})", R"({"clip":"a"})", R"({"widths":4})",
                                R"({"widths":[1,513]})", R"({"betas":[2]})", R"({"after":[0.5]})", R"({"bacth":5})"}) {
    INFO(bad);
    CHECK_FALSE(reads(plain_values, bad));
    CHECK_FALSE(schema.accepts(bad));
  }
}

TEST_CASE("schema: help and defaults go with the keys", "[base]") {
  auto const keys = definitions_of(plain_values)["top"]["properties"];
  CHECK(keys["batch"] ==
        Json::parse(R"({"type":"integer","minimum":1,"maximum":65536,"description":"rows a step","default":128})"));
  CHECK(keys["limit"]["default"].is_null());
  CHECK(keys["widths"]["default"] == Json::parse("[256,256]"));
  CHECK_FALSE(keys["any"].contains("default"));
}

TEST_CASE("schema: keys that only some choices and values have", "[base]") {
  auto const schema = check(dependent_keys);
  for (std::string const good : {"{}", R"({"head":{"side":2}})", R"({"head":{"name":"pooled","side":2}})",
                                 R"({"head":{"name":"wide"}})", R"({"head":{"name":"wide","kind":"b","share":1}})",
                                 R"({"recipe":{}})", R"({"recipe":{"tuned":true,"trials":9}})"}) {
    INFO(good);
    CHECK(reads(dependent_keys, good));
    CHECK(schema.accepts(good));
  }
  for (std::string const bad :
       {R"({"head":{"name":"wdie"}})", R"({"head":"wide"})", R"({"head":{"name":"wide","side":2}})",
        R"({"head":{"kind":"b"}})", R"({"head":{"name":"wide","share":1}})",
        R"({"head":{"name":"wide","kind":"a","share":1}})", R"({"recipe":{"trials":9}})",
        R"({"recipe":{"tuned":false,"trials":9}})", R"({"recipe":{"tuned":true,"trials":10}})"}) {
    INFO(bad);
    CHECK_FALSE(reads(dependent_keys, bad));
    CHECK_FALSE(schema.accepts(bad));
  }
}

TEST_CASE("schema: an object that is laid over another may leave the name and what depends on it out", "[base]") {
  auto const schema = check(dependent_keys, true);
  for (std::string const part :
       {R"({"head":{"side":2}})", R"({"head":{"kind":"b"}})", R"({"head":{"share":1}})", R"({"recipe":{"trials":9}})"})
    CHECK(schema.accepts(part));
  for (std::string const bad :
       {R"({"head":{"side":2,"kind":"b"}})", R"({"head":{"side":0}})", R"({"head":{"kind":"a","share":1}})"})
    CHECK_FALSE(schema.accepts(bad));
}

TEST_CASE("schema: exactly one of some keys, each with its own type", "[base]") {
  auto const read = [](JsonReader& in) {
    auto place = in.object("place", "");
    auto const given = place.only_one_of({"after", "count"});
    if (given == "after") place.texts("after", {}, "");
    if (given == "count") place.integer("count", 3, {1, 9}, "");
    place.done();
    in.integer("seed", 0, {}, "");
    in.done();
  };
  auto const schema = check(read, false, R"({"place":{"count":3}})");
  CHECK(schema.accepts(R"({"place":{"after":["stem"]},"seed":1})"));
  CHECK(schema.accepts(R"({"place":{"count":1}})"));
  for (std::string const bad : {R"({"place":{}})", R"({"place":{"count":1,"after":[]}})", R"({"place":{"count":0}})",
                                R"({"place":{"after":3}})", R"({"place":{"afer":[]}})"})
    CHECK_FALSE(schema.accepts(bad));
}

TEST_CASE("schema: lists of choices and of objects", "[base]") {
  auto const read = [](JsonReader& in) {
    for (auto& [name, params] : in.choices("policies", "threshold", "", {"threshold", "fixed"})) {
      if (name == "fixed") params.integer("exit", 0, {0, 9}, "");
      params.done();
    }
    for (auto& object : in.objects("steps", "")) {
      object.number("at", 0, {0, 1}, "");
      object.done();
    }
    in.done();
  };
  auto const schema = check(read);
  CHECK(schema.accepts(R"({"policies":[{},{"name":"fixed","exit":3}],"steps":[{"at":0.5},{}]})"));
  for (std::string const bad : {R"({"policies":[]})", R"({"policies":[{"exit":3}]})", R"({"policies":{}})",
                                R"({"policies":[{"name":"other"}]})", R"({"steps":[{"at":2}]})", R"({"steps":[3]})"})
    CHECK_FALSE(schema.accepts(bad));
}

TEST_CASE("schema: equal objects are defined once", "[base]") {
  auto const recipe = [](JsonReader& in, std::string const& name) { in.object(name, "same").flag("on", true, ""); };
  auto const all = definitions_of([&](JsonReader& in) {
    for (auto const* name : {"first", "second"}) recipe(in, name);
  });
  CHECK(all.size() == 2);
  CHECK(all["top"]["properties"]["second"]["$ref"] == "#/definitions/top.first");
}

TEST_CASE("schema: an object is closed once its reader has asked for all, whatever it finds wrong then") {
  auto const read = [](JsonReader& in) {
    auto inner = in.object("inner", "");
    inner.integers("rates", {}, {}, "");
    inner.done();
    if (!inner.has("rates")) inner.fail("rates", "expected two rates");
    in.integer("after", 1, {}, "");
    in.done();
  };
  CHECK(check(read).accepts(R"({"inner":{"rates":[1,2]},"after":3})"));
  CHECK_FALSE(check(read).accepts(R"({"inner":{"rates":[1,2],"seed":3}})"));
}

TEST_CASE("schema: where the reader gives up, what it did not come to is not refused", "[base]") {
  auto const read = [](JsonReader& in) {
    in.text("name", "", "");
    if (!in.has("needed")) in.fail("needed", "must be written");
    in.integer("needed", 1, {}, "");
    in.done();
  };
  CHECK(check(read).accepts(R"({"needed":3})"));
  CHECK_FALSE(check(read).accepts(R"({"name":3})"));
}
