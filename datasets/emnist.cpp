// EMNIST (Cohen and others 2017), handwritten digits and letters in six splits.
#include <string>
#include <string_view>
#include <vector>

#include "datasets/formats/idx_folder.h"

namespace eexit::data {

namespace {

std::vector<std::string> letters(std::string_view which) {
  std::vector<std::string> names;
  for (char const c : which) names.emplace_back(1, c);
  return names;
}

// In the order of the labels. Where capital and small letters look alike, bymerge and balanced have one class for both;
// letters has for all.
std::vector<std::string> class_names(std::string const& split) {
  if (split == "byclass") return letters("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  if (split == "bymerge" || split == "balanced") return letters("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt");
  if (split == "letters") return letters("abcdefghijklmnopqrstuvwxyz");
  return letters("0123456789");
}

}  // namespace

DataSource emnist(JsonReader& reader) {
  auto const split =
      reader.one_of("split", "balanced", {"balanced", "byclass", "bymerge", "letters", "digits", "mnist"},
                    "which of the six: 47, 62, 47, 26, 10, 10 classes");
  std::vector<std::string> stems;
  for (auto const* part : {"train", "test"})
    for (auto const* kind : {"images-idx3-ubyte", "labels-idx1-ubyte"})
      stems.push_back(std::string("emnist-") + split + "-" + part + "-" + kind);
  return idx_folder(reader, {.name = "emnist",
                             .subfolder = "emnist",
                             .system_folder = {},
                             .package = {},
                             .shape = {1, 28, 28},
                             // Constants in common use for all splits.
                             .mean = {0.1736F},
                             .deviation = {0.3317F},
                             .class_names = class_names(split),
                             .stems = stems,
                             .first_label = split == "letters" ? 1 : 0,
                             .transposed = true});
}

}  // namespace eexit::data
