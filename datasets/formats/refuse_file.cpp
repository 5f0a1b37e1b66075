#include "datasets/formats/refuse_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace eexit {

void refuse_file(std::filesystem::path const& path, std::string_view found, std::string_view expected,
                 std::string_view what_to_do, Exit code) {
  throw SpecError(fmt::format("{}: {} (expected {}). {}", path.string(), found, expected, what_to_do), code);
}

void need_folder(std::filesystem::path const& folder, std::string_view expected, std::string_view what_to_do) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(folder, error)) return;
  refuse_file(folder, fs::exists(folder, error) ? "is not a folder" : "no such folder", expected, what_to_do,
              Exit::missing);
}

std::optional<Foreign> foreign_format(std::string_view head) {
  auto start = head;
  if (start.starts_with("\xef\xbb\xbf")) start.remove_prefix(3);
  while (!start.empty() && std::isspace(static_cast<unsigned char>(start.front()))) start.remove_prefix(1);
  std::string lower(start.substr(0, 5));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.starts_with("<!do") || lower.starts_with("<htm") || lower.starts_with("<?xml"))
    return Foreign{"is an HTML page, the download failed", "Download the file itself"};
  if (head.starts_with("version http") && head.substr(0, 64).find("git-lfs") != head.npos)
    return Foreign{"is a Git LFS pointer, not the data", "Run git lfs pull"};
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv)) return Foreign{"is gzip inside gzip", "Unpack it once"};
  if (head.starts_with("PK\x03\x04"sv)) return Foreign{"is a zip archive", "Unpack it"};
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return Foreign{"is compressed with zstd", "Unpack it with unzstd"};
  if (head.starts_with("\xfd\x37\x7a\x58\x5a\x00"sv)) return Foreign{"is compressed with xz", "Unpack it with unxz"};
  if (head.starts_with("BZh"sv)) return Foreign{"is compressed with bzip2", "Unpack it with bunzip2"};
  return std::nullopt;
}

}  // namespace eexit
