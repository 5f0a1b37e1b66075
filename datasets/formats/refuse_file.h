// How readers of data files refuse: one line, "<path>: <found> (expected <what>). <what to do>".
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "core/base/error.h"

namespace eexit {

// What to do about a file that was damaged on its way.
inline constexpr char const* fetch_again = "Download it again";

[[noreturn]] void refuse_file(std::filesystem::path const&, std::string_view found, std::string_view expected,
                              std::string_view what_to_do, Exit code = Exit::data);

// SpecError with Exit::missing unless there is such a folder.
void need_folder(std::filesystem::path const&, std::string_view expected, std::string_view what_to_do);

// What a file is that was saved under a data file's name, by its first (64 are enough) bytes; none when these begin no
// known foreign format.
struct Foreign {
  std::string_view found, what_to_do;
};
std::optional<Foreign> foreign_format(std::string_view head);

}  // namespace eexit
