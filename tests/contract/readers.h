// What every plug-in's reader must refuse.
#pragma once

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/registry.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {

inline JsonReader reader_of(std::string const& text) {
  return JsonReader(strict_json(text, "spec.json"), std::make_shared<Source>(Source{"spec.json", {}}), "");
}

// A plug-in has a parameter of this name.
template <class Make>
bool declares(Entry<Make> const& entry, std::string const& parameter) {
  auto reader = empty_reader();
  entry.make(reader);
  for (auto const& field : reader.fields())
    if (field.name == parameter) return true;
  return false;
}

// An unknown key, and an object where any declared parameter is expected.
template <class Make>
void check_refusals(Registry<Make> registry) {
  for (auto const& entry : registry) {
    INFO(entry.name);
    CHECK_FALSE(entry.help.empty());
    auto unknown = reader_of(R"({"no_such_parameter": 1})");
    auto const message = test::message_of<SpecError>([&] { entry.make(unknown); });
    INFO(message);
    CHECK(message.starts_with("spec.json"));
    CHECK(message.find("no_such_parameter") != std::string::npos);
    auto declared = empty_reader();
    entry.make(declared);
    for (auto const& field : declared.fields()) {
      INFO(field.name);
      CHECK_FALSE(field.help.empty());
      if (field.name.find('.') != std::string::npos) continue;
      auto wrong = reader_of("{\"" + field.name + "\": {\"no_such_parameter\": 1}}");
      CHECK_THROWS_AS(entry.make(wrong), SpecError);
    }
  }
}

}  // namespace eexit
