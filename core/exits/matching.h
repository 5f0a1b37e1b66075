// How well clusters agree with labels: clusters have no names of their own, so they are matched with labels first, or
// compared as divisions of the rows alone.
#pragma once

#include <vector>

namespace eexit {

// The map from cluster to label, a permutation of 0 .. count - 1, with which the most rows are right. cluster, label:
// [rows], each in 0 .. count - 1. Hungarian method (Kuhn 1955) by shortest augmenting paths, O(count^3). Of several
// best maps always the same one for the same number of rows of each cluster and label, whatever the rows' order.
// Throws std::logic_error when sizes disagree or a number is out of range.
std::vector<int> best_matching(std::vector<int> const& cluster, std::vector<int> const& label, int count);

// Share of rows that are right with the best matching, in [0, 1]; at least one row. Errors as above.
double matched_accuracy(std::vector<int> const& cluster, std::vector<int> const& label, int count);

// Mutual information of two divisions of the rows over the mean of their entropies, 2 I / (H1 + H2), in [0, 1] (Vinh et
// al. 2010, NMI_sum; what scikit-learn's normalized_mutual_info_score is by default). cluster, label: [rows], any
// numbers; which number stands for which group does not matter. 1 when both are a single group, as scikit-learn has it,
// though 0 / 0; 0 when one alone is. Throws std::logic_error when sizes disagree or there is no row.
double normalised_mutual_information(std::vector<int> const& cluster, std::vector<int> const& label);

}  // namespace eexit
