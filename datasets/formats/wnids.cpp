#include "datasets/formats/wnids.h"

#include <algorithm>

#include "datasets/formats/refuse_file.h"

namespace eexit {

bool is_wnid(std::string_view name) {
  return name.size() == 9 && name[0] == 'n' &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_wnids(std::filesystem::path const& root, std::vector<std::string> const& classes) {
  auto const other = std::find_if_not(classes.begin(), classes.end(), is_wnid);
  if (other != classes.end())
    refuse_file(root / *other, "is no folder of an ImageNet class", "names such as n01440764",
                "Take it out, or read the folder as image_folder");
}

}  // namespace eexit
