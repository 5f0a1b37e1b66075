#include "datasets/formats/idx_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/idx.h"
#include "datasets/formats/refuse.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

// train images, train labels, test images, test labels
constexpr std::array<char const*, 4> stems = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                              "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
using Files = std::array<fs::path, 4>;

constexpr std::size_t first_of(Split split) { return split == Split::train ? 0 : 2; }

// Sets known by the digests of their inflated files, in the order of `stems`. For MNIST only MD5 sums are published.
struct KnownSet {
  char const* name;
  bool by_md5;
  std::array<char const*, 4> digests;
};
constexpr std::array<KnownSet, 2> known_sets = {{
    {"Fashion-MNIST",
     false,
     {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
      "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}},
    {"MNIST",
     true,
     {"6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624", "2646ac647ad5339dbf082846283269ea",
      "27ae3e4e09519cfbb04c329615203637"}},
}};

// Told the files one by one, keeps the sets that they can still be.
class Naming {
 public:
  Naming() {
    for (auto const& set : known_sets) possible_.push_back(&set);
  }
  void see(std::size_t which, IdxFile const& file, std::string const& sha) {
    std::erase_if(possible_,
                  [&](KnownSet const* set) { return (set->by_md5 ? md5_of(file) : sha) != set->digests[which]; });
  }
  std::string name() const { return possible_.empty() ? "unknown" : possible_.front()->name; }

 private:
  std::vector<KnownSet const*> possible_;
};

// The file under its plain or its .gz name. A link that leads nowhere counts as there: reading it tells why not.
std::optional<fs::path> present(fs::path const& folder, char const* stem) {
  for (auto const* ending : {"", ".gz"}) {
    fs::path path = folder / (std::string(stem) + ending);
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) return path;
  }
  return std::nullopt;
}

bool any_present(fs::path const& folder) {
  return std::any_of(stems.begin(), stems.end(), [&](char const* stem) { return present(folder, stem).has_value(); });
}

struct Search {
  IdxSet set;
  std::string dir;    // "": search
  std::string place;  // of the key `dir` in the spec

  void need(fs::path const& folder, std::string_view named_by) const {
    need_folder(folder, "the folder of the " + set.name + " files", fmt::format("Correct {}", named_by));
  }

  Files all_in(fs::path const& folder) const {
    Files files;
    for (std::size_t i = 0; i < stems.size(); ++i) {
      auto const path = present(folder, stems[i]);
      if (!path)
        refuse_file(folder, fmt::format("no file {} in this folder", stems[i]),
                    fmt::format("the four {} files, each plain or .gz", set.name),
                    fmt::format("Add the file, or name another folder by {}", place), Exit::missing);
      files[i] = *path;
    }
    return files;
  }

  Files find() const {
    if (!dir.empty()) {
      need(dir, place);
      return all_in(dir);
    }
    std::vector<fs::path> folders;
    if (char const* data = std::getenv("EEXIT_DATA"); data && *data) {
      need(data, "$EEXIT_DATA");
      folders = {fs::path(data) / set.subfolder, data};
    }
    if (!set.system_folder.empty()) folders.push_back(set.system_folder);
    std::vector<std::string> looked_at;
    for (auto const& folder : folders) {
      if (any_present(folder)) return all_in(folder);
      looked_at.push_back(folder.string());
    }
    auto const where = looked_at.empty() ? std::string("no folder named") : "no files in " + join(looked_at, ", ");
    auto const package = set.package.empty() ? "" : fmt::format("Install the Debian package {}, or n", set.package);
    throw SpecError(
        fmt::format("data set {}: {} (expected {}[.gz] and its three companions). {}ame the folder by {} or "
                    "$EEXIT_DATA",
                    set.name, where, stems[0], package.empty() ? "N" : package, place),
        Exit::missing);
  }
};

struct Pair {
  IdxFile images, labels;
  std::string images_sha, labels_sha;
  std::string digest() const { return sha256(images_sha + labels_sha); }
};

// Labels first: they are small, and most mistakes show there.
Pair read_pair(Files const& files, Split split, IdxSet const& set) {
  Pair pair;
  pair.labels = read_idx_labels(files[first_of(split) + 1], static_cast<int>(set.class_names.size()));
  pair.images = read_idx_images(files[first_of(split)], set.shape.height, set.shape.width);
  check_same_records(pair.images, pair.labels);
  pair.images_sha = sha256_of(pair.images);
  pair.labels_sha = sha256_of(pair.labels);
  return pair;
}

DataFacts facts_of(Files const& files, IdxSet const& set) {
  DataFacts facts;
  facts.shape = set.shape;
  facts.classes = static_cast<int>(set.class_names.size());
  facts.class_names = set.class_names;
  Naming naming;
  std::string digests;
  for (auto const split : {Split::train, Split::test}) {
    auto const pair = read_pair(files, split, set);
    naming.see(first_of(split) + 1, pair.labels, pair.labels_sha);
    naming.see(first_of(split), pair.images, pair.images_sha);
    digests += pair.digest();
    if (split == Split::train)
      facts.labels.assign(pair.labels.data.begin(), pair.labels.data.end());
    else
      facts.test_rows = pair.labels.records();
  }
  facts.identity = sha256(digests);
  facts.known = naming.name();
  return facts;
}

Dataset open_split(Files const& files, Split split, IdxSet const& set) {
  auto pair = read_pair(files, split, set);
  Dataset dataset;
  dataset.shape = set.shape;
  dataset.classes = static_cast<int>(set.class_names.size());
  dataset.labels.assign(pair.labels.data.begin(), pair.labels.data.end());
  dataset.digest = pair.digest();
  dataset.mean = set.mean;
  dataset.deviation = set.deviation;
  auto const pixels = std::make_shared<std::vector<std::uint8_t> const>(std::move(pair.images.data));
  dataset.read = [pixels, bytes = static_cast<std::size_t>(set.shape.bytes()), count = dataset.rows()](
                     std::span<int const> rows, std::uint8_t* out) {
    for (int const row : rows) {
      require(row >= 0 && row < count, "a row of the data set");
      std::memcpy(out, pixels->data() + static_cast<std::size_t>(row) * bytes, bytes);
      out += bytes;
    }
  };
  return dataset;
}

}  // namespace

DataSource idx_folder(JsonReader& reader, IdxSet set) {
  auto dir = reader.text("dir", "", "folder of the files; empty: $EEXIT_DATA, then the system's");
  reader.done();
  auto const search = std::make_shared<Search const>(Search{std::move(set), std::move(dir), reader.place("dir")});
  return {.facts = [search] { return facts_of(search->find(), search->set); },
          .open = [search](Split split) { return open_split(search->find(), split, search->set); },
          .files =
              [search] {
                auto const files = search->find();
                return std::vector<fs::path>(files.begin(), files.end());
              },
          .known_by = join(std::vector<std::string>(stems.begin(), stems.end()), ", ") + ", each plain or .gz"};
}

}  // namespace eexit
