#include "datasets/formats/resident.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/base/sha256.h"

namespace eexit {

namespace {

DataFacts facts_of(Resident const& set) {
  auto traits = set.traits();
  DataFacts facts;
  facts.shape = traits.shape;
  facts.classes = static_cast<int>(traits.class_names.size());
  facts.class_names = std::move(traits.class_names);
  facts.known = "unknown";
  std::vector<std::string> may_be;
  std::string digests;
  // One split after the other: both need not fit at once.
  {
    auto train = set.rows(Split::train, true);
    facts.labels = std::move(train.labels);
    may_be = std::move(train.may_be);
    digests = train.digest;
  }
  auto const test = set.rows(Split::test, true);
  facts.test_rows = static_cast<int>(test.labels.size());
  facts.identity = sha256(digests + test.digest);
  for (auto const& name : test.may_be)
    if (std::find(may_be.begin(), may_be.end(), name) != may_be.end()) facts.known = name;
  return facts;
}

Dataset open_split(Resident const& set, Split split) {
  auto traits = set.traits();
  auto rows = set.rows(split, false);
  auto const image_bytes = static_cast<std::size_t>(traits.shape.bytes());
  require(rows.bytes.size() == rows.labels.size() * rows.record_bytes, "a record for each label");
  require(rows.image_at + image_bytes <= rows.record_bytes, "a record holds the image");
  Dataset dataset;
  dataset.shape = traits.shape;
  dataset.classes = static_cast<int>(traits.class_names.size());
  dataset.labels = std::move(rows.labels);
  dataset.mean = std::move(traits.mean);
  dataset.deviation = std::move(traits.deviation);
  auto const bytes = std::make_shared<std::vector<std::uint8_t> const>(std::move(rows.bytes));
  dataset.read = [bytes, image_bytes, record = rows.record_bytes, at = rows.image_at, count = dataset.rows()](
                     std::span<int const> wanted, std::uint8_t* out) {
    for (int const row : wanted) {
      require(row >= 0 && row < count, "a row of the data set");
      std::memcpy(out, bytes->data() + static_cast<std::size_t>(row) * record + at, image_bytes);
      out += image_bytes;
    }
  };
  return dataset;
}

}  // namespace

DataSource resident(Resident set) {
  auto const shared = std::make_shared<Resident const>(std::move(set));
  return {.facts = [shared] { return facts_of(*shared); },
          .open = [shared](Split split) { return open_split(*shared, split); },
          .files = [shared] { return shared->files(); },
          .known_by = shared->known_by,
          .begun = shared->begun};
}

}  // namespace eexit
