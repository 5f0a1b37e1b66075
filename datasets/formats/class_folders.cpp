#include "datasets/formats/class_folders.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

constexpr auto expected = "folders of JPEG and PNG pictures";

bool host_rubbish(std::string_view name) {
  return name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini" || name == "__MACOSX";
}

enum class Named { picture, other_picture, no_picture };

// By the ending: what a file with a picture's ending really is shows when it is read.
Named kind_of(std::string_view name) {
  static constexpr std::array read = {"jpg", "jpeg", "jpe", "jfif", "png"};
  static constexpr std::array not_read = {"gif", "bmp", "tif", "tiff", "webp", "heic", "avif", "jp2", "ppm", "pgm"};
  auto const dot = name.rfind('.');
  if (dot == name.npos) return Named::no_picture;
  std::string ending(name.substr(dot + 1));
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(read.begin(), read.end(), ending) != read.end()) return Named::picture;
  return std::find(not_read.begin(), not_read.end(), ending) != not_read.end() ? Named::other_picture
                                                                               : Named::no_picture;
}

[[noreturn]] void refuse_unreadable(fs::path const& path, std::error_code const& error) {
  refuse_file(path, "cannot be read: " + error.message(), expected, "Check links and permissions", Exit::missing);
}

// What an entry is once links are followed. The first two questions cost no call to the system but for links.
fs::file_type type_of(fs::directory_entry const& entry) {
  std::error_code error;
  if (entry.is_regular_file(error)) return fs::file_type::regular;
  if (entry.is_directory(error)) return fs::file_type::directory;
  auto const type = entry.status(error).type();
  if (type == fs::file_type::not_found)
    refuse_file(entry.path(), "is a link that leads nowhere", expected, "Mend the link, or remove it", Exit::missing);
  if (error) refuse_unreadable(entry.path(), error);
  return type;
}

// Returns how many entries were passed over as the host's.
template <class Take>
int for_each_entry(fs::path const& folder, Take const& take) {
  std::error_code error;
  int passed_over = 0;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    auto const name = entry->path().filename().string();
    if (host_rubbish(name))
      ++passed_over;
    else
      take(*entry, name);
  }
  if (error) refuse_unreadable(folder, error);
  return passed_over;
}

// Goes down a tree, links included.
struct Walk {
  bool with_files = true;
  std::vector<PictureFile> files;
  std::vector<fs::path> folders;
  int left_out = 0;

  void enter(fs::path const& folder, std::string const& prefix) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0)
      refuse_unreadable(folder, std::error_code(errno, std::generic_category()));
    Place const place{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), place) != above_.end())
      refuse_file(folder, "is a link back to a folder above it", expected, "Remove the link");
    above_.push_back(place);
    folders.push_back(folder);
    int const of_host = for_each_entry(folder, [&](fs::directory_entry const& entry, std::string const& name) {
      auto const type = type_of(entry);
      if (type == fs::file_type::directory)
        enter(entry.path(), prefix + name + "/");
      else if (with_files)
        take(entry, name, type, prefix);
    });
    left_out += of_host;
    above_.pop_back();
  }

 private:
  struct Place {
    dev_t device;
    ino_t number;
    bool operator==(Place const&) const = default;
  };
  std::vector<Place> above_;

  void take(fs::directory_entry const& entry, std::string const& name, fs::file_type type, std::string const& prefix) {
    auto const kind = kind_of(name);
    if (kind == Named::other_picture)
      refuse_file(entry.path(), "is named like a picture that is not read", "JPEG or PNG pictures",
                  "Convert it, or take it out");
    if (kind == Named::no_picture) {
      ++left_out;
      return;
    }
    if (type != fs::file_type::regular)
      refuse_file(entry.path(), "is not a regular file", expected, "Take it out of the folder");
    std::error_code error;
    auto const size = entry.file_size(error);
    if (error) refuse_unreadable(entry.path(), error);
    files.push_back({prefix + name, size});
  }
};

}  // namespace

std::vector<std::string> class_folders(fs::path const& root) {
  std::vector<std::string> names;
  for_each_entry(root, [&](fs::directory_entry const& entry, std::string const& name) {
    if (type_of(entry) == fs::file_type::directory)
      names.push_back(name);
    else if (kind_of(name) != Named::no_picture)
      refuse_file(entry.path(), "is a picture outside the class folders", "one folder a class",
                  "Move it into the folder of its class");
  });
  if (names.empty()) refuse_file(root, "holds no class folders", "one folder a class", "Name another folder");
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<PictureFile> pictures_below(fs::path const& folder, std::string const& prefix) {
  Walk walk;
  walk.enter(folder, prefix);
  if (walk.left_out > 0)
    detail("data", fmt::format("{}: {} entries left out, not named like pictures", folder.string(), walk.left_out));
  std::sort(walk.files.begin(), walk.files.end(), [](auto const& a, auto const& b) { return a.path < b.path; });
  return std::move(walk.files);
}

std::string picture_in(fs::path const& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return "";
  std::string found;
  for_each_entry(folder, [&](fs::directory_entry const& entry, std::string const& name) {
    if (found.empty() && kind_of(name) != Named::no_picture && !entry.is_directory(error)) found = name;
  });
  return found;
}

void check_classes(fs::path const& root, std::vector<std::string> const& classes, std::string const& known_by,
                   std::string const& beside) {
  auto found = class_folders(root);
  std::erase(found, beside);
  for (auto const& name : found)
    if (!std::binary_search(classes.begin(), classes.end(), name))
      refuse_file(root / name, fmt::format("no class \"{}\" in {}", name, known_by),
                  fmt::format("the {} classes there", classes.size()), "Remove the folder, or name the right split");
  for (auto const& name : classes)
    if (!std::binary_search(found.begin(), found.end(), name))
      refuse_file(root, fmt::format("no folder of the class \"{}\"", name),
                  fmt::format("the {} classes of {}", classes.size(), known_by), "Add the folder", Exit::missing);
}

PictureList list_pictures(fs::path const& root, std::vector<std::string> const& classes, std::string const& known_by,
                          std::string const& beside) {
  check_classes(root, classes, known_by, beside);
  std::vector<std::vector<PictureFile>> by_class;
  for (auto const& name : classes) by_class.push_back(pictures_below(root / name, name + "/"));
  return labelled(root, classes, by_class);
}

PictureList labelled(fs::path root, std::vector<std::string> const& classes,
                     std::vector<std::vector<PictureFile>> const& by_class) {
  require(by_class.size() == classes.size(), "files of each class");
  PictureList list{.root = std::move(root), .paths = {}, .labels = {}, .digest = {}};
  Sha256 digest;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    if (by_class[label].empty())
      refuse_file(list.root, fmt::format("no picture of the class \"{}\"", classes[label]),
                  "at least one picture of each class", "Add pictures, or remove the class from all splits");
    for (auto const& file : by_class[label]) {
      // No name holds a zero byte.
      digest.add(fmt::format("{}{:c}{}{:c}{}{:c}", classes[label], '\0', file.path, '\0', file.size, '\0'));
      list.paths.push_back(file.path);
      list.labels.push_back(static_cast<int>(label));
    }
  }
  list.digest = digest.hex();
  return list;
}

std::vector<fs::path> folders_of(fs::path const& root) {
  Walk walk;
  walk.with_files = false;
  walk.enter(root, "");
  std::sort(walk.folders.begin(), walk.folders.end());
  return std::move(walk.folders);
}

}  // namespace eexit
