#include "core/sweep/tensorboard_log.h"

#include <utility>

#include "core/base/host.h"

namespace eexit {

std::vector<Scalar> scalars_of(Event const& event) {
  if (event.kind != "epoch") return {};
  std::vector<Scalar> all;
  auto const add = [&](std::string const& tag, std::vector<double> const& values) {
    for (std::size_t k = 0; k < values.size(); ++k)
      all.push_back({.tag = tag + "/exit_" + (k < event.exits.size() ? event.exits[k] : std::to_string(k + 1)),
                     .value = values[k]});
  };
  add("train/loss", event.train_loss);
  add("train/accuracy", event.train_accuracy);
  add("val/loss", event.val_loss);
  add("val/accuracy", event.val_accuracy);
  all.push_back({.tag = "lr", .value = event.lr});
  if (event.images_per_second > 0) all.push_back({.tag = "images_per_second", .value = event.images_per_second});
  return all;
}

std::string folder_name(std::string const& label) {
  std::string name;
  bool replaced = false;
  for (char const c : label) {
    bool const kept =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (kept) name += c;
    if (!kept && !replaced) name += '_';
    replaced = !kept;
  }
  // "." and ".." are other folders, and file systems take 255 bytes.
  if (name.find_first_not_of('.') == std::string::npos) name = "_" + name;
  return name.substr(0, 200);
}

TensorBoardLog::TensorBoardLog(fs::path folder) : folder_(std::move(folder)) { make_folder(folder_); }

void TensorBoardLog::write(Event const& event) {
  auto const name = folder_name(event.label.empty() ? event.node : event.label);
  if (event.kind == "node_done" || event.kind == "node_failed" || event.kind == "node_interrupted") open_.erase(name);
  auto const scalars = scalars_of(event);
  if (scalars.empty()) return;
  auto file = open_.find(name);
  if (file == open_.end()) file = open_.emplace(name, TensorBoardFile(folder_ / name)).first;
  file->second.scalars(scalars, event.step, parse_utc(event.time).value_or(unix_seconds()));
}

}  // namespace eexit
