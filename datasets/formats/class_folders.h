// Trees of picture files: one folder a class, its pictures in it or in folders below. Nothing is opened: what is known
// comes from names and sizes. Left out are what systems put there (names with a dot in front, Thumbs.db, desktop.ini,
// __MACOSX) and files that are not named like pictures. What is refused is a SpecError of one line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace eexit {

// Labelled pictures, by class and within a class by path.
struct PictureList {
  std::filesystem::path root;
  std::vector<std::string> paths;  // below the root
  std::vector<int> labels;
  std::string digest;  // SHA-256 over class, path and size of each
};

struct PictureFile {
  std::string path;
  std::uintmax_t size = 0;
};

// Folders directly below, sorted as bytes. Refused: none, a picture beside them, links that lead nowhere.
std::vector<std::string> class_folders(std::filesystem::path const& root);

// The pictures in `folder` and below, sorted by path. Paths begin with `prefix`. Refused: links that lead nowhere or
// back to a folder above, pictures of kinds that are not read (by their names).
std::vector<PictureFile> pictures_below(std::filesystem::path const& folder, std::string const& prefix);

// A picture directly in the folder, by its name; "" when there is none, or no such folder.
std::string picture_in(std::filesystem::path const& folder);

// The folders of a tree are exactly these classes (sorted): one that is missing or not among them is refused by name.
// `known_by` says where the classes come from; `beside`: a folder that may lie there and is no class.
void check_classes(std::filesystem::path const& root, std::vector<std::string> const& classes,
                   std::string const& known_by, std::string const& beside = "");

// The pictures of such a tree; an empty class is refused too.
PictureList list_pictures(std::filesystem::path const& root, std::vector<std::string> const& classes,
                          std::string const& known_by, std::string const& beside = "");

// Pictures put together by other means: files of each class, in the order of classes. Fills labels and digest.
PictureList labelled(std::filesystem::path root, std::vector<std::string> const& classes,
                     std::vector<std::vector<PictureFile>> const& by_class);

// The folder and all below it: when files are added, removed or renamed, the time of one of them changes.
std::vector<std::filesystem::path> folders_of(std::filesystem::path const& root);

}  // namespace eexit
