// A sweep's epochs for TensorBoard: one folder ("run" in its words) a node.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/report/tensorboard.h"
#include "core/sweep/events.h"

namespace eexit {

// What an epoch is in numbers: train/loss/exit_<name>, train/accuracy/..., val/loss/..., val/accuracy/..., lr,
// images_per_second. Exits without a name are numbered from 1. Nothing for other kinds of events.
std::vector<Scalar> scalars_of(Event const&);

// The folder's name for a label: letters, digits, ".", "_", "-" stay, any run of other characters becomes one "_".
std::string folder_name(std::string const& label);

// Writes epochs to DIR/<folder_name of the node's label>/, at their step and time; other events only close a node's
// file. A node that goes on after an interruption gets a new file, which takes the place of the older ones from its
// first step on: see TensorBoardFile.
class TensorBoardLog {
 public:
  explicit TensorBoardLog(fs::path folder);  // makes it, so that a place that cannot be written is found at once
  void write(Event const&);

 private:
  fs::path folder_;
  std::map<std::string, TensorBoardFile> open_;
};

}  // namespace eexit
