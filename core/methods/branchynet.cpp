// BranchyNet (Teerapittayanon et al. 2016): convolutional side branches, each with a weight of its own in the loss
// (facts: methods 7). Its exit rule is the policy threshold on entropy.
#include <numeric>

#include "core/base/error.h"
#include "core/methods/heads.h"

namespace eexit::method {

namespace {

// The branches' weights and 1 for the network's own classifier, of sum 1 as all weights of exits here: a learning rate
// then means the same for every method.
std::vector<double> weights_for(std::size_t exits, std::vector<double> given) {
  auto const branches = exits - 1;
  if (given.size() == 1) given.assign(branches, given[0]);
  require(given.size() == branches, "branchynet: one weight a branch");
  given.push_back(1);
  double const sum = std::accumulate(given.begin(), given.end(), 0.0);
  for (auto& weight : given) weight /= sum;
  return given;
}

}  // namespace

Method branchynet(JsonReader& reader) {
  auto const head = read_head(reader, "conv");
  auto const weights = reader.numbers("weights", {1}, {0, 1e6},
                                      "of the branches' losses beside 1 for the last exit; one for all, or one each");
  if (weights.empty()) reader.fail("weights", "expected one weight, or one for each branch, found none");
  reader.done();
  return {.make_heads =
              [=](Sites const& sites, int classes, Builder& builder) {
                if (weights.size() > 1 && weights.size() != sites.size())
                  throw SpecError("method branchynet: expected one weight, or " + std::to_string(sites.size()) +
                                  " for as many branches, found " + std::to_string(weights.size()));
                return plain_heads(sites, head, classes, builder);
              },
          .weigh =
              [weights](ExitNet const&, Tensor const& losses_bk, Tensor const& weights_k) {
                auto const w = weights_for(static_cast<std::size_t>(losses_bk.size(1)), weights);
                return (losses_bk.mean(0) * torch::tensor(w, losses_bk.options())).sum() * weights_k.sum();
              },
          .own_weights = true};
}

}  // namespace eexit::method
