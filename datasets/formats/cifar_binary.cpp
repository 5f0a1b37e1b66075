#include "datasets/formats/cifar_binary.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/folder_search.h"
#include "datasets/formats/inflated_file.h"
#include "datasets/formats/md5.h"
#include "datasets/formats/refuse_file.h"
#include "datasets/formats/resident.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t image_bytes = 3 * 32 * 32;

std::string import_line(CifarFormat const& format) {
  return fmt::format("Get the binary version, or make it by scripts/import {} FOLDER NEW_FOLDER", format.import_name);
}

std::string_view view_of(std::vector<std::uint8_t> const& bytes, std::size_t from) {
  return {reinterpret_cast<char const*>(bytes.data()) + from, bytes.size() - from};
}

void check_head(fs::path const& path, std::string_view head, CifarFormat const& format) {
  auto const expected = fmt::format("records of label and pixels, the first byte below {}", format.classes[0]);
  if (auto const foreign = foreign_format(head)) refuse_file(path, foreign->found, expected, foreign->what_to_do);
  // A pickle of protocol 2 to 5; no label is 128.
  if (head.size() >= 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    refuse_file(path, "is a file of the Python version", expected, import_line(format));
}

void check_size(fs::path const& path, std::uint64_t size, CifarFormat const& format) {
  auto const record = format.classes.size() + image_bytes;
  auto const expected = fmt::format("a multiple of {} bytes", record);
  if (auto const other = format.others.find(size); other != format.others.end())
    refuse_file(path, fmt::format("has {} bytes: that is {}", size, other->second), expected,
                "Take the file of the right set");
  if (size % record != 0)
    refuse_file(path,
                fmt::format("has {} bytes, {} records and {} bytes of another", size, size / record, size % record),
                expected, "The file is damaged or of another set: download it again");
}

// The labels of the records from byte `from` on.
void check_labels(fs::path const& path, std::vector<std::uint8_t> const& records, std::size_t from,
                  CifarFormat const& format) {
  auto const kinds = format.classes.size(), record = kinds + image_bytes;
  for (std::size_t at = from; at < records.size(); at += record)
    for (std::size_t kind = 0; kind < kinds; ++kind)
      if (records[at + kind] >= format.classes[kind])
        refuse_file(path,
                    fmt::format("label {} at record {} (byte {}): misaligned, or another set", records[at + kind],
                                (at - from) / record, at - from + kind),
                    fmt::format("0 to {}", format.classes[kind] - 1), "Take the file of the right set");
}

std::vector<std::string> read_names(fs::path const& path, std::size_t count) {
  InflatedFile file(path);
  std::string text(1 << 16, '\0');  // names are shorter
  text.resize(file.read(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  auto const expected = fmt::format("{} class names, one a line", count);
  if (auto const foreign = foreign_format(text)) refuse_file(path, foreign->found, expected, foreign->what_to_do);
  if (!valid_utf8(text))
    refuse_file(path, fmt::format("is no text at byte {}", valid_utf8_prefix(text)), expected, fetch_again);
  std::vector<std::string> names;
  for (auto& line : split(text, '\n')) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(std::move(line));
  }
  if (names.size() != count)
    refuse_file(path, fmt::format("has {} lines with text", names.size()), expected, fetch_again);
  return names;
}

Traits traits_of(CifarSet const& set, fs::path const& folder) {
  Traits traits{{3, 32, 32}, set.mean, set.deviation, set.class_names};
  auto const count = static_cast<std::size_t>(set.format.classes[set.label]);
  if (auto const path = present(folder, set.names_file)) traits.class_names = read_names(*path, count);
  for (auto i = traits.class_names.size(); i < count; ++i) traits.class_names.push_back(std::to_string(i));
  return traits;
}

SplitRows read_split(CifarSet const& set, std::vector<fs::path> const& files, std::vector<std::string> const& md5,
                     bool with_digest) {
  SplitRows rows;
  rows.record_bytes = set.format.classes.size() + image_bytes;
  rows.image_at = set.format.classes.size();
  std::string digests;
  bool known = !md5.empty();
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto const from = rows.bytes.size();
    append_cifar(files[i], set.format, rows.bytes);
    if (!with_digest) continue;
    auto const content = view_of(rows.bytes, from);
    digests += sha256(content);
    if (!known) continue;
    Md5 sum;
    sum.add(content);
    known = sum.hex() == md5[i];
  }
  if (known && with_digest) rows.may_be = {set.known};
  // The same bytes with the other label are another content.
  if (set.label + 1 < set.format.classes.size()) digests += fmt::format("label {}", set.label);
  if (with_digest) rows.digest = sha256(digests);
  for (std::size_t at = set.label; at < rows.bytes.size(); at += rows.record_bytes)
    rows.labels.push_back(rows.bytes[at]);
  return rows;
}

}  // namespace

int append_cifar(fs::path const& path, CifarFormat const& format, std::vector<std::uint8_t>& records) {
  InflatedFile file(path);
  auto const from = records.size();
  // Room for the file and the piece after which its end is seen.
  if (!file.zipped()) records.reserve(from + std::min(file.file_size(), most_resident_bytes) + (1U << 20));
  // What is no such file is told by its beginning, however long it is.
  constexpr std::size_t head = 64;
  records.resize(from + head);
  records.resize(from + file.read(records.data() + from, head));
  check_head(path, view_of(records, from), format);
  read_rest(file, path, records);
  check_size(path, records.size() - from, format);
  check_labels(path, records, from, format);
  return static_cast<int>((records.size() - from) / (format.classes.size() + image_bytes));
}

DataSource cifar_folder(JsonReader& reader, CifarSet cifar_set) {
  auto dir = reader.text("dir", "", "folder of the files; empty: $EEXIT_DATA");
  reader.done();
  auto const set = std::make_shared<CifarSet const>(std::move(cifar_set));
  auto names = set->train;
  names.insert(names.end(), set->test.begin(), set->test.end());
  FolderSearch const search{.set = set->name,
                            .dir = std::move(dir),
                            .place = reader.place("dir"),
                            .subfolder = set->subfolder,
                            .wanted = join(names, ", ") + ", each plain or .gz",
                            .lookalikes = {{.subfolders = {set->python_folder},
                                            .files = set->python_files,
                                            .found = "holds the Python version",
                                            .what_to_do = import_line(set->format)}}};
  auto const records = [search, names] { return find_files(search, names); };
  auto const folder_of = [](std::vector<fs::path> const& files) { return files.front().parent_path(); };
  return resident({.traits = [=] { return traits_of(*set, folder_of(records())); },
                   .rows =
                       [=](Split split, bool with_digest) {
                         auto files = records();
                         auto const middle = files.begin() + static_cast<std::ptrdiff_t>(set->train.size());
                         if (split == Split::train)
                           return read_split(*set, {files.begin(), middle}, set->train_md5, with_digest);
                         return read_split(*set, {middle, files.end()}, set->test_md5, with_digest);
                       },
                   .files =
                       [=] {
                         auto files = records();
                         if (auto const path = present(folder_of(files), set->names_file)) files.push_back(*path);
                         return files;
                       },
                   .known_by = search.wanted,
                   .begun = [=] { return begun(search, names); }});
}

}  // namespace eexit
