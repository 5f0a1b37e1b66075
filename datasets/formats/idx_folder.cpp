#include "datasets/formats/idx_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/folder_search.h"
#include "datasets/formats/idx.h"
#include "datasets/formats/resident.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

// Of a split's images in IdxSet::stems; its labels come after.
constexpr std::size_t first_of(Split split) { return split == Split::train ? 0 : 2; }

// Sets known by the digests of their inflated files, in the order of IdxSet::stems. For MNIST only MD5 sums are
// published.
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

// Rows and columns of each image change places, so that the file's order is the usual one.
void transpose(std::vector<std::uint8_t>& pixels, ImageShape const& shape) {
  auto const height = static_cast<std::size_t>(shape.height), width = static_cast<std::size_t>(shape.width);
  require(shape.channels == 1 && height == width, "transposed images are square and gray");
  for (std::size_t at = 0; at < pixels.size(); at += height * width)
    for (std::size_t row = 0; row < height; ++row)
      for (std::size_t column = 0; column < row; ++column)
        std::swap(pixels[at + row * width + column], pixels[at + column * width + row]);
}

// Digest and names of the rows; `first` is the images' place among the stems.
void identify(IdxFile const& images, IdxFile const& labels, std::size_t first, SplitRows& rows) {
  auto const images_sha = sha256_of(images), labels_sha = sha256_of(labels);
  for (auto const& known : known_sets)
    if ((known.by_md5 ? md5_of(labels) : labels_sha) == known.digests[first + 1] &&
        (known.by_md5 ? md5_of(images) : images_sha) == known.digests[first])
      rows.may_be.emplace_back(known.name);
  rows.digest = sha256(images_sha + labels_sha);
}

// Labels first: they are small, and most mistakes show there.
SplitRows read_split(std::vector<fs::path> const& files, Split split, IdxSet const& set, bool with_digest) {
  auto const first = first_of(split);
  auto const labels = read_idx_labels(files[first + 1], static_cast<int>(set.class_names.size()), set.first_label);
  auto images = read_idx_images(files[first], set.shape.height, set.shape.width);
  check_same_records(images, labels);
  SplitRows rows;
  if (with_digest) identify(images, labels, first, rows);
  for (int const label : labels.data) rows.labels.push_back(label - set.first_label);
  rows.bytes = std::move(images.data);
  if (set.transposed) transpose(rows.bytes, set.shape);
  rows.record_bytes = static_cast<std::size_t>(set.shape.bytes());
  return rows;
}

}  // namespace

DataSource idx_folder(JsonReader& reader, IdxSet idx_set) {
  auto dir = reader.text("dir", "", "folder of the files; empty: $EEXIT_DATA, then the system's");
  reader.done();
  auto const set = std::make_shared<IdxSet const>(std::move(idx_set));
  FolderSearch const search{.set = set->name,
                            .dir = std::move(dir),
                            .place = reader.place("dir"),
                            .subfolder = set->subfolder,
                            .system_folder = set->system_folder,
                            .package = set->package,
                            .wanted = join(set->stems, ", ") + ", each plain or .gz"};
  auto const files = [search, set] { return find_files(search, set->stems); };
  return resident(
      {.traits =
           [set] {
             return Traits{set->shape, set->mean, set->deviation, set->class_names};
           },
       .rows = [files, set](Split split, bool with_digest) { return read_split(files(), split, *set, with_digest); },
       .files = files,
       .known_by = search.wanted,
       .begun = [search, set] { return begun(search, set->stems); }});
}

}  // namespace eexit
