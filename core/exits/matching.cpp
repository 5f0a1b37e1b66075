#include "core/exits/matching.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "core/base/error.h"

namespace eexit {

namespace {

// Rows of each cluster and label: [count * count].
std::vector<int> counts(std::vector<int> const& cluster, std::vector<int> const& label, int count) {
  require(count >= 1, "at least one cluster to match");
  require(cluster.size() == label.size(), "one cluster and one label a row");
  auto const size = static_cast<std::size_t>(count);
  std::vector<int> rows(size * size, 0);
  for (std::size_t row = 0; row < cluster.size(); ++row) {
    auto const known = [&](int number) { return number >= 0 && number < count; };
    require(known(cluster[row]) && known(label[row]), "clusters and labels lie below their count");
    ++rows[static_cast<std::size_t>(cluster[row]) * size + static_cast<std::size_t>(label[row])];
  }
  return rows;
}

// Matches one cluster after another. A price of each cluster and label is kept with price(cluster) + price(label) <=
// -rows(cluster, label) for all, and equal for what is matched: so no other matching of these clusters has more rows.
class Matching {
 public:
  Matching(std::vector<int> rows, std::size_t count)
      : rows_(std::move(rows)), count_(count), of_cluster_(count), of_label_(count, 0), cluster_(count, nobody) {
    for (std::size_t cluster = 0; cluster < count; ++cluster) {
      auto const first = rows_.begin() + static_cast<std::ptrdiff_t>(cluster * count);
      of_cluster_[cluster] = -*std::max_element(first, first + static_cast<std::ptrdiff_t>(count));
    }
  }

  // Finds the shortest path from the new cluster to a free label that goes back from labels to the clusters they are
  // matched with (Dijkstra's method; a step is as long as its pair is off its price). Then each label on it is handed
  // on.
  void add(std::size_t added) {
    std::vector<long> length(count_, std::numeric_limits<long>::max());  // by label
    std::vector<std::size_t> before(count_, nobody);                     // by label: the one before it on the path
    std::vector<char> reached(count_, 0);
    std::size_t cluster = added, label = nobody;
    long walked = 0;
    while (cluster != nobody) {
      std::size_t nearest = nobody;
      for (std::size_t next = 0; next < count_; ++next) {
        if (reached[next]) continue;
        long const here = walked + off_price(cluster, next);
        if (here < length[next]) {
          length[next] = here;
          before[next] = label;
        }
        if (nearest == nobody || length[next] < length[nearest]) nearest = next;
      }
      label = nearest;
      walked = length[label];
      reached[label] = 1;
      cluster = cluster_[label];
    }
    reprice(added, length, reached, walked);
    for (; before[label] != nobody; label = before[label]) cluster_[label] = cluster_[before[label]];
    cluster_[label] = added;
  }

  std::vector<int> labels() const {  // by cluster, when all have been added
    std::vector<int> map(count_, 0);
    for (std::size_t label = 0; label < count_; ++label) map[cluster_[label]] = static_cast<int>(label);
    return map;
  }

 private:
  static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

  long off_price(std::size_t cluster, std::size_t label) const {  // at least 0
    return -rows_[cluster * count_ + label] - of_cluster_[cluster] - of_label_[label];
  }

  // All steps of the path become 0 long, none shorter than that, and what is matched stays so.
  void reprice(std::size_t added, std::vector<long> const& length, std::vector<char> const& reached, long walked) {
    of_cluster_[added] += walked;
    for (std::size_t label = 0; label < count_; ++label) {
      if (!reached[label]) continue;
      long const left = walked - length[label];
      of_label_[label] -= left;
      if (cluster_[label] != nobody) of_cluster_[cluster_[label]] += left;
    }
  }

  std::vector<int> rows_;  // [cluster * count + label]
  std::size_t count_;
  std::vector<long> of_cluster_, of_label_;  // prices
  std::vector<std::size_t> cluster_;         // by label
};

double entropy(std::map<int, int> const& sizes, double rows) {  // in nats
  double sum = 0;
  for (auto const& [group, size] : sizes) sum -= size / rows * std::log(size / rows);
  return sum;
}

}  // namespace

std::vector<int> best_matching(std::vector<int> const& cluster, std::vector<int> const& label, int count) {
  auto const clusters = static_cast<std::size_t>(std::max(count, 0));
  Matching matching(counts(cluster, label, count), clusters);
  for (std::size_t added = 0; added < clusters; ++added) matching.add(added);
  return matching.labels();
}

double matched_accuracy(std::vector<int> const& cluster, std::vector<int> const& label, int count) {
  require(!cluster.empty(), "an accuracy of at least one row");
  auto const map = best_matching(cluster, label, count);
  int right = 0;
  for (std::size_t row = 0; row < cluster.size(); ++row)
    right += map[static_cast<std::size_t>(cluster[row])] == label[row];
  return static_cast<double>(right) / static_cast<double>(cluster.size());
}

double normalised_mutual_information(std::vector<int> const& cluster, std::vector<int> const& label) {
  require(cluster.size() == label.size(), "one cluster and one label a row");
  require(!cluster.empty(), "mutual information of at least one row");
  std::map<int, int> clusters, labels;
  std::map<std::pair<int, int>, int> both;
  for (std::size_t row = 0; row < cluster.size(); ++row) {
    ++clusters[cluster[row]];
    ++labels[label[row]];
    ++both[{cluster[row], label[row]}];
  }
  if (clusters.size() == 1 && labels.size() == 1) return 1;
  auto const rows = static_cast<double>(cluster.size());
  double information = 0;
  for (auto const& [pair, size] : both)
    information +=
        size / rows * std::log(size * rows / (static_cast<double>(clusters[pair.first]) * labels[pair.second]));
  // Rounding alone leads out of the range.
  return std::clamp(2 * information / (entropy(clusters, rows) + entropy(labels, rows)), 0.0, 1.0);
}

}  // namespace eexit
