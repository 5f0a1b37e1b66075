// What a network costs, counted from the operators it really calls.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/net/early.h"
#include "core/net/net.h"
#include "core/plan/facts.h"

namespace eexit {

// Multiply-accumulates of the outermost operators that `run` calls (they nest: conv2d > convolution > ...). Two
// conventions: mac counts convolutions and matrix products; fv is the reference benchmark's, which also charges norms,
// pooling and elementwise operators (facts: evaluation 2.2). RunError naming an operator it does not know.
Cost count_cost(std::function<void()> const& run);

struct NetCost {
  std::vector<Cost> stages;           // in walking order
  std::map<std::string, Cost> heads;  // by stage name
  Cost last;
};

// Counts a net part by part in eval mode on one sample (dimension 0 of size 1, f32, CPU).
NetCost count_cost(ExitNet&, State const& one_sample);

// Multiply-accumulates on one sample of each convolution and linear map, by the name of its weight
// ("stage.0.conv1.weight", as layers_of in masks.h has them); eval mode, f32, CPU.
std::map<std::string, double> macs_by_layer(ExitNet&, State const& one_sample);

// Mean cost a row of a live pass, from the shares that reached each part.
double mean_cost(ExitNet const&, NetCost const&, Answers const&, Convention);

}  // namespace eexit
