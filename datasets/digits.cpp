// The digits that scikit-learn brings: 1,797 of UCI's "Optical Recognition of Handwritten Digits", 8 x 8, values 0
// to 16. For smoke tests, not a benchmark. The file has no test split; ours: every fifth row of each class, in the
// file's order.
#include <fmt/format.h>

#include <array>

#include "core/base/sha256.h"
#include "datasets/formats/folder_search.h"
#include "datasets/formats/inflated_file.h"
#include "datasets/formats/refuse_file.h"
#include "datasets/formats/resident.h"

namespace eexit::data {

namespace fs = std::filesystem;

namespace {

constexpr int pixels = 64, classes = 10, brightest = 16, each_for_test = 5;
constexpr char const* known_sha = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8";
constexpr std::uint64_t most_bytes = 64 << 20;
constexpr char const* a_row = "lines of 64 values 0 to 16 and a label 0 to 9, separated by commas";

struct Rows {
  std::vector<std::uint8_t> values;  // [rows x 64], 0 to 16
  std::vector<int> labels;
};

// The number at `at`, which it moves past it; digits alone, at most two.
int number_at(std::string_view text, std::size_t& at) {
  int value = 0, digits = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && digits < 3; ++at, ++digits)
    value = value * 10 + (text[at] - '0');
  return digits == 0 || digits == 3 ? -1 : value;
}

Rows parse(fs::path const& path, std::string_view text) {
  Rows rows;
  for (std::size_t at = 0; at < text.size();) {
    for (int column = 0; column <= pixels; ++column) {
      auto const start = at;
      int const value = number_at(text, at), limit = column < pixels ? brightest : classes - 1;
      char const end = column < pixels ? ',' : '\n';
      if (value < 0 || value > limit || at >= text.size() || text[at] != end)
        refuse_file(path,
                    fmt::format("no {} of row {} at byte {}",
                                column < pixels ? fmt::format("value {}", column) : "label", rows.labels.size(), start),
                    a_row, fetch_again);
      ++at;
      if (column < pixels)
        rows.values.push_back(static_cast<std::uint8_t>(value));
      else
        rows.labels.push_back(value);
    }
  }
  return rows;
}

SplitRows read_split(fs::path const& path, Split split, bool with_digest) {
  InflatedFile file(path);
  std::vector<std::uint8_t> bytes;
  read_rest(file, path, bytes, most_bytes);
  std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  if (auto const foreign = foreign_format(text.substr(0, 64)))
    refuse_file(path, foreign->found, a_row, foreign->what_to_do);
  auto const rows = parse(path, text);
  SplitRows chosen;
  chosen.record_bytes = pixels;
  std::array<int, classes> seen{};
  for (std::size_t row = 0; row < rows.labels.size(); ++row) {
    auto const label = rows.labels[row];
    bool const test = ++seen.at(static_cast<std::size_t>(label)) % each_for_test == 0;
    if (test != (split == Split::test)) continue;
    chosen.labels.push_back(label);
    for (std::size_t i = row * pixels; i < (row + 1) * pixels; ++i)
      chosen.bytes.push_back(static_cast<std::uint8_t>((rows.values[i] * 255 + brightest / 2) / brightest));
  }
  if (chosen.labels.empty())
    refuse_file(path,
                fmt::format("{} rows, none of them left for {}", rows.labels.size(),
                            split == Split::test ? "testing" : "training"),
                "five rows of a class at least", fetch_again);
  if (!with_digest) return chosen;
  auto const sha = sha256(text);
  chosen.digest = sha256(sha + (split == Split::test ? "test" : "train"));
  if (sha == known_sha) chosen.may_be = {"digits"};
  return chosen;
}

}  // namespace

DataSource digits(JsonReader& reader) {
  auto dir = reader.text("dir", "", "folder of digits.csv; empty: $EEXIT_DATA, then the system's");
  reader.done();
  FolderSearch const search{.set = "digits",
                            .dir = std::move(dir),
                            .place = reader.place("dir"),
                            .subfolder = "digits",
                            .system_folder = "/usr/lib/python3/dist-packages/sklearn/datasets/data",
                            .package = "python3-sklearn",
                            .wanted = "digits.csv, plain or .gz"};
  auto const files = [search] { return find_files(search, {"digits.csv"}); };
  return resident(
      {.traits =
           [] {
             // Mean and deviation of the training rows of the known file, scaled to bytes.
             return Traits{{1, 8, 8}, {0.3052F}, {0.3760F}, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
           },
       .rows = [files](Split split, bool with_digest) { return read_split(files().front(), split, with_digest); },
       .files = files,
       .known_by = search.wanted,
       .begun = [search] { return begun(search, {"digits.csv"}); }});
}

}  // namespace eexit::data
