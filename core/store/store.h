// Finished phases, runs and studies on disk, by key. Layout: README, "What lies in out/".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/base/safetensors.h"

namespace eexit {

class Store {
 public:
  explicit Store(fs::path out) : out_(std::move(out)) {}

  fs::path const& root() const { return out_; }
  fs::path phase(std::string const& key) const { return out_ / "phases" / key; }
  fs::path run(std::string const& id) const { return out_ / "runs" / id; }
  fs::path study(std::string const& name) const { return out_ / "studies" / name; }

  // phase.json and metrics.json are written last: they mark what is done.
  bool phase_done(std::string const& key) const;
  bool run_done(std::string const& id) const;

  // Facts that are dear to find out, by the text of what they depend on. A read-only store (a dry run) writes none.
  // `find_out` returns JSON text.
  std::string remember(std::string const& kind, std::string const& depends_on,
                       std::function<std::string()> const& find_out) const;
  // The same without finding out, and with what was found out anew.
  std::optional<std::string> recall(std::string const& kind, std::string const& depends_on) const;
  void replace(std::string const& kind, std::string const& depends_on, std::string const& found) const;
  bool read_only = false;

 private:
  fs::path memo(std::string const& kind, std::string const& depends_on) const;

  fs::path out_;
};

// Numbered checkpoints of one phase folder: the last two are kept, so that a damaged one can be done without.
inline constexpr int checkpoint_format = 2;
void save_checkpoint(fs::path const& folder, TensorFile file);
// The newest checkpoint that reads back whole and belongs to `key`; damaged ones are passed over with a warning.
// SpecError (Exit::data) on one of another format.
std::optional<TensorFile> load_checkpoint(fs::path const& folder, std::string const& key);
void remove_checkpoints(fs::path const& folder);

}  // namespace eexit
