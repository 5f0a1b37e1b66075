#include "core/plan/facts.h"

#include <algorithm>

#include "core/base/error.h"

namespace eexit {

std::vector<double> exit_costs(BackboneFacts const& net, HeadFacts const& heads, std::vector<std::string> const& after,
                               Convention convention) {
  std::vector<double> costs;
  double sum = 0;
  for (std::size_t i = 0; i < net.stages.size(); ++i) {
    sum += in(convention, net.cost[i]);
    if (std::find(after.begin(), after.end(), net.stages[i]) == after.end()) continue;
    auto const head = heads.cost.find(net.stages[i]);
    require(head != heads.cost.end(), "an exit has no head cost");
    sum += in(convention, head->second);
    costs.push_back(sum);
  }
  costs.push_back(sum + in(convention, net.last));
  return costs;
}

double plain_cost(BackboneFacts const& net, Convention convention) {
  double sum = in(convention, net.last);
  for (auto const& cost : net.cost) sum += in(convention, cost);
  return sum;
}

}  // namespace eexit
