// The work of a plan as a graph: phases and collections by key, each once, whoever asks for it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/plan/spec.h"
#include "core/store/store.h"

namespace eexit {

struct Node {
  enum class Kind { phase, collect };
  Kind kind = Kind::phase;
  std::string id;                      // phase key, or run id
  std::string label;                   // for people: "resnet-14-...-s0-1a2b3c4d, backbone"
  Run const* run = nullptr;            // one that asks for it; the plan must outlive the graph
  std::size_t phase = 0;               // number of the phase in that run
  std::vector<std::size_t> after;      // nodes whose results it reads
  std::vector<std::size_t> trials;     // nodes that its rate is chosen by
  std::vector<std::size_t> before;     // nodes that read its result
  std::vector<std::size_t> wanted_by;  // runs of the plan, by number; none: a trial's
  std::string trunk;                   // heads phases with the same text share one frozen trunk pass; "": none
  long steps = 0;                      // at most
  double macs = 0;                     // of training alone; a collection has none
  double trunk_macs = 0;               // the part of it that is the frozen trunk's
  bool trial = false;                  // of a rate: that it diverged is an answer too
};

struct Graph {
  std::vector<Node> nodes;                    // in an order in which they can be done
  std::map<std::string, std::size_t> number;  // by id
};

Graph make_graph(Plan const&);

// What is not done and some run still needs; a run that is done needs none of its phases.
std::vector<bool> still_needed(Graph const&, Store const&);

// Nodes that one process does together: heads phases of one trunk, and with each phase the collections that wait for it
// alone. Every node of `ready` belongs to exactly one group; order kept. to_do[node]: not done yet.
std::vector<std::vector<std::size_t>> groups_of(Graph const&, std::vector<std::size_t> const& ready,
                                                std::vector<bool> const& to_do);

// The groups of all that is to do, level by level: each level needs only those before it.
std::vector<std::vector<std::vector<std::size_t>>> levels_of(Graph const&, std::vector<bool> to_do);

enum class NodeState { pending, running, done, failed, interrupted };
std::string name_of(NodeState);

// What the folder says, from any machine: done by its mark, running by its lock, failed by its note, interrupted by
// what it left behind.
NodeState state_of(Node const&, Store const&);
fs::path folder_of(Node const&, Store const&);
bool is_done(Node const&, Store const&);
bool is_settled(Node const&, Store const&);  // done, or a trial that diverged

// Forgets with a warning what does not read back whole: finished runs, but those in `trusted`, and finished phases that
// something still needed goes on from. Runs whose answers were stored with costs in another convention are forgotten
// too.
void forget_damaged(Graph const&, Store const&, Convention, std::set<std::string> const& trusted);
// Forgets every result of the graph.
void forget_all(Graph const&, Store const&);

// Why a node failed, kept in its folder until it is tried again.
struct Failure {
  std::string reason;
  bool diverged = false;  // of the numbers, not of the machine: trying again gives the same
  double macs = 0;        // of training until it diverged
  bool unfit = false;     // the spec or the data do not allow it: trying again gives the same
};
void write_failure(Node const&, Store const&, Failure const&);
std::optional<Failure> read_failure(Node const&, Store const&);
void forget_failure(Node const&, Store const&);

// Why each of the needed nodes cannot be had: the note of its failure, else that of what it reads; "": nothing is
// known.
std::vector<std::string> reasons_of(Graph const&, std::vector<bool> const& needed, Store const&);

}  // namespace eexit
