// SVHN (Netzer and others 2011), format 2: cropped digits of house numbers in MAT-files.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/folder_search.h"
#include "datasets/formats/inflated_file.h"
#include "datasets/formats/mat5.h"
#include "datasets/formats/refuse_file.h"
#include "datasets/formats/resident.h"

namespace eexit::data {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t side = 32, plane = side * side, image_bytes = 3 * plane;
constexpr char const* right_file = "Take a file of format 2, cropped digits";

// MD5 of the files as published, all that is known of their content.
constexpr char const* train_md5 = "e26dedcc434d2e4c54c9b2d4a06d8373";
constexpr char const* test_md5 = "eb5a983be6a315427106f1b164d9cef3";
constexpr char const* extra_md5 = "a93ce644f1a588dc4d68dda5feec44a7";

// What one file gives.
struct Variables {
  std::vector<double> labels;  // y, 1 to 10
  std::uint64_t images = 0;    // in X
  bool has_images = false, has_labels = false;
};

std::string text_of(std::vector<std::uint32_t> const& dims) {
  std::vector<std::string> parts;
  for (auto const d : dims) parts.push_back(std::to_string(d));
  return join(parts, " x ");
}

[[noreturn]] void refuse_variable(fs::path const& path, MatVariable const& variable, std::string const& is,
                                  std::string const& expected) {
  refuse_file(path, fmt::format("variable {} at byte {} is {}", variable.name, variable.at, is), expected, right_file);
}

// Appends the pixels of X to `pixels`, in the file's order. No room is made for more than the file can hold: deflate
// packs at most 1032 to 1.
MatSink want_images(fs::path const& path, MatVariable const& x, std::vector<std::uint8_t>& pixels, Variables& got) {
  auto const& d = x.dims;
  bool const fits = (d.size() == 3 || d.size() == 4) && d[0] == side && d[1] == side && d[2] == 3;
  if (!fits || x.count == 0) refuse_variable(path, x, text_of(x.dims), "32 x 32 x 3 x images");
  if (x.stored != MatStored::uint8) refuse_variable(path, x, "stored as " + name_of(x.stored), "uint8");
  if (got.has_images) refuse_variable(path, x, "there twice", "once");
  if (x.count > most_resident_bytes)
    refuse_variable(path, x, fmt::format("of {} bytes", x.count), fmt::format("at most {}", most_resident_bytes));
  got.has_images = true;
  got.images = x.count / image_bytes;
  pixels.reserve(pixels.size() +
                 static_cast<std::size_t>(std::min<std::uint64_t>(x.count, fs::file_size(path) * 1032)));
  return [&pixels](std::span<std::uint8_t const> values) { pixels.insert(pixels.end(), values.begin(), values.end()); };
}

MatSink want_labels(fs::path const& path, MatVariable const& y, Variables& got) {
  bool const fits = y.dims.size() == 2 && (y.dims[0] == 1 || y.dims[1] == 1);
  if (!fits || y.count == 0) refuse_variable(path, y, text_of(y.dims), "labels x 1");
  if (got.has_labels) refuse_variable(path, y, "there twice", "once");
  if (y.count > most_resident_bytes / image_bytes)
    refuse_variable(path, y, fmt::format("of {} labels", y.count), "fewer");
  got.has_labels = true;
  return
      [&got, stored = y.stored](std::span<std::uint8_t const> values) { append_numbers(stored, values, got.labels); };
}

// The file has column after column; rows and columns of each plane change places.
void transpose_planes(std::span<std::uint8_t> pixels) {
  for (std::size_t at = 0; at < pixels.size(); at += plane)
    for (std::size_t row = 0; row < side; ++row)
      for (std::size_t column = 0; column < row; ++column)
        std::swap(pixels[at + row * side + column], pixels[at + column * side + row]);
}

// Returns the file's MD5, if it is asked for.
std::string append_file(fs::path const& path, SplitRows& rows, bool with_md5) {
  auto const from = rows.bytes.size();
  Variables got;
  auto const want = [&](MatVariable const& variable) -> MatSink {
    if (variable.name == "X") return want_images(path, variable, rows.bytes, got);
    if (variable.name == "y") return want_labels(path, variable, got);
    return {};
  };
  auto const content = read_mat5(path, want, with_md5);
  if (!got.has_images || !got.has_labels)
    refuse_file(path,
                fmt::format("has no variable {} but {}", got.has_images ? "y" : "X",
                            content.names.empty() ? "none" : shortened(join(content.names, ", "), 200)),
                "variables X and y", right_file);
  if (got.images != got.labels.size())
    refuse_file(path, fmt::format("{} images in X but {} labels in y", got.images, got.labels.size()),
                "as many labels as images", fetch_again);
  for (std::size_t i = 0; i < got.labels.size(); ++i) {
    auto const label = got.labels[i];
    if (!(label >= 1 && label <= 10) || label != static_cast<int>(label))
      refuse_file(path, fmt::format("label {} at index {} of y", shortest(label), i), "whole numbers 1 to 10",
                  right_file);
    rows.labels.push_back(static_cast<int>(label) % 10);  // 10 is the digit 0
  }
  transpose_planes(std::span(rows.bytes).subspan(from));
  return content.md5;
}

// The digest is of pixels and labels: how a file packs them makes no other content.
SplitRows read_split(std::vector<fs::path> const& files, std::vector<std::string> const& published, bool with_digest) {
  SplitRows rows;
  rows.record_bytes = image_bytes;
  bool known = true;
  for (std::size_t i = 0; i < files.size(); ++i)
    known = append_file(files[i], rows, with_digest) == published[i] && known;
  if (!with_digest) return rows;
  if (known) rows.may_be = {"SVHN"};
  std::string const labels(rows.labels.begin(), rows.labels.end());
  rows.digest = sha256(sha256({reinterpret_cast<char const*>(rows.bytes.data()), rows.bytes.size()}) + sha256(labels));
  return rows;
}

}  // namespace

DataSource svhn(JsonReader& reader) {
  bool const extra = reader.flag("extra", false, "train on the easier digits of extra_32x32.mat too");
  auto dir = reader.text("dir", "", "folder of the files; empty: $EEXIT_DATA");
  reader.done();
  std::vector<std::string> names = {"train_32x32.mat", "test_32x32.mat"};
  if (extra) names.emplace_back("extra_32x32.mat");
  FolderSearch const search{.set = "svhn",
                            .dir = std::move(dir),
                            .place = reader.place("dir"),
                            .subfolder = "svhn",
                            .wanted = join(names, ", ") + ", each plain or .gz",
                            .lookalikes = {{.subfolders = {"train", "test", "extra"},
                                            .files = {"digitStruct.mat", "train.tar", "test.tar", "extra.tar"},
                                            .found = "holds format 1, whole house numbers",
                                            .what_to_do = "Get the files of format 2, cropped digits"}}};
  auto const files = [=] { return find_files(search, names); };
  return resident({.traits =
                       [] {
                         return Traits{{3, 32, 32},
                                       {0.4377F, 0.4438F, 0.4728F},
                                       {0.1980F, 0.2010F, 0.1970F},
                                       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
                       },
                   .rows =
                       [=](Split split, bool with_digest) {
                         auto const all = files();
                         if (split == Split::test) return read_split({all[1]}, {test_md5}, with_digest);
                         if (!extra) return read_split({all[0]}, {train_md5}, with_digest);
                         return read_split({all[0], all[2]}, {train_md5, extra_md5}, with_digest);
                       },
                   .files = files,
                   .known_by = search.wanted,
                   .begun = [=] { return begun(search, names); }});
}

}  // namespace eexit::data
