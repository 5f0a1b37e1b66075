// Further sets to test on, of a spec's eval.extra: any data set, for its test rows, and families of test sets such as
// corruptions by severity. One file a family in datasets/.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/plan/spec.h"
#include "datasets/dataset.h"

namespace eexit {

// A family whose parameters are read but whose files are not opened yet.
struct TestSetFamily {
  std::function<std::vector<std::string>()> names;  // of its sets, as tables show them: "fog/3"
  std::function<std::string(std::string const& name, int classes)> identity;  // SHA-256 of a set's content
  // One of them, with labels below `classes`. Constants are its own: who tests a network takes those it was trained
  // with.
  std::function<Dataset(std::string const& name, int classes)> open;
  std::function<std::vector<std::filesystem::path>()> files;  // that all this depends on; folders as in DataSource
};

using TestSetMaker = TestSetFamily (*)(JsonReader&);
Registry<TestSetMaker> test_sets();         // that are no data sets
std::vector<std::string> test_set_names();  // families, then data sets

// Reads the parameters and calls done(). SpecError with the nearest name.
TestSetFamily read_test_sets(std::string const& name, JsonReader&);

// The sets that an entry of eval.extra stands for. SpecError where one has not the shape and classes of the data that
// networks were trained on, naming both.
std::vector<TestSet> look_at_test_sets(Choice const& extra, DataFacts const& trained_on);
Dataset open_test_set(TestSet const&, int classes);

}  // namespace eexit
