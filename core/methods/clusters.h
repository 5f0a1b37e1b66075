// Classes that are found, not given: k-means on what the last exit of a network sees.
#pragma once

#include "core/methods/method.h"

namespace eexit {

struct Clustering {
  Tensor center_kd;    // f64
  Tensor cluster_n;    // i64: of each row, the nearest centre
  double inertia = 0;  // sum of squared distances to it
};

// k-means by Lloyd's iteration from k-means++ starts (Arthur and Vassilvitskii 2007), the best of `restarts` by
// inertia; each ends when no row changes its cluster, or after 300 iterations. A cluster that loses its last row starts
// anew at the row farthest from its centre. x_nd f64. RunError (Exit::data) with fewer distinct rows than clusters.
Clustering k_means(Tensor const& x_nd, int clusters, int restarts, std::uint64_t seed);

// As many clusters of the rows as there are classes, numbered by the class that they match best over the given labels
// (which are read for that alone); the centres become what the last exit measures distances to. Returns the number of
// each row's cluster.
Tensor find_clusters(ExitNet&, FitRows const&, int restarts);

}  // namespace eexit
