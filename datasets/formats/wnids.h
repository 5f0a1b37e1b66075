// Names of ImageNet's classes: "n" and eight digits, as WordNet numbers its nouns.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace eexit {

// SpecError naming the first class folder of `root` that is not named so.
void check_wnids(std::filesystem::path const& root, std::vector<std::string> const& classes);

}  // namespace eexit
