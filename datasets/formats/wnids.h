// Names of ImageNet's classes: "n" and eight digits, as WordNet numbers its nouns.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

bool is_wnid(std::string_view name);

// SpecError naming the first class folder of `root` that is not named so.
void check_wnids(std::filesystem::path const& root, std::vector<std::string> const& classes);

}  // namespace eexit
