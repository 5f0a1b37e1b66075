#include "core/store/store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/stream.h"
#include "core/store/study.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

// What a checkpoint of step `step` of phase "key" holds.
TensorFile state(int step) {
  TensorFile file;
  file.tensors["weight"] = pack(Dtype::f32, {4}, std::vector<float>{1, 2, 3, static_cast<float>(step)});
  file.metadata = {{"phase", "key"}, {"step", std::to_string(step)}};
  return file;
}

std::string step_of(std::optional<TensorFile> const& file) { return file ? file->metadata.at("step") : "none"; }

std::string loaded(fs::path const& folder) {
  auto const file = load_checkpoint(folder, "key");
  if (!file) return "none";
  // Whole or not at all: the weights are those of the step it says.
  auto const weights = unpack<float>(file->tensors.at("weight"));
  REQUIRE(weights.size() == 4);
  CHECK(std::to_string(static_cast<int>(weights[3])) == step_of(file));
  return step_of(file);
}

std::vector<std::string> files_in(fs::path const& folder) {
  std::vector<std::string> all;
  for (auto const& entry : fs::directory_iterator(folder)) all.push_back(entry.path().filename().string());
  std::sort(all.begin(), all.end());
  return all;
}

// Warnings would fill the test's output: stderr goes to a file for as long as this lives.
struct Muted {
  std::FILE* const file = std::tmpfile();
  int const before = ::dup(STDERR_FILENO);
  Muted() { ::dup2(::fileno(file), STDERR_FILENO); }
  Muted(Muted const&) = delete;
  Muted& operator=(Muted const&) = delete;
  ~Muted() {
    std::fflush(stderr);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::fclose(file);
  }
  std::string text() const {
    std::fflush(stderr);
    std::string all(1 << 16, ' ');
    auto const got = ::pread(::fileno(file), all.data(), all.size(), 0);
    all.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return all;
  }
};

// Damage is put on disk as it would be found there; no need to make it durable. A new file each time: some file systems
// write a file that is cut and filled again to the disk at once.
void overwrite(fs::path const& path, std::string const& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("a store knows its places and what is done") {
  TemporaryFolder folder;
  Store const store(folder.path);
  CHECK(store.phase("k") == folder.path / "phases" / "k");
  CHECK_FALSE(store.phase_done("k"));
  write_file(store.phase("k") / "weights.safetensors", "x");
  CHECK_FALSE(store.phase_done("k"));
  write_file(store.phase("k") / "phase.json", "{}");
  CHECK(store.phase_done("k"));
  CHECK_FALSE(store.run_done("r"));
  write_file(store.run("r") / "metrics.json", "{}");
  CHECK(store.run_done("r"));
}

TEST_CASE("facts are found out once for each text they depend on") {
  TemporaryFolder folder;
  Store store(folder.path);
  int asked = 0;
  auto const find_out = [&] { return "[" + std::to_string(++asked) + "]"; };
  CHECK(store.remember("cost", "a", find_out) == "[1]");
  CHECK(store.remember("cost", "a", find_out) == "[1]");
  CHECK(store.remember("cost", "b", find_out) == "[2]");
  CHECK(store.remember("data", "a", find_out) == "[3]");
  CHECK(Store(folder.path).remember("cost", "a", find_out) == "[1]");
  store.read_only = true;
  CHECK(store.remember("cost", "a", find_out) == "[1]");
  CHECK(store.remember("cost", "c", find_out) == "[4]");
  CHECK(store.remember("cost", "c", find_out) == "[5]");
  CHECK(files_in(folder.path / "memo").size() == 3);
  // A dry run over nothing leaves nothing behind.
  Store dry(folder.path / "new");
  dry.read_only = true;
  dry.remember("cost", "a", find_out);
  CHECK_FALSE(fs::exists(folder.path / "new"));
}

TEST_CASE("the last two checkpoints are kept") {
  TemporaryFolder folder;
  CHECK(loaded(folder.path) == "none");
  CHECK(loaded(folder.path / "missing") == "none");
  save_checkpoint(folder.path, state(1));
  CHECK(loaded(folder.path) == "1");
  // Numbers, not letters, order them: 9 < 10 < 11.
  fs::rename(folder.path / "checkpoint-1.safetensors", folder.path / "checkpoint-9.safetensors");
  for (int step = 10; step <= 11; ++step) {
    save_checkpoint(folder.path, state(step));
    CHECK(loaded(folder.path) == std::to_string(step));
  }
  CHECK(files_in(folder.path) == std::vector<std::string>{"checkpoint-10.safetensors", "checkpoint-11.safetensors"});
  write_file(folder.path / "checkpoint-x.safetensors", "");
  write_file(folder.path / "journal.jsonl", "");
  CHECK(loaded(folder.path) == "11");
  remove_checkpoints(folder.path);
  CHECK(files_in(folder.path) == std::vector<std::string>{"checkpoint-x.safetensors", "journal.jsonl"});
}

TEST_CASE("a damaged checkpoint is done without: every length, and single bits") {
  TemporaryFolder folder;
  save_checkpoint(folder.path, state(1));
  save_checkpoint(folder.path, state(2));
  auto const newest = folder.path / "checkpoint-2.safetensors";
  auto const whole = read_file(newest);
  Muted const muted;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    overwrite(newest, whole.substr(0, length));
    INFO(length);
    CHECK(loaded(folder.path) == "1");
  }
  CHECK(muted.text().find("; going back to the checkpoint before it\n") != std::string::npos);
  overwrite(newest, whole + "x");
  CHECK(loaded(folder.path) == "1");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    auto bytes = whole;
    auto const bit = random.below(static_cast<int>(bytes.size()) * 8);
    bytes[static_cast<std::size_t>(bit / 8)] =
        static_cast<char>(bytes[static_cast<std::size_t>(bit / 8)] ^ (1 << bit % 8));
    overwrite(newest, bytes);
    INFO(bit);
    CHECK(loaded(folder.path) == "1");
  }
  overwrite(newest, whole);
  CHECK(loaded(folder.path) == "2");
  // Both damaged: from the start of the phase.
  overwrite(newest, "");
  overwrite(folder.path / "checkpoint-1.safetensors", "");
  CHECK(loaded(folder.path) == "none");
}

