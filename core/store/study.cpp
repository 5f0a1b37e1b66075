#include "core/store/study.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"

namespace eexit {

Study open_study(std::string const& where, fs::path const& out) {
  auto const named = out / "studies" / where;
  fs::path folder = where;
  if (!fs::exists(folder / "results.csv")) folder = named;
  if (!fs::exists(folder / "results.csv"))
    throw SpecError(
        where + ": no study; expected a folder with results.csv, or a name under " + (out / "studies").string(),
        Exit::missing);
  Study study;
  study.folder = folder;
  study.name = fs::weakly_canonical(folder).filename().string();
  study.spec = read_file(folder / "spec.json");
  auto const results = folder / "results.csv";
  study.results = results_from(decode_csv(read_file(results), results.string()), results.string());
  study.curves = decode_csv(read_file(folder / "curves.csv"), (folder / "curves.csv").string());
  study.runs = decode_csv(read_file(folder / "runs.csv"), (folder / "runs.csv").string());
  study.environment = read_file(folder / "env.json");
  // Under an output folder the phases lie beside the studies.
  auto const phases = fs::weakly_canonical(folder).parent_path().parent_path() / "phases";
  if (fs::is_directory(phases)) study.phases = phases;
  return study;
}

std::vector<std::string> footer(Study const& study) {
  using Json = nlohmann::json;
  std::vector<std::string> lines;
  auto const spec = Json::parse(study.spec, nullptr, false);
  auto const eval = spec.is_object() ? spec.value("eval", Json::object()) : Json::object();
  bool const fv = !study.results.empty() && study.results.front().convention == "fv";
  lines.push_back(fv ? "cost: multiply-adds by the reference's rules (fv), heads on the way included"
                     : "cost: multiply-adds of convolutions and matrix products (mac), heads on the way included");
  lines.push_back(eval.value("rule", "default") == "reference"
                      ? "rule: reference (thresholds chosen on test, as published)"
                      : "rule: knobs fitted on cal (held-out training data), applied to test");
  std::string hardware;
  auto const env = Json::parse(study.environment, nullptr, false);
  if (env.is_object())
    hardware = env.value("cpu", "") + ", " + std::to_string(env.value("threads", 0)) + " threads, " +
               env.value("device", "") + ", LibTorch " + env.value("libtorch", "");
  lines.push_back("spec " + sha256(study.spec).substr(0, 8) + "; " + hardware);
  return lines;
}

}  // namespace eexit
