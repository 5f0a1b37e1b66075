// Does nodes of a sweep's graph in this process: trains phases, collects answers.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/execute/feed.h"
#include "core/sweep/events.h"
#include "core/sweep/graph.h"

namespace eexit {

struct WorkOptions {
  torch::Device device = torch::kCPU;
  std::size_t feature_bytes = Room{}.memory_bytes;  // of frozen features that may stay in memory
  std::function<void(Event const&)> report = {};    // starts, progress, epochs and ends of nodes; may be empty
  std::function<bool(Node const&)> may_begin = {};  // asked under the node's lock; false: it is left as it is
};

enum class WorkEnd {
  done,  // every node is done, or has left a note of its failure
  busy   // another process is at one of them: nothing was done
};

// The phases among the nodes must be one, or heads phases of one frozen trunk; their parents must be done. What is done
// already is not done again. A node that fails leaves a note in its folder and the others go on; Interrupted when a
// stop was asked for; RunError (Exit::io) when the disk is full.
WorkEnd do_nodes(Graph const&, std::vector<std::size_t> const& nodes, Plan const&, Store const&, WorkOptions const&);

Dataset open_data(Choice const& source, Split);

// Opened data sets, each once.
class OpenData {
 public:
  explicit OpenData(torch::Device device) : device_(device) {}
  Images const& images(Choice const& source, Split);
  // Normalised as the images that the run was trained on; until the next is asked for, since there may be a hundred.
  Images const& images(TestSet const&, Run const&);

 private:
  torch::Device device_;
  std::map<std::string, Images> open_;
  std::string test_set_;
  Images test_images_;
};

// Where a finished run's weights lie.
fs::path weights_of(Store const&, Run const&);

}  // namespace eexit