TEST_CASE("a checkpoint of another format stops, one of another phase is passed over") {
  TemporaryFolder folder;
  save_checkpoint(folder.path, state(1));
  auto other = state(2);
  other.metadata["phase"] = "another";
  save_checkpoint(folder.path, other);
  {
    Muted const muted;
    CHECK(loaded(folder.path) == "1");
    CHECK(muted.text().ends_with("checkpoint-2.safetensors: belongs to another phase; passed over\n"));
  }
  auto later = state(3);
  later.metadata["format"] = "3";
  write_tensors(folder.path / "checkpoint-3.safetensors", later);
  try {
    load_checkpoint(folder.path, "key");
    FAIL("loaded");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::data);
    CHECK(std::string(error.what()) ==
          (folder.path / "checkpoint-3.safetensors").string() +
              ": checkpoint of format \"3\", expected 2; finish it with the version that wrote it, or use --fresh");
  }
}

namespace {

void write_study(fs::path const& folder) {
  fs::create_directories(folder);
  Result row;
  row.study = "s";
  row.run = "r";
  row.metric = "accuracy";
  row.value = 0.5;
  row.convention = "mac";
  overwrite(folder / "results.csv", encode_csv(to_csv({row})));
  overwrite(folder / "spec.json", R"({"study": "s"})");
  overwrite(folder / "curves.csv", "study\n");
  overwrite(folder / "runs.csv", "run\nr\n");
  overwrite(folder / "env.json", R"({"cpu": "C", "threads": 2, "device": "cpu", "libtorch": "2"})");
}

}  // namespace

TEST_CASE("a study is opened by name or by folder") {
  TemporaryFolder folder;
  write_study(folder.path / "studies" / "s");
  fs::create_directories(folder.path / "phases");
  auto const named = open_study("s", folder.path);
  CHECK(named.name == "s");
  REQUIRE(named.results.size() == 1);
  CHECK(named.results[0].value == 0.5);
  CHECK(named.phases == fs::weakly_canonical(folder.path / "phases"));
  auto const by_folder = open_study((folder.path / "studies" / "s").string() + "/", folder.path / "elsewhere");
  CHECK(by_folder.name == "s");
  CHECK(by_folder.runs.rows.size() == 1);
  write_study(folder.path / "results" / "published" / "s");
  CHECK_FALSE(open_study((folder.path / "results" / "published" / "s").string(), folder.path).phases);
  auto const lines = footer(named);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "cost: multiply-adds of convolutions and matrix products (mac), heads on the way included");
  CHECK(lines[1].starts_with("rule: knobs fitted on cal"));
  CHECK(lines[2].ends_with("; C, 2 threads, cpu, LibTorch 2"));
}

TEST_CASE("a study that is not there, or not whole, is refused") {
  TemporaryFolder folder;
  try {
    open_study("t", folder.path);
    FAIL("opened");
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
    CHECK(std::string(error.what()) ==
          "t: no study; expected a folder with results.csv, or a name under " + (folder.path / "studies").string());
  }
  for (auto const* name : {"spec.json", "curves.csv", "runs.csv", "env.json"}) {
    write_study(folder.path / "studies" / "t");
    fs::remove(folder.path / "studies" / "t" / name);
    INFO(name);
    CHECK(message_of<SpecError>([&] { open_study("t", folder.path); }).find(name) != std::string::npos);
  }
  write_study(folder.path / "studies" / "t");
  overwrite(folder.path / "studies" / "t" / "results.csv", "study,run\ns,r\n");
  CHECK_THROWS_AS(open_study("t", folder.path), RunError);
}
