#include "core/methods/clusters.h"

#include <numeric>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "core/exits/matching.h"
#include "core/net/layers.h"

namespace eexit {

namespace {

Tensor squared_distances(Tensor const& x_nd, Tensor const& center_kd) {
  return row_distances(x_nd, center_kd).square();
}

// The first one any row; each further one a row drawn by its squared distance to the nearest so far.
Tensor first_centers(Tensor const& x_nd, int clusters, Random& random) {
  std::vector<Tensor> centers = {x_nd[random.below(static_cast<int>(x_nd.size(0)))]};
  auto nearest_n = squared_distances(x_nd, centers[0].unsqueeze(0)).squeeze(1);
  while (static_cast<int>(centers.size()) < clusters) {
    auto const sum_n = nearest_n.cumsum(0);
    double const sum = sum_n[-1].item<double>();
    if (!(sum > 1e-12 * x_nd.square().sum().item<double>()))
      throw RunError("clusters: expected at least " + std::to_string(clusters) +
                         " distinct rows, one a cluster, found " + std::to_string(centers.size()),
                     Exit::data);
    auto const at = torch::searchsorted(sum_n, torch::full({1}, random.uniform() * sum, sum_n.options()),
                                        /*out_int32=*/false, /*right=*/true);
    centers.push_back(x_nd[at.clamp_max(x_nd.size(0) - 1).item<std::int64_t>()]);
    nearest_n = torch::minimum(nearest_n, squared_distances(x_nd, centers.back().unsqueeze(0)).squeeze(1));
  }
  return torch::stack(centers);
}

// Means of the rows of each cluster; one without rows takes the row farthest from its centre, which leaves its own.
Tensor centers_of(Tensor const& x_nd, Tensor const& cluster_n, Tensor const& distance_n, int clusters) {
  auto const of_cluster_kn = torch::one_hot(cluster_n, clusters).t().to(torch::kFloat64);
  auto const count_k = of_cluster_kn.sum(1);
  auto center_kd = of_cluster_kn.mm(x_nd) / count_k.clamp_min(1).unsqueeze(1);
  auto far_n = distance_n.clone();
  for (int k = 0; k < clusters; ++k) {
    if (count_k[k].item<double>() > 0) continue;
    auto const farthest = far_n.argmax().item<std::int64_t>();
    center_kd[k].copy_(x_nd[farthest]);
    far_n[farthest] = 0;
  }
  return center_kd;
}

Clustering lloyd(Tensor const& x_nd, Tensor center_kd) {
  constexpr int most_iterations = 300;
  Clustering found{.center_kd = std::move(center_kd)};
  for (int i = 0; i < most_iterations; ++i) {
    auto const [distance_n, cluster_n] = squared_distances(x_nd, found.center_kd).min(1);
    bool const settled = found.cluster_n.defined() && torch::equal(cluster_n, found.cluster_n);
    found.cluster_n = cluster_n;
    found.inertia = distance_n.sum().item<double>();
    if (settled) break;
    found.center_kd = centers_of(x_nd, cluster_n, distance_n, static_cast<int>(found.center_kd.size(0)));
  }
  return found;
}

std::vector<int> on_host(Tensor const& number_n) {
  auto const host = number_n.to(torch::kCPU, torch::kInt32).contiguous();
  return {host.const_data_ptr<int>(), host.const_data_ptr<int>() + host.numel()};
}

}  // namespace

Clustering k_means(Tensor const& x_nd, int clusters, int restarts, std::uint64_t seed) {
  if (x_nd.size(0) < clusters)
    throw RunError("clusters: expected at least " + std::to_string(clusters) + " rows, one a cluster, found " +
                       std::to_string(x_nd.size(0)),
                   Exit::data);
  Clustering best;
  for (int i = 0; i < restarts; ++i) {
    Random random(stream_seed(seed, {"k-means", std::to_string(i)}));
    auto found = lloyd(x_nd, first_centers(x_nd, clusters, random));
    if (i == 0 || found.inertia < best.inertia) best = std::move(found);
  }
  return best;
}

Tensor find_clusters(ExitNet& net, FitRows const& rows, int restarts) {
  std::vector<Tensor> parts;
  rows.walk([&](std::string const& exit, State const& state, std::int64_t) {
    if (exit == "last") parts.push_back(state.x.flatten(1).to(torch::kFloat64));
  });
  auto const found = k_means(torch::cat(parts), rows.classes, restarts, rows.seed);
  auto const class_of = best_matching(on_host(found.cluster_n), on_host(rows.label_r), rows.classes);
  auto const class_k =
      torch::tensor(std::vector<std::int64_t>(class_of.begin(), class_of.end())).to(rows.label_r.device());
  auto buffers = net.named_buffers();
  auto* const center = buffers.find("last.center");
  require(center != nullptr, "a network that learns without labels has centres at its last exit");
  center->index_copy_(0, class_k, found.center_kd.to(center->scalar_type()));
  return class_k.index({found.cluster_n});
}

}  // namespace eexit
