#include "datasets/formats/kept_rows.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <numeric>
#include <thread>

#include "core/base/files.h"
#include "core/plan/run_text.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/datasets/pictures.h"
#include "tests/unit/datasets/refused.h"
#include "tests/unit/plan/fake_catalog.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

// Written without the care of write_file, and not over an old file, which some file systems sync: there are many.
void put(fs::path const& path, std::string const& bytes) {
  fs::create_directories(path.parent_path());
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

constexpr int count = 5, width = 7, record = width + 64;  // bytes of a row and its seal

std::uint8_t pixel(int row, int at) { return static_cast<std::uint8_t>(row * 50 + at); }

// Rows made by arithmetic, and how many of them were.
struct Counted {
  std::atomic<int> made = 0;

  Dataset dataset() {
    Dataset set;
    set.shape = {1, 1, width};
    set.labels.assign(count, 0);
    set.read = [this](std::span<int const> rows, std::uint8_t* out) {
      for (int const row : rows) {
        ++made;
        for (int at = 0; at < width; ++at) *out++ = pixel(row, at);
      }
    };
    return set;
  }
};

bool right(Dataset const& set, std::vector<int> const& rows) {
  std::vector<std::uint8_t> out(rows.size() * width);
  set.read(rows, out.data());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] != pixel(rows[i / width], static_cast<int>(i % width))) return false;
  return true;
}

std::vector<int> const all = {4, 2, 0, 1, 3};

// Rows made in reading all of them with the file as it is; all must be right, and a second reading makes none.
int made_with(fs::path const& file, std::string const& what = "these") {
  Counted rows;
  auto const set = with_kept_rows(rows.dataset(), file, what);
  REQUIRE(right(set, all));
  int const made = rows.made;
  REQUIRE(right(set, all));
  REQUIRE(rows.made == made);
  return made;
}

std::vector<std::uint8_t> every_row(Dataset const& set) {
  std::vector<int> rows(static_cast<std::size_t>(set.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::uint8_t> out(rows.size() * static_cast<std::size_t>(set.shape.bytes()));
  set.read(rows, out.data());
  return out;
}

// Two classes of small pictures, all different, in files of one size: what follows a picture's end is not looked at.
struct Pictures : TemporaryFolder {
  fs::path const dir = path / "pictures", cache = path / "made/when/missing";

  Pictures() {
    std::uint64_t seed = 0;
    for (std::string const split : {"train", "val"})
      for (std::string const name : {"cat", "dog"})
        for (int i = 0; i < 3; ++i) {
          auto const picture = picture_of(3, 9 + i, 12, ++seed);
          auto bytes = has_jpeg() ? jpeg_bytes(picture) : png_bytes(picture);
          REQUIRE(bytes.size() < 2000);
          bytes.resize(2000);
          put(dir / split / name / (std::to_string(i) + ".jpg"), bytes);
        }
  }
  std::string more(std::string const& also = "") const {
    return R"(, "size": 8, "cache": ")" + cache.string() + '"' + also;
  }
  Dataset open(Split split, std::string const& also = "") const {
    return data_at("image_folder", dir, more(also)).open(split);
  }
  long files() const { return std::distance(fs::directory_iterator(cache), {}); }
};

}  // namespace

TEST_CASE("kept rows: each is made once, in any order, and only when it is asked for", "[datasets]") {
  TemporaryFolder const folder;
  Counted rows;
  auto const file = folder.path / "new/rows";
  auto const set = with_kept_rows(rows.dataset(), file, "these");
  CHECK(set.rows() == count);
  CHECK(right(set, {3, 3, 1, 3}));
  CHECK(rows.made == 2);
  CHECK(made_with(file) == 3);
  CHECK(made_with(file) == 0);
  CHECK(fs::file_size(file) == count * record);
  CHECK_THROWS_AS(right(set, {count}), std::logic_error);
  CHECK_THROWS_AS(right(set, {-1}), std::logic_error);
}

TEST_CASE("kept rows: whatever befalls the file, no row is wrong", "[datasets]") {
  TemporaryFolder const folder;
  auto const file = folder.path / "rows";
  CHECK(made_with(file) == count);
  auto const whole = read_file(file);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    put(file, whole.substr(0, length));
    REQUIRE(made_with(file) == count - static_cast<int>(length) / record);
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    put(file, flipped);
    REQUIRE(made_with(file) == 1);
    REQUIRE(read_file(file) == whole);
  }
  // A row in another's place, rows of something else, a hole, and more than there should be.
  put(file, whole.substr(record, record) + whole.substr(0, record) + whole.substr(2 * record));
  CHECK(made_with(file) == 2);
  CHECK(made_with(file, "those") == count);
  put(file, std::string(2 * record, '\0') + whole.substr(2 * record) + "more");
  CHECK(made_with(file) == 2);
}

