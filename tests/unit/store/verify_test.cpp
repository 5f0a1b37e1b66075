#include "core/store/verify.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/safetensors.h"
#include "core/base/sha256.h"
#include "core/report/results.h"
#include "core/store/store.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

using Json = nlohmann::json;

// A store of two phases, one on top of the other, a run of both, and a study: everything done.
struct SmallStore {
  TemporaryFolder folder;
  fs::path out = folder.path / "out";
  std::string backbone, heads;

  SmallStore() {
    backbone = add_phase("init", 0.1);
    heads = add_phase(backbone, 5e-4);
    fs::path const run = out / "runs" / "r";
    write_file(run / "run.json", Json({{"id", "r"}, {"phases", {{{"key", backbone}}, {{"key", heads}}}}}).dump());
    write_file(run / "env.json", "{}");
    write_tensors(run / "exits.safetensors", tensors("run", "r"));
    write_file(run / "metrics.json", R"({"test": []})");
    for (auto const* place : {"s", "s/eval-0123abcd"}) {
      fs::path const study = out / "studies" / place;
      write_file(study / "spec.json", R"({"study": "s"})");
      write_file(study / "results.csv", encode_csv(to_csv(std::vector<Result>{{.study = "s", .run = "r"}})));
      write_file(study / "curves.csv", "study,run\ns,r\n");
      write_file(study / "env.json", "{}");
    }
    write_file(out / "memo" / "data-0.json", R"({"labels": [0]})");
  }

  static TensorFile tensors(std::string const& key, std::string const& owner) {
    TensorFile file;
    file.tensors["weight"] = pack(Dtype::f32, {3}, std::vector<float>{1, 2, 3});
    file.metadata[key] = owner;
    return file;
  }

  std::string add_phase(std::string const& parent, double rate) const {
    Json const canonical = {{"parent", parent}, {"lr", rate}, {"format", 1}};
    auto const key = sha256(canonical.dump());
    auto const bytes = encode_tensors(tensors("phase", key));
    write_file(phase(key) / "weights.safetensors", bytes);
    write_file(phase(key) / "journal.jsonl", "{\"epoch\": 1}\n{\"epoch\": 2}\n");
    auto const json = Json({{"key", key}, {"parent", parent}, {"canonical", canonical}, {"digest", sha256(bytes)}});
    write_file(phase(key) / "phase.json", json.dump(2));
    return key;
  }

  fs::path phase(std::string const& key) const { return out / "phases" / key; }

  // "<path below out>: <what>" of every problem.
  std::vector<std::string> problems() const {
    std::vector<std::string> all;
    for (auto const& [path, what] : verify_store(out).problems)
      all.push_back(path.lexically_relative(out).string() + ": " + what);
    return all;
  }

  // The one problem there is once `old` is `wanted` in a file.
  std::string after(fs::path const& path, std::string const& old, std::string const& wanted) const {
    auto text = read_file(path);
    auto const at = text.find(old);
    REQUIRE(at != std::string::npos);
    write_file(path, text.replace(at, old.size(), wanted));
    auto const all = problems();
    return all.size() == 1 ? all[0] : std::to_string(all.size()) + " problems";
  }
};

void flip(fs::path const& path, std::size_t at) {
  auto bytes = read_file(path);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  write_file(path, bytes);
}

}  // namespace

TEST_CASE("verify: a whole store has no problems, and unfinished work is none") {
  SmallStore const store;
  auto const found = verify_store(store.out);
  CHECK(found.phases == 2);
  CHECK(found.runs == 1);
  CHECK(found.studies == 1);
  CHECK(store.problems().empty());

  save_checkpoint(store.phase("0123"), SmallStore::tensors("phase", "0123"));
  write_file(store.phase("0123") / "journal.jsonl", "{\"epoch\": 1}\n{\"epo");
  write_file(store.out / "runs" / "q" / "run.json", R"({"id": "q", "phases": [{"key": "0123"}]})");
  write_file(store.out / "studies" / "t" / "spec.json", R"({"study": "t"})");
  CHECK(store.problems().empty());
  CHECK(message_of<SpecError>([&] { verify_store(store.out / "nowhere"); }).ends_with("nowhere: no such folder"));
}

