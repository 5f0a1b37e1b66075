// What the planner is told about data sets and networks: plain facts, no files, no tensors.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace eexit {

struct ImageShape {
  int channels = 1, height = 0, width = 0;
  int bytes() const { return channels * height * width; }
  bool operator==(ImageShape const&) const = default;
};

struct DataFacts {
  ImageShape shape;
  int classes = 0;
  std::vector<int> labels;  // of the training file
  int test_rows = 0;
  std::string identity;  // SHA-256 over both splits' contents
  std::string known;     // "Fashion-MNIST" when the digests are a known set's, else "unknown"
  std::vector<std::string> class_names;
};

// Multiply-accumulates of one sample at batch 1, by both conventions (README, "What costs are").
struct Cost {
  double mac = 0, fv = 0;
  Cost& operator+=(Cost const& other) {
    mac += other.mac;
    fv += other.fv;
    return *this;
  }
};
enum class Convention { mac, fv };
inline std::string name_of(Convention convention) { return convention == Convention::mac ? "mac" : "fv"; }
inline double in(Convention convention, Cost const& cost) { return convention == Convention::mac ? cost.mac : cost.fv; }

// A plain network: its stages in walking order and its own classifier. The last stage carries no exit of its own.
struct BackboneFacts {
  std::vector<std::string> stages;
  std::vector<Cost> cost;  // [stages]
  Cost last;
  long long params = 0;
  std::map<std::string, std::vector<std::string>> presets = {};  // placements that have a name
  double unlabelled_macs = 0;                                    // of that loss alone, a sample
  bool unlabelled = false;                                       // it learns without labels; its classes are clusters
  bool channels = false;                                         // it says which channels can be removed
};

struct HeadFacts {
  std::map<std::string, Cost> cost;    // by stage name
  std::map<std::string, bool> learns;  // the head has parameters
  long long params = 0;                // of all heads and what they share
  double own_passes = 0;               // forward passes a sample that the method's own learning adds to a step
  double buffer_bytes = 0;             // of what heads hold besides parameters: means of classes
};

struct PolicyFacts {
  bool by_confidence = true;  // else the measure of confidence has no effect
  bool swept = true;          // the reference benchmark has a sweep of it
};

// Mean costs up to and including each exit, heads on the way included, the network's own classifier last.
std::vector<double> exit_costs(BackboneFacts const&, HeadFacts const&, std::vector<std::string> const& after,
                               Convention);
double plain_cost(BackboneFacts const&, Convention);

}  // namespace eexit
