// Positions for another size of image, against values made by hand.
#include "core/arch/position_table.h"

#include "core/base/error.h"

#include "tests/support/catch.h"

namespace eexit {

using arch::resized_positions;
using torch::Tensor;

TEST_CASE("a table of positions that fits already comes back as it is", "[arch]") {
  auto const table = torch::randn({1, 1 + 6, 5});
  CHECK(resized_positions(table, 2, 3).is_same(table));
}

TEST_CASE("a constant table stays constant, and the class token keeps its own numbers", "[arch]") {
  auto const table = torch::full({1, 1 + 9, 4}, 0.75, torch::kFloat64);
  table.select(1, 0).copy_(torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kFloat64));
  for (auto const& [height, width] : {std::pair{1, 2}, {4, 4}, {3, 5}, {7, 2}}) {
    auto const resized = resized_positions(table, height, width);
    CHECK(resized.sizes() == c10::IntArrayRef({1, 1 + height * width, 4}));
    CHECK(torch::equal(resized.select(1, 0), table.select(1, 0)));
    CHECK(torch::allclose(resized.narrow(1, 1, height * width), torch::full({}, 0.75, torch::kFloat64), 1e-12, 1e-12));
  }
}

TEST_CASE("positions in between are cubic: rows and columns each keep their place", "[arch]") {
  // Width 0 of a place holds its row, width 1 its column; 2 x 2 places to 4 x 4. New middles lie at -1/4, 1/4, 3/4 and
  // 5/4 of the old; cubic weights with a = -3/4 on the border repeated give these values between 0 and 1.
  auto const table = torch::tensor({9.0, 9.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0}, torch::kFloat64).view({1, 5, 2});
  double const values[] = {-0.10546875, 0.2265625, 0.7734375, 1.10546875};
  auto const resized = resized_positions(table, 4, 4);
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 4; ++column) {
      auto const place = resized[0][1 + 4 * row + column];
      CHECK(std::abs(place[0].item<double>() - values[row]) < 1e-12);
      CHECK(std::abs(place[1].item<double>() - values[column]) < 1e-12);
    }
}

TEST_CASE("a table whose places are no square is refused with its size", "[arch]") {
  CHECK_THROWS_AS(resized_positions(torch::zeros({1, 1 + 6, 5}), 4, 4), SpecError);
}

}  // namespace eexit
