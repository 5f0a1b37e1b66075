// Where the files of a set are looked for: the folder that the spec names and nowhere else; else $EEXIT_DATA (its
// subfolder, then itself); else the system's folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eexit {

// What people have instead of the files wanted, such as another packing of the same set.
struct Lookalike {
  std::vector<std::string> subfolders;  // looked for there too
  std::vector<std::string> files;       // any of them
  std::string found, what_to_do;
};

struct FolderSearch {
  std::string set;    // name of the plug-in, for messages
  std::string dir;    // "": search
  std::string place;  // of the key `dir` in the spec
  std::string subfolder;
  std::filesystem::path system_folder = {};  // empty: none
  std::string package = {};                  // the Debian package that fills it
  std::string wanted;                        // the files, for messages: "train.bin and test.bin, each plain or .gz"
  std::vector<Lookalike> lookalikes = {};
};

// The file under its plain or its .gz name. A link that leads nowhere counts as there: reading it tells why not.
std::optional<std::filesystem::path> present(std::filesystem::path const& folder, std::string_view name);

// All files of these names, from the first folder that has any of them. SpecError with Exit::missing when there is no
// such folder, or when a file is missing from it.
std::vector<std::filesystem::path> find_files(FolderSearch const&, std::vector<std::string> const& names);

// Whether the folder `dir` has one of these files, or what people have instead.
bool begun(FolderSearch const&, std::vector<std::string> const& names);

}  // namespace eexit