TEST_CASE("kept rows: threads and processes share a file", "[datasets]") {
  TemporaryFolder const folder;
  auto const file = folder.path / "rows";
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    std::atomic<bool> good = true;
    {
      Counted rows;
      auto const set = with_kept_rows(rows.dataset(), file, "these");
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
          auto order = all;
          std::rotate(order.begin(), order.begin() + (t + child) % count, order.end());
          for (int round = 0; round < 200; ++round) {
            if (!right(set, order)) good = false;
            if (round % 20 == child) fs::resize_file(file, static_cast<std::uintmax_t>(round));  // and make them anew
          }
        });
      for (auto& thread : threads) thread.join();
    }
    _exit(good ? 0 : 1);
  }
  for (auto const child : children) {
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  made_with(file);
  CHECK(made_with(file) == 0);
}

TEST_CASE("kept rows: a file that cannot be written is an error that names it", "[datasets]") {
  TemporaryFolder const folder;
  put(folder.path / "file", "x");
  Counted rows;
  auto const opened = [&](fs::path const& file) {
    return message_of<RunError>([&] { right(with_kept_rows(rows.dataset(), file, "these"), all); });
  };
  CHECK(has(opened(folder.path / "file/rows"), (folder.path / "file").string() + ": cannot make the folder: "));
  CHECK(opened(folder.path) == folder.path.string() + ": cannot open: Is a directory");
  if (fs::exists("/dev/full")) CHECK(opened("/dev/full") == "/dev/full: cannot write: No space left on device");
  try {
    with_kept_rows(rows.dataset(), folder.path, "these");
    FAIL("opened");
  } catch (RunError const& error) {
    CHECK(error.code == Exit::io);
  }
}

TEST_CASE("picture folders: with a cache the same rows, and no picture is opened twice", "[datasets]") {
  if (!has_jpeg() && !has_png()) return;
  Pictures const pictures;
  auto const plain = data_at("image_folder", pictures.dir, R"(, "size": 8)");
  for (auto const split : {Split::train, Split::test}) {
    auto const expected = every_row(plain.open(split));
    CHECK(every_row(pictures.open(split)) == expected);
    CHECK(every_row(pictures.open(split)) == expected);
  }
  CHECK(pictures.files() == 2);
  // Constants of training make no other rows, what is made of the pictures does.
  every_row(pictures.open(Split::train, R"(, "mean": [0.5, 0.5, 0.5])"));
  CHECK(pictures.files() == 2);
  auto const squashed = every_row(pictures.open(Split::train, R"(, "resize": "squash")"));
  CHECK(squashed != every_row(plain.open(Split::train)));
  CHECK(pictures.files() == 3);

  // Pictures changed in place that keep their size are not seen; of others the row is made anew.
  auto const train = every_row(plain.open(Split::train));
  auto const picture = pictures.dir / "train/dog/2.jpg";
  auto const size = fs::file_size(picture);
  put(picture, std::string(size, 'x'));
  CHECK(every_row(pictures.open(Split::train)) == train);
  put(picture, std::string(size + 1, 'x'));
  auto const again = pictures.open(Split::train);
  for (int round = 0; round < 2; ++round)
    CHECK(message_of<SpecError>([&] { every_row(again); }).starts_with(picture.string()));
}

TEST_CASE("picture folders: a cache is no part of a run's keys, its name or the data's facts", "[datasets]") {
  if (!has_jpeg() && !has_png()) return;
  Pictures const pictures;
  auto catalog = test::fake_catalog();
  catalog.names = [](std::string const& folder) {
    return folder == "datasets" ? names(datasets()) : test::fake_names(folder);
  };
  auto const source = [](std::string const& name, JsonReader& reader) {
    return find(datasets(), "data set", name, "data").make(reader);
  };
  catalog.read = [&](std::string const& folder, std::string const& name, JsonReader& reader) {
    if (folder != "datasets") return test::read_fake(folder, name, reader);
    source(name, reader);
  };
  catalog.data = [&](Choice const& data) {
    JsonReader reader(data.params, std::make_shared<Source>());
    auto facts = source(data.name, reader).facts();
    facts.labels = test::toy("").labels;  // enough to hold some out
    return facts;
  };
  auto const run_with = [&](std::string const& more) {
    auto const data = R"({"name": "image_folder", "dir": ")" + pictures.dir.string() + '"' + more + "}";
    auto const spec = R"({"study": "s", "defaults": {"data": )" + data +
                      R"(, "arch": {"name": "tower"}, "method": {"name": "tiny"}, "placement": {"after": [0, 1]}}})";
    return make_plan(spec, "spec.json", catalog).runs.front();
  };
  auto const with = run_with(pictures.more()), without = run_with(R"(, "size": 8)");
  CHECK(with.id == without.id);
  CHECK(run_key(with) == run_key(without));
  REQUIRE(with.phases.size() == without.phases.size());
  for (std::size_t i = 0; i < with.phases.size(); ++i) CHECK(with.phases[i].key == without.phases[i].key);
  CHECK(with.facts->identity == without.facts->identity);
  CHECK(has(with.data.source.params, "\"cache\""));
  CHECK_FALSE(has(without.data.source.params, "\"cache\""));
  CHECK(!fs::exists(pictures.cache));
}
