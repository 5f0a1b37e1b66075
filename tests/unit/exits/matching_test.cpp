#include "core/exits/matching.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/base/stream.h"
#include "tests/support/catch.h"

using namespace eexit;

namespace {

using Numbers = std::vector<int>;

Numbers drawn(int rows, int count, Random& random) {
  Numbers numbers;
  for (int row = 0; row < rows; ++row) numbers.push_back(random.below(count));
  return numbers;
}

int right(Numbers const& cluster, Numbers const& label, Numbers const& map) {
  int sum = 0;
  for (std::size_t row = 0; row < cluster.size(); ++row)
    sum += map[static_cast<std::size_t>(cluster[row])] == label[row];
  return sum;
}

int most_right(Numbers const& cluster, Numbers const& label, int count) {
  Numbers map(static_cast<std::size_t>(count));
  std::iota(map.begin(), map.end(), 0);
  int most = 0;
  do most = std::max(most, right(cluster, label, map));
  while (std::next_permutation(map.begin(), map.end()));
  return most;
}

bool is_permutation_of_all(Numbers map) {
  std::sort(map.begin(), map.end());
  for (std::size_t i = 0; i < map.size(); ++i)
    if (map[i] != static_cast<int>(i)) return false;
  return true;
}

}  // namespace

TEST_CASE("matching: examples worked by hand") {
  // Clusters named otherwise than labels.
  CHECK(best_matching({2, 2, 0, 0, 1}, {0, 0, 1, 1, 2}, 3) == Numbers{1, 2, 0});
  CHECK(matched_accuracy({2, 2, 0, 0, 1}, {0, 0, 1, 1, 2}, 3) == 1);
  // Rows of clusters 0 and 1 by label: 3 2 and 3 0. The most of each would be label 0 for both; 2 + 3 beat 3 + 0.
  Numbers const cluster = {0, 0, 0, 0, 0, 1, 1, 1}, label = {0, 0, 0, 1, 1, 0, 0, 0};
  CHECK(best_matching(cluster, label, 2) == Numbers{1, 0});
  CHECK(matched_accuracy(cluster, label, 2) == 0.625);
  // The largest number of all, 5, belongs to no best matching: 5 0 / 4 0 and a third cluster: 5 4 0 / 4 0 0 / 0 2 0 has
  // 5 + 0 + 2, 4 + 4 + 0 and 0 + 4 + 2.
  Numbers three, labels;
  auto const rows = [&](int number, int c, int l) {
    three.insert(three.end(), static_cast<std::size_t>(number), c);
    labels.insert(labels.end(), static_cast<std::size_t>(number), l);
  };
  rows(5, 0, 0);
  rows(4, 0, 1);
  rows(4, 1, 0);
  rows(2, 2, 1);
  CHECK(best_matching(three, labels, 3) == Numbers{1, 0, 2});
  CHECK(matched_accuracy(three, labels, 3) == 8.0 / 15);
  CHECK(best_matching({0, 0}, {0, 0}, 1) == Numbers{0});
  CHECK(matched_accuracy({0, 0}, {0, 0}, 1) == 1);
  CHECK(is_permutation_of_all(best_matching({}, {}, 3)));  // no row: any map
}

TEST_CASE("matching: as many rows are right as with the best of all permutations") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    int const count = 1 + static_cast<int>(seed) % 6;
    // A few rows, so that many counts are equal and some clusters empty; then more.
    int const rows = 1 + random.below(seed % 2 ? 12 : 200);
    auto const cluster = drawn(rows, count, random), label = drawn(rows, count, random);
    auto const map = best_matching(cluster, label, count);
    CHECK(is_permutation_of_all(map));
    CHECK(right(cluster, label, map) == most_right(cluster, label, count));
    CHECK(matched_accuracy(cluster, label, count) ==
          static_cast<double>(most_right(cluster, label, count)) / static_cast<double>(rows));
  }
}

