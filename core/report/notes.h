// Lettered footnotes of a table.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

// Gives each footnote its letter when it is first used.
class Notes {
 public:
  std::string letter(std::string const& text) {
    auto found = std::find(texts_.begin(), texts_.end(), text);
    auto n = static_cast<std::size_t>(found - texts_.begin());
    if (found == texts_.end()) texts_.push_back(text);
    // No x: Markdown reads a list item "[x]" as a box to tick.
    std::string_view const letters = "abcdefghijklmnopqrstuvwyz";
    return (n >= letters.size() ? std::string(1, letters[n / letters.size() - 1]) : "") + letters[n % letters.size()];
  }
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    for (auto const& text : texts_) all.push_back("[" + letter(text) + "] " + text);
    return all;
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace eexit
