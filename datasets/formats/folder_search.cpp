#include "datasets/formats/folder_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/text.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

void need_set_folder(FolderSearch const& search, fs::path const& folder, std::string_view named_by) {
  need_folder(folder, "the folder of the " + search.set + " files", fmt::format("Correct {}", named_by));
}

bool any_present(fs::path const& folder, std::vector<std::string> const& names) {
  return std::any_of(names.begin(), names.end(), [&](auto const& name) { return present(folder, name).has_value(); });
}

struct Found {
  Lookalike const* what = nullptr;  // none
  fs::path where = {};
};

Found lookalike_in(FolderSearch const& search, fs::path const& folder) {
  for (auto const& lookalike : search.lookalikes) {
    std::vector<fs::path> places = {folder};
    for (auto const& name : lookalike.subfolders) places.push_back(folder / name);
    for (auto const& place : places)
      for (auto const& name : lookalike.files) {
        auto const path = present(place, name);
        std::error_code error;
        if (path && fs::is_regular_file(*path, error)) return {&lookalike, place};  // a folder "train" is in many a set
      }
  }
  return {};
}

void refuse_lookalikes(FolderSearch const& search, fs::path const& folder) {
  auto const found = lookalike_in(search, folder);
  if (found.what) refuse_file(found.where, found.what->found, search.wanted, found.what->what_to_do, Exit::missing);
}

std::vector<fs::path> all_in(FolderSearch const& search, fs::path const& folder,
                             std::vector<std::string> const& names) {
  std::vector<fs::path> files;
  if (!any_present(folder, names)) refuse_lookalikes(search, folder);
  for (auto const& name : names) {
    auto const path = present(folder, name);
    if (!path)
      refuse_file(folder, fmt::format("no file {} in this folder", name), search.wanted,
                  fmt::format("Add the file, or name another folder by {}", search.place), Exit::missing);
    files.push_back(*path);
  }
  return files;
}

}  // namespace

std::optional<fs::path> present(fs::path const& folder, std::string_view name) {
  for (auto const* ending : {"", ".gz"}) {
    fs::path path = folder / (std::string(name) + ending);
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) return path;
  }
  return std::nullopt;
}

std::vector<fs::path> find_files(FolderSearch const& search, std::vector<std::string> const& names) {
  if (!search.dir.empty()) {
    need_set_folder(search, search.dir, search.place);
    return all_in(search, search.dir, names);
  }
  std::vector<fs::path> folders;
  if (char const* data = std::getenv("EEXIT_DATA"); data && *data) {
    need_set_folder(search, data, "$EEXIT_DATA");
    folders = {fs::path(data) / search.subfolder, data};
  }
  if (!search.system_folder.empty()) folders.push_back(search.system_folder);
  std::vector<std::string> looked_at;
  for (auto const& folder : folders) {
    if (any_present(folder, names)) return all_in(search, folder, names);
    looked_at.push_back(folder.string());
  }
  for (auto const& folder : folders) refuse_lookalikes(search, folder);
  auto const where = looked_at.empty() ? std::string("no folder named") : "no files in " + join(looked_at, ", ");
  auto const package = search.package.empty() ? "" : fmt::format("Install the Debian package {}, or n", search.package);
  throw SpecError(fmt::format("data set {}: {} (expected {}). {}ame the folder by {} or $EEXIT_DATA", search.set, where,
                              search.wanted, package.empty() ? "N" : package, search.place),
                  Exit::missing);
}

bool begun(FolderSearch const& search, std::vector<std::string> const& names) {
  return !search.dir.empty() && (any_present(search.dir, names) || lookalike_in(search, search.dir).what);
}

}  // namespace eexit
