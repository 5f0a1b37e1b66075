// What a step is fed with: images for the network's own stages, or the features that a frozen trunk made of them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/execute/images.h"
#include "core/net/net.h"

namespace eexit {

struct Feed {
  State input;
  Tensor target_b, partner_b = {}, share_b = {};  // as a Batch has them
  std::vector<Stage> replay = {};  // stages that give features already known; empty: the network's own run

  std::span<Stage const> stages(ExitNet const& net) const { return replay.empty() ? net.stages : replay; }
  Feed part(std::int64_t first, std::int64_t last) const;    // samples first to last - 1
  Feed labels(std::int64_t first, std::int64_t last) const;  // the same without what a network is fed with
};

// Rows of the training file, as they are.
using FeedRows = std::function<Feed(std::vector<int> const& rows)>;
FeedRows plain_rows(Images const&);  // which must outlive it

// Where features may lie: in memory up to a bound, beyond it in files without a name in `folder`.
struct Room {
  std::size_t memory_bytes = std::size_t{2} << 30;
  fs::path folder;
};

// A network whose stages are frozen, run once for the heads of many. Features that do not change from epoch to epoch
// are computed once, always in the same portions: what a head is given does not depend on who else is fed.
class FrozenTrunk {
 public:
  // `carrying`: stages that some head stands after. The net's weights must stay as they are.
  FrozenTrunk(ExitNet& net, std::vector<std::string> carrying, Images const&, bool bf16);

  // Computes the features of these rows and keeps them. Throws Interrupted between portions when a stop was asked for,
  // RunError (Exit::io) when the disk is full.
  void keep(std::vector<int> const& rows, Room const&);
  Feed kept(std::vector<int> const& rows) const;  // each among those kept
  Feed pass(Batch const&) const;                  // through the trunk now
  std::size_t bytes() const { return bytes_; }    // of all that is kept

 private:
  using States = std::map<std::string, State>;  // by stage: those that carry heads, and the last
  States run(State input) const;
  std::vector<Stage> replay(States) const;
  void make_room(States& portion, std::int64_t rows, Room const&);

  ExitNet& net_;
  std::vector<std::string> carrying_;
  Images const& images_;
  bool bf16_;
  States kept_;                // [rows kept, ...]
  std::vector<int> position_;  // of each row of the training file among those kept; -1: none
  std::size_t bytes_ = 0;
};

}  // namespace eexit