TEST_CASE("matching: a hidden permutation of many clusters is found") {
  for (int const count : {40, 200}) {
    Random random(static_cast<std::uint64_t>(count));
    auto const hidden = permutation(count, random);
    auto const cluster = drawn(60 * count, count, random);
    Numbers label;
    for (int const c : cluster)
      label.push_back(random.uniform() < 0.3 ? random.below(count) : hidden[static_cast<std::size_t>(c)]);
    CHECK(best_matching(cluster, label, count) == hidden);
  }
}

TEST_CASE("matching: where several maps are best, the rows' order does not choose") {
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    auto cluster = drawn(10, 5, random), label = drawn(10, 5, random);
    auto const map = best_matching(cluster, label, 5);
    auto const order = permutation(10, random);
    Numbers shuffled_cluster, shuffled_label;
    for (int const row : order) {
      shuffled_cluster.push_back(cluster[static_cast<std::size_t>(row)]);
      shuffled_label.push_back(label[static_cast<std::size_t>(row)]);
    }
    CHECK(best_matching(shuffled_cluster, shuffled_label, 5) == map);
  }
}

TEST_CASE("matching: sizes and numbers out of range are refused") {
  CHECK_THROWS_AS(best_matching({}, {}, 0), std::logic_error);
  CHECK_THROWS_AS(best_matching({}, {}, -1), std::logic_error);
  CHECK_THROWS_AS(best_matching({0, 1}, {0}, 2), std::logic_error);
  CHECK_THROWS_AS(best_matching({0}, {0, 1}, 2), std::logic_error);
  CHECK_THROWS_AS(best_matching({2}, {0}, 2), std::logic_error);
  CHECK_THROWS_AS(best_matching({0}, {2}, 2), std::logic_error);
  CHECK_THROWS_AS(best_matching({-1}, {0}, 2), std::logic_error);
  CHECK_THROWS_AS(matched_accuracy({}, {}, 2), std::logic_error);
  CHECK_THROWS_AS(normalised_mutual_information({}, {}), std::logic_error);
  CHECK_THROWS_AS(normalised_mutual_information({0, 1}, {0}), std::logic_error);
}

TEST_CASE("mutual information: the same division by other names has 1, independent ones 0") {
  Random random(2);
  auto const label = drawn(500, 7, random);
  Numbers renamed;
  for (int const l : label) renamed.push_back(100 - 3 * l);
  CHECK(normalised_mutual_information(renamed, label) == Approx(1).epsilon(1e-12));
  // Every pair as often as every other.
  CHECK(normalised_mutual_information({0, 0, 1, 1, 2, 2}, {0, 1, 0, 1, 0, 1}) == Approx(0).margin(1e-12));
  // Of 20,000 rows drawn apart: about (6 - 1)^2 / (2 rows) nats over 1.8.
  auto const one = drawn(20000, 6, random), other = drawn(20000, 6, random);
  CHECK(normalised_mutual_information(one, other) < 0.001);
  CHECK(normalised_mutual_information(one, other) > 0);
  CHECK(normalised_mutual_information({4, 4, 4}, {0, 0, 0}) == 1);
  CHECK(normalised_mutual_information({4, 4, 4}, {0, 0, 1}) == 0);
  CHECK(normalised_mutual_information({0, 1, 2, 3}, {0, 0, 0, 0}) == 0);
}

// By NumPy as 2 (H1 + H2 - H12) / (H1 + H2); scikit-learn 1.9.1 gives the same.
TEST_CASE("mutual information: values of an independent computation") {
  Numbers const a = {0, 0, 0, 1, 1, 1}, b = {0, 0, 1, 1, 2, 2};
  CHECK(normalised_mutual_information(a, b) == Approx(0.5158037429793887).epsilon(1e-12));
  CHECK(normalised_mutual_information(b, a) == Approx(0.5158037429793887).epsilon(1e-12));
  CHECK(normalised_mutual_information({0, 0, 1, 1, 2, 2, 2, 3}, {1, 1, 1, 0, 0, 2, 2, 2}) ==
        Approx(0.5577965290899927).epsilon(1e-12));
}
