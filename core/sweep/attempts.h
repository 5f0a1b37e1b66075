// Tries at nodes in jobs of a cluster, where nobody sees how one ends: each is counted in its node's folder, so that
// what a job has died of is tried once more, by the next job that needs it, and then given up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/sweep/graph.h"

namespace eexit {

inline constexpr int most_attempts = 2;

// The job of a cluster that this process is.
struct ClusterJob {
  std::string log;   // the file in which the cluster keeps what it says
  int restarts = 0;  // how often the cluster has started it again
};

struct Attempts {
  int count = 0;
  ClusterJob last;
};

std::optional<Attempts> read_attempts(Node const&, Store const&);
void forget_attempts(Node const&, Store const&);  // it is done, or starts from the beginning
// It was stopped and has saved itself: no attempt at all.
void take_back_attempt(Node const&, Store const&);

// A note of its failure that stays, for nobody tries again.
bool is_given_up(Node const&, Store const&);

// Called under the node's lock: counts a try of this job. False, with a note of the failure, where all tries are used
// up. A job that the cluster itself has ended and started again goes on with the try that it was at.
bool begin_attempt(Node const&, Store const&, ClusterJob const&);

// What is left of the nodes and of all that they need: neither settled nor given up, nor below what is.
std::vector<bool> left_to_try(Graph const&, std::vector<std::size_t> const& nodes, Store const&);

// Those that can be done now, in groups for one process each. What a process may have died of is alone.
std::vector<std::vector<std::size_t>> groups_to_try(Graph const&, std::vector<bool> const& left, Store const&);

struct GivenUp {
  std::size_t node = 0;
  std::string reason;
};

// When no job comes any more: a note of its failure for each of the nodes that is not settled, that nobody is at and
// all of whose parents are there. Returns these and what is below them, but for nodes that were given up before.
// `logs`: where the logs of jobs lie.
std::vector<GivenUp> give_up_rest(Graph const&, std::vector<std::size_t> const& nodes, Store const&,
                                  fs::path const& logs);

}  // namespace eexit
