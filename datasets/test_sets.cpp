#include "datasets/test_sets.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"

namespace eexit {

namespace data {
#define ENTRY(name, help) TestSetFamily name(JsonReader&);
#include "datasets/test_sets.inc"
#undef ENTRY
}  // namespace data

namespace {

TestSetFamily test_rows_of(std::string const& name, DataSource source) {
  return {.names = [name] { return std::vector{name}; },
          .identity = [facts = std::move(source.facts)](std::string const&, int) { return facts().identity; },
          .open = [open = std::move(source.open)](std::string const&, int) { return open(Split::test); },
          .files = std::move(source.files)};
}

TestSetFamily family_of(Choice const& extra) {
  JsonReader reader(extra.params, std::make_shared<Source>());
  return read_test_sets(extra.name, reader);
}

std::string text_of(ImageShape const& shape, int classes) {
  return fmt::format("{} x {} x {} and {} classes", shape.channels, shape.height, shape.width, classes);
}

}  // namespace

Registry<TestSetMaker> test_sets() {
  static constexpr Entry<TestSetMaker> entries[] = {
#define ENTRY(name, help) {#name, help, data::name},
#include "datasets/test_sets.inc"
#undef ENTRY
  };
  return entries;
}

std::vector<std::string> test_set_names() {
  auto all = names(test_sets());
  for (auto const& name : names(datasets())) all.push_back(name);
  return all;
}

TestSetFamily read_test_sets(std::string const& name, JsonReader& reader) {
  for (auto const& entry : test_sets())
    if (entry.name == name) return entry.make(reader);
  for (auto const& entry : datasets())
    if (entry.name == name) return test_rows_of(name, entry.make(reader));
  reader.fail("name", unknown_name("test set", name, test_set_names()));
}

std::vector<TestSet> look_at_test_sets(Choice const& extra, DataFacts const& trained_on) {
  auto const family = family_of(extra);
  std::vector<TestSet> all;
  for (auto const& name : family.names()) {
    auto const set = family.open(name, trained_on.classes);
    if (set.shape != trained_on.shape || set.classes != trained_on.classes)
      throw SpecError(fmt::format("test set {}: expected {}, as the data trained on has, found {}", name,
                                  text_of(trained_on.shape, trained_on.classes), text_of(set.shape, set.classes)));
    all.push_back(
        {.source = extra, .name = name, .identity = family.identity(name, trained_on.classes), .rows = set.rows()});
  }
  return all;
}

Dataset open_test_set(TestSet const& set, int classes) { return family_of(set.source).open(set.name, classes); }

}  // namespace eexit
