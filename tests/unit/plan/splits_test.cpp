#include "core/plan/splits.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"
#include "tests/support/catch.h"

using namespace eexit;
using Rows = std::vector<int>;

namespace {

// 1000 labels: 500 of class 0, 300 of class 1, 200 of class 7.
std::vector<int> uneven() {
  std::vector<int> labels;
  for (int i = 0; i < 100; ++i) labels.insert(labels.end(), {0, 1, 0, 7, 0, 1, 0, 7, 0, 1});
  return labels;
}

std::map<int, int> counts(std::vector<int> const& labels, std::vector<Rows> const& parts) {
  std::map<int, int> all;
  for (auto const& part : parts)
    for (int const row : part) ++all[labels[static_cast<std::size_t>(row)]];
  return all;
}

}  // namespace

TEST_CASE("a tenth is held out of every class, in two halves") {
  auto const labels = uneven();
  auto const splits = make_splits(labels, {}, 0.1, 42);
  CHECK(splits.train.size() == 900);
  CHECK(splits.val.size() == 50);
  CHECK(splits.cal.size() == 50);
  CHECK(counts(labels, {splits.val, splits.cal}) == std::map<int, int>{{0, 50}, {1, 30}, {7, 20}});
  CHECK(counts(labels, {splits.cal}) == std::map<int, int>{{0, 25}, {1, 15}, {7, 10}});
  std::set<int> all;
  for (auto const* part : {&splits.train, &splits.val, &splits.cal}) {
    CHECK(std::is_sorted(part->begin(), part->end()));
    all.insert(part->begin(), part->end());
  }
  CHECK(all.size() == 1000);
  // Not the first rows of the file: those are drawn.
  CHECK(splits.train.front() + splits.train.back() + splits.val.front() != 0 + 899 + 900);
}

TEST_CASE("the limit is kept before the split, stratified and exact") {
  auto const labels = uneven();
  auto const splits = make_splits(labels, 333, 0.1, 42);
  // 166.5, 99.9 and 66.6 rows: the largest remainders are rounded up. Then 33 of them: 16.45, 9.91, 6.64.
  CHECK(counts(labels, {splits.train, splits.val, splits.cal}) == std::map<int, int>{{0, 166}, {1, 100}, {7, 67}});
  CHECK(counts(labels, {splits.val, splits.cal}) == std::map<int, int>{{0, 16}, {1, 10}, {7, 7}});
  CHECK(splits.train.size() == 300);
  CHECK(splits.val.size() == 17);
  CHECK(splits.cal.size() == 16);
  CHECK(make_splits(labels, 1000, 0.1, 42).train == make_splits(labels, {}, 0.1, 42).train);
}

TEST_CASE("halves differ by at most one row, whatever the sizes") {
  auto const labels = uneven();
  for (int limit = 40; limit < 140; limit += 7)
    for (double const share : {0.1, 0.25, 0.5, 0.9}) {
      auto const splits = make_splits(labels, limit, share, 1);
      auto const held = splits.val.size() + splits.cal.size();
      INFO(limit << " " << share);
      CHECK(held == static_cast<std::size_t>(std::lround(limit * share)));
      CHECK(splits.train.size() + held == static_cast<std::size_t>(limit));
      CHECK(splits.val.size() - splits.cal.size() <= 1);
    }
}

TEST_CASE("the split's own seed decides it") {
  auto const labels = uneven();
  CHECK(make_splits(labels, 500, 0.1, 42).cal == make_splits(labels, 500, 0.1, 42).cal);
  CHECK(make_splits(labels, 500, 0.1, 42).cal != make_splits(labels, 500, 0.1, 43).cal);
  CHECK(make_splits(labels, 500, 0.1, 42).train != make_splits(labels, 500, 0.1, 43).train);
}

TEST_CASE("too few rows for three parts are refused") {
  auto const labels = uneven();
  CHECK_THROWS_AS(make_splits(labels, 10, 0.1, 42), SpecError);  // one row held out, for two halves
  CHECK_THROWS_AS(make_splits(labels, 2, 0.9, 42), SpecError);   // none is left to train on
  CHECK_NOTHROW(make_splits(labels, 20, 0.1, 42));
}
