#include "core/store/store.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"

namespace eexit {

bool Store::phase_done(std::string const& key) const { return fs::exists(phase(key) / "phase.json"); }
bool Store::run_done(std::string const& id) const { return fs::exists(run(id) / "metrics.json"); }

fs::path Store::memo(std::string const& kind, std::string const& depends_on) const {
  return out_ / "memo" / (kind + "-" + sha256(depends_on).substr(0, 32) + ".json");
}

std::string Store::remember(std::string const& kind, std::string const& depends_on,
                            std::function<std::string()> const& find_out) const {
  if (auto const known = recall(kind, depends_on)) return *known;
  auto const found = find_out();
  if (!read_only) write_file(memo(kind, depends_on), found);
  return found;
}

std::optional<std::string> Store::recall(std::string const& kind, std::string const& depends_on) const {
  auto const path = memo(kind, depends_on);
  return fs::exists(path) ? std::optional(read_file(path)) : std::nullopt;
}

void Store::replace(std::string const& kind, std::string const& depends_on, std::string const& found) const {
  if (!read_only && recall(kind, depends_on) != found) write_file(memo(kind, depends_on), found);
}

namespace {

constexpr std::string_view prefix = "checkpoint-", suffix = ".safetensors";

// Numbers of the checkpoints there are, rising.
std::vector<long long> numbers(fs::path const& folder) {
  std::vector<long long> found;
  if (!fs::is_directory(folder)) return found;
  for (auto const& entry : fs::directory_iterator(folder)) {
    auto const name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    auto const digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (digits.empty() || digits.size() > 15 || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    found.push_back(parse_integer(digits, name));
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path checkpoint(fs::path const& folder, long long number) {
  return folder / (std::string(prefix) + std::to_string(number) + std::string(suffix));
}

}  // namespace

void save_checkpoint(fs::path const& folder, TensorFile file) {
  file.metadata["format"] = std::to_string(checkpoint_format);
  auto const before = numbers(folder);
  write_tensors(checkpoint(folder, before.empty() ? 1 : before.back() + 1), file);
  for (std::size_t i = 0; i + 1 < before.size(); ++i) fs::remove(checkpoint(folder, before[i]));
}

std::optional<TensorFile> load_checkpoint(fs::path const& folder, std::string const& key) {
  auto newest_first = numbers(folder);
  std::reverse(newest_first.begin(), newest_first.end());
  for (auto const number : newest_first) {
    auto const path = checkpoint(folder, number);
    TensorFile file;
    try {
      file = read_tensors(path);
    } catch (RunError const& error) {
      warn(std::string(error.what()) + "; going back to the checkpoint before it");
      fs::remove(path);  // it must not be kept as the next one's backup
      continue;
    }
    auto const format = file.metadata["format"];
    if (format != std::to_string(checkpoint_format))
      throw SpecError(path.string() + ": checkpoint of format \"" + format + "\", expected " +
                      std::to_string(checkpoint_format) + "; finish it with the version that wrote it, or use --fresh");
    if (file.metadata["phase"] != key) {
      warn(path.string() + ": belongs to another phase; passed over");
      continue;
    }
    return file;
  }
  return std::nullopt;
}

void remove_checkpoints(fs::path const& folder) {
  for (auto const number : numbers(folder)) fs::remove(checkpoint(folder, number));
}

}  // namespace eexit