TEST_CASE("verify: one flipped bit in any tensor file is found") {
  for (std::size_t const at : {3, 40, 150}) {
    SmallStore const store;
    auto const heads = "phases/" + store.heads;
    save_checkpoint(store.phase(store.heads), SmallStore::tensors("phase", store.heads));
    for (auto const& name : {heads + "/weights.safetensors", heads + "/checkpoint-1.safetensors",
                             std::string("runs/r/exits.safetensors")}) {
      flip(store.out / name, at);
      auto const problems = store.problems();
      INFO(name);
      REQUIRE(problems.size() == 1);
      CHECK(problems[0].starts_with(name + ": "));
      flip(store.out / name, at);
    }
    CHECK(store.problems().empty());
  }
}

TEST_CASE("verify: phases that are not what they say") {
  auto const line = [](SmallStore const& store, std::string const& what) {
    return "phases/" + store.heads + "/phase.json: " + what;
  };
  auto const changed = [&](std::string const& old, std::string const& wanted, std::string const& what) {
    SmallStore const store;
    CHECK(store.after(store.phase(store.heads) / "phase.json", old, wanted) == line(store, what));
  };
  changed("0.0005", "0.0006", "its key is not the SHA-256 of its canonical text");
  changed("\"digest\": \"", "\"digest\": \"0", "its digest is not that of weights.safetensors");
  changed("{", "", "not JSON");
  changed("\"key\": \"", "\"key\": \"x", [] {
    SmallStore const store;
    return "its key is \"x" + store.heads + "\", its folder's another";
  }());

  SmallStore const store;
  // Weights that are whole, but of another phase.
  fs::copy_file(store.phase(store.backbone) / "weights.safetensors", store.phase(store.heads) / "weights.safetensors",
                fs::copy_options::overwrite_existing);
  CHECK(store.problems() ==
        std::vector<std::string>{"phases/" + store.heads + "/weights.safetensors: belongs to another phase, \"" +
                                 store.backbone + "\""});
  fs::remove(store.phase(store.heads) / "weights.safetensors");
  CHECK(store.problems() == std::vector<std::string>{"phases/" + store.heads + "/weights.safetensors: no such file"});
}

TEST_CASE("verify: what others build on must be there") {
  SmallStore const store;
  fs::remove_all(store.phase(store.backbone));
  CHECK(store.problems() ==
        std::vector<std::string>{
            "phases/" + store.heads + "/phase.json: its parent \"" + store.backbone + "\" is not there",
            "runs/r/run.json: its phase \"" + store.backbone + "\" is not there"});
}

TEST_CASE("verify: runs, studies and memos that cannot be read") {
  auto const after = [](std::string const& file, std::string const& old, std::string const& wanted) {
    SmallStore const store;
    return store.after(store.out / file, old, wanted);
  };
  CHECK(after("runs/r/run.json", "\"r\"", "\"q\"") == "runs/r/run.json: its id is \"q\", its folder's another");
  CHECK(after("runs/r/metrics.json", "}", "") == "runs/r/metrics.json: not JSON");
  CHECK(after("runs/r/env.json", "{}", "[]") == "runs/r/env.json: expected a JSON object");
  CHECK(after("studies/s/curves.csv", "s,r", "s") == "studies/s/curves.csv: line 2: expected 2 cells, found 1");
  CHECK(after("studies/s/results.csv", "seed,", "sede,").find("seed") != std::string::npos);
  CHECK(after("studies/s/eval-0123abcd/env.json", "}", "") == "studies/s/eval-0123abcd/env.json: not JSON");
  CHECK(after("studies/s/spec.json", "}", ",}").starts_with("studies/s/spec.json: "));
  CHECK(after("memo/data-0.json", "}", "") == "memo/data-0.json: not JSON");

  SmallStore const store;
  auto const journal = store.phase(store.heads) / "journal.jsonl";
  CHECK(store.after(journal, "{\"epoch\": 1}", "{\"epoch\"") ==
        "phases/" + store.heads + "/journal.jsonl: line 1: expected a JSON object");
  fs::remove(journal);
  fs::remove(store.out / "runs" / "r" / "env.json");
  CHECK(store.problems() == std::vector<std::string>{"runs/r/env.json: no such file"});
}

TEST_CASE("verify: nothing is changed") {
  SmallStore const store;
  flip(store.out / "runs" / "r" / "exits.safetensors", 150);
  std::map<fs::path, std::pair<fs::file_time_type, std::string>> before, afterwards;
  auto const look = [&](auto& seen) {
    for (auto const& entry : fs::recursive_directory_iterator(store.out))
      seen[entry.path()] = {entry.last_write_time(), entry.is_directory() ? "" : read_file(entry.path())};
  };
  look(before);
  CHECK(store.problems().size() == 1);
  look(afterwards);
  CHECK(before == afterwards);
}
