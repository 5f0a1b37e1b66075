#include "core/store/verify.h"

#include <algorithm>
#include <functional>

#include <nlohmann/json.hpp>

#include "core/base/csv.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/safetensors.h"
#include "core/base/sha256.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/plan/spec.h"
#include "core/report/results.h"
#include "core/store/store.h"

namespace eexit {
namespace {

using Json = nlohmann::json;

std::vector<fs::path> sorted_entries(fs::path const& folder, bool folders) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_directory(error) == folders) all.push_back(entry->path());
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<fs::path> folders_in(fs::path const& folder) { return sorted_entries(folder, true); }
std::vector<fs::path> files_in(fs::path const& folder) { return sorted_entries(folder, false); }

std::string text_at(Json const& object, char const* key) {
  auto const found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string quoted(std::string const& text) { return "\"" + shortened(text, 80) + "\""; }

class Verifier {
 public:
  explicit Verifier(fs::path const& out) : store_(out) {}

  Verification run() {
    for (auto const& folder : folders_in(store_.root() / "phases")) check_phase(folder);
    for (auto const& folder : folders_in(store_.root() / "runs")) check_run(folder);
    for (auto const& folder : folders_in(store_.root() / "studies")) {
      ++found_.studies;
      check_study(folder);
      // Other rules' results (eval-...), and files of a spec that was there before (previous-...).
      for (auto const& inner : folders_in(folder))
        if (auto const name = inner.filename().string(); name.starts_with("eval-") || name.starts_with("previous-"))
          check_study(inner);
    }
    text_files(store_.root() / "memo", "");
    return std::move(found_);
  }

 private:
  void problem(fs::path const& path, std::string const& what) { found_.problems.push_back({path, what}); }

  // Does `look`; what it throws is a problem of `path`.
  void guarded(fs::path const& path, std::function<void()> const& look) {
    throw_if_stop_requested();
    auto const report = [&](std::string what) {
      if (what.starts_with(path.string())) what.erase(0, what.find_first_not_of(": ", path.string().size()));
      problem(path, what);
    };
    try {
      look();
    } catch (SpecError const& error) {
      report(error.what());
    } catch (RunError const& error) {
      report(error.what());
    }
  }

  // The object in a JSON file; null after a problem.
  Json json(fs::path const& path) {
    Json value;
    guarded(path, [&] {
      value = Json::parse(read_file(path), nullptr, false);
      if (value.is_discarded()) throw RunError("not JSON");
      if (!value.is_object()) throw RunError("expected a JSON object");
    });
    return value.is_object() ? value : Json();
  }

  // One object a line. A last line without its end is being written, or was cut by a crash: readers pass over it.
  void json_lines(fs::path const& path) {
    guarded(path, [&] {
      auto const lines = split(read_file(path), '\n');
      for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        if (!Json::parse(lines[i], nullptr, false).is_object())
          throw RunError("line " + std::to_string(i + 1) + ": expected a JSON object");
    });
  }

  // Reads tensors with their checksum; `owner` is whose the file says it is, under the key `key`. Returns the SHA-256
  // of the file, "" after a problem.
  std::string tensors(fs::path const& path, std::string const& key, std::string const& owner) {
    std::string digest;
    guarded(path, [&] {
      auto const bytes = read_file(path);
      auto const file = decode_tensors(bytes, path.string());
      auto const found = file.metadata.find(key);
      auto const belongs = found == file.metadata.end() ? "" : found->second;
      if (belongs != owner) throw RunError("belongs to another " + key + ", " + quoted(belongs));
      digest = sha256(bytes);
    });
    return digest;
  }

  // Every file of a folder that is text, but `apart`.
  void text_files(fs::path const& folder, std::string const& apart) {
    for (auto const& file : files_in(folder)) {
      auto const name = file.filename().string();
      if (name.starts_with(".") || name == apart) continue;
      if (name == "results.csv")
        guarded(file, [&] { results_from(decode_csv(read_file(file), file.string()), file.string()); });
      else if (name.ends_with(".csv"))
        guarded(file, [&] { decode_csv(read_file(file), file.string()); });
      else if (name.ends_with(".jsonl"))
        json_lines(file);
      else if (name.ends_with(".json"))
        json(file);
    }
  }

  void check_phase(fs::path const& folder) {
    ++found_.phases;
    auto const key = folder.filename().string();
    text_files(folder, "phase.json");
    for (auto const& file : files_in(folder))
      if (auto const name = file.filename().string(); name.starts_with("checkpoint-") && name.ends_with(".safetensors"))
        tensors(file, "phase", key);
    if (!store_.phase_done(key)) return;  // at work, or interrupted
    auto const digest = tensors(folder / "weights.safetensors", "phase", key);
    auto const phase = json(folder / "phase.json");
    if (!phase.is_null()) guarded(folder / "phase.json", [&] { check_phase_json(phase, key, digest); });
  }

  void check_phase_json(Json const& phase, std::string const& key, std::string const& digest) const {
    if (text_at(phase, "key") != key)
      throw RunError("its key is " + quoted(text_at(phase, "key")) + ", its folder's another");
    auto const text = phase.value("canonical", Json());
    if (!text.is_object() || sha256(text.dump()) != key)
      throw RunError("its key is not the SHA-256 of its canonical text");
    auto const parent = text_at(phase, "parent");
    if (text_at(text, "parent") != parent) throw RunError("its parent is not that of its canonical text");
    if (parent != from_seed && !parent.starts_with(given_weights) && !store_.phase_done(parent))
      throw RunError("its parent " + quoted(parent) + " is not there");
    if (!digest.empty() && text_at(phase, "digest") != digest)
      throw RunError("its digest is not that of weights.safetensors");
  }

  void check_run(fs::path const& folder) {
    ++found_.runs;
    auto const id = folder.filename().string();
    text_files(folder, "run.json");
    bool const done = store_.run_done(id);
    if (done || fs::exists(folder / "exits.safetensors")) tensors(folder / "exits.safetensors", "run", id);
    for (auto const& file : files_in(folder))  // on further test sets
      if (file.filename().string().starts_with("exits-")) tensors(file, "run", id);
    if (done && !fs::exists(folder / "env.json")) problem(folder / "env.json", "no such file");
    if (!done && !fs::exists(folder / "run.json")) return;
    auto const run = json(folder / "run.json");
    if (run.is_null()) return;
    guarded(folder / "run.json", [&] {
      if (text_at(run, "id") != id)
        throw RunError("its id is " + quoted(text_at(run, "id")) + ", its folder's another");
      for (auto const& phase : run.value("phases", Json::array()))
        if (done && !store_.phase_done(text_at(phase, "key")))
          throw RunError("its phase " + quoted(text_at(phase, "key")) + " is not there");
    });
  }

  void check_study(fs::path const& folder) {
    auto const spec = folder / "spec.json";
    guarded(spec, [&] { strict_json(read_file(spec), spec.string()); });
    text_files(folder, "spec.json");
  }

  Store store_;
  Verification found_;
};

}  // namespace

Verification verify_store(fs::path const& out) {
  if (!fs::is_directory(out)) throw SpecError(out.string() + ": no such folder", Exit::missing);
  return Verifier(out).run();
}

}  // namespace eexit
