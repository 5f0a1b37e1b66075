// Counted costs against costs worked out by hand and against published sums.
#include "core/net/cost.h"
#include "core/arch/arch.h"
#include "core/base/error.h"
#include "tests/support/nets/nets.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr std::uint64_t seed = 9;

std::shared_ptr<ExitNet> resnet(int depth) {
  JsonReader reader("{\"depth\": " + std::to_string(depth) + "}", std::make_shared<Source>());
  auto const build = find(archs(), "architecture", "resnet", "test").make(reader);
  Builder builder(seed);
  return std::make_shared<ExitNet>(build({.channels = 3, .height = 32, .width = 32}, 10, builder));
}

double sum_of(NetCost const& costs, Convention convention) {
  double sum = in(convention, costs.last);
  for (auto const& stage : costs.stages) sum += in(convention, stage);
  return sum;
}

}  // namespace

TEST_CASE("a convolutional net costs what one works out by hand", "[cost]") {
  auto const small = small_net("batch_norm_cnn");
  auto const net = make(small, seed);
  auto const costs = count_cost(*net, small.input(1, seed));
  REQUIRE(costs.stages.size() == 4);
  // out * in * 3 * 3 * positions: 8x8 twice, then 4x4 after the stride of 2.
  CHECK(costs.stages[0].mac == 8 * 3 * 9 * 64);
  CHECK(costs.stages[1].mac == 8 * 8 * 9 * 64);
  CHECK(costs.stages[2].mac == 16 * 8 * 9 * 16);
  CHECK(costs.stages[3].mac == 16 * 16 * 9 * 16);
  CHECK(costs.heads.at("0").mac == 8 * 5);
  CHECK(costs.heads.at("1").mac == 16 * 5);
  CHECK(costs.last.mac == 16 * 5);
  // The reference also charges BatchNorm (2 a value) and pooling (1 a value), not ReLU.
  CHECK(costs.stages[0].fv == 8 * 3 * 9 * 64 + 2 * 8 * 64);
  CHECK(costs.stages[3].fv == 16 * 16 * 9 * 16 + 2 * 16 * 16);
  CHECK(costs.heads.at("0").fv == 8 * 64 + 2 * 8 + 8 * 5);
}

TEST_CASE("a transformer costs what one works out by hand", "[cost]") {
  auto const small = small_net("class_token");
  auto const costs = count_cost(*make(small, seed), small.input(1, seed));
  int const tokens = 5, width = 16, hidden = 32;
  CHECK(costs.stages[0].mac == width * 3 * 16 * 4);
  double const linear = tokens * width * (3 * width + width + 2 * hidden), products = 2 * tokens * tokens * width;
  CHECK(costs.stages[1].mac == linear + products);
  CHECK(costs.last.mac == width * 6);
  // Scores of 2 attention heads are scaled (1) and go through softmax (2); two norms (5 a value), two sums, a GELU.
  double const pairs = 2 * tokens * tokens, values = tokens * width;
  CHECK(costs.stages[1].fv == linear + products + 3 * pairs + 2 * 5 * values + 2 * values + tokens * hidden);
}

TEST_CASE("costs rise strictly from exit to exit", "[cost]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    auto const costs = count_cost(*net, small.input(1, seed));
    REQUIRE(costs.stages.size() == net->stages.size());
    for (auto const convention : {Convention::mac, Convention::fv}) {
      double so_far = 0, before = 0;
      for (std::size_t i = 0; i < net->stages.size(); ++i) {
        so_far += in(convention, costs.stages[i]);
        auto const head = costs.heads.find(net->stages[i].name);
        if (head == costs.heads.end()) continue;
        so_far += in(convention, head->second);
        CHECK(so_far > before);
        before = so_far;
      }
      CHECK(so_far + in(convention, costs.last) > before);
    }
    CHECK(table_of(small, *net, small.input(2, seed), small.target(2, seed)).cost.size() == net->exit_names().size());
  }
}

TEST_CASE("costs depend on neither layout nor mode nor gradients, and modes are put back", "[cost]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    auto const before = count_cost(*net, small.input(1, seed));
    place(*net, torch::kCPU);
    set_learning(*net, {"head.", "extra."});
    auto const after = count_cost(*net, small.input(1, seed));
    for (auto const convention : {Convention::mac, Convention::fv})
      CHECK(sum_of(after, convention) == sum_of(before, convention));
    for (auto const& item : net->named_modules()) {
      INFO(item.key());
      auto const name = item.key() + ".";
      CHECK(item.value()->is_training() == (name.starts_with("head.") || name.starts_with("extra.")));
    }
  }
}

TEST_CASE("an operator without a rule is an error that names it", "[cost]") {
  auto const x = torch::rand({3});
  auto const message = test::message_of<RunError>([&] { count_cost([&] { x.erfinv(); }); });
  INFO(message);
  CHECK(message.find("aten::erfinv") != std::string::npos);
  // The counter is gone again.
  CHECK(count_cost([&] { x.add(1); }).fv == 3);
}

TEST_CASE("nested operators are counted once", "[cost]") {
  auto const x = torch::rand({1, 2, 5, 5}), weight = torch::rand({3, 2, 3, 3});
  auto const cost = count_cost([&] { torch::conv2d(x, weight); });
  CHECK(cost.mac == 3 * 2 * 9 * 9);
  CHECK(cost.fv == cost.mac);
}

TEST_CASE("residual networks have the published sizes", "[cost]") {
  struct Published {
    int depth;
    std::int64_t parameters;
    double mac;
  };
  for (auto const& published : {Published{8, 78042, 12501632}, Published{14, 175258, 26657408},
                                Published{20, 272474, 40813184}, Published{56, 855770, 125747840}}) {
    INFO("depth " << published.depth);
    auto const net = resnet(published.depth);
    std::int64_t parameters = 0;
    for (auto const& parameter : net->parameters()) parameters += parameter.numel();
    CHECK(parameters == published.parameters);
    CHECK(sum_of(count_cost(*net, blank_images({.channels = 3, .height = 32, .width = 32})), Convention::mac) ==
          published.mac);
  }
}

TEST_CASE("the pooled head has the reference's size and cost", "[cost]") {
  auto reader = empty_reader();
  auto const method = find(methods(), "method", "sdn", "test").make(reader);
  for (std::int64_t const channels : {16, 128}) {
    for (int const classes : {10, 100}) {
      INFO(channels << " channels, " << classes << " classes");
      Builder builder(seed);
      auto const head = method.make_heads({{"0", {channels, 16, 16}}}, classes, builder).heads.at("0");
      std::int64_t parameters = 0;
      for (auto const& parameter : head.module->parameters()) parameters += parameter.numel();
      CHECK(parameters == 16 * channels * classes + classes + 1);
      State const state{.x = torch::rand({1, channels, 16, 16}), .side = {}, .active = {}};
      auto const cost = count_cost([&] { head.run(state, {}); });
      CHECK(cost.mac == 16 * channels * classes);
      CHECK(cost.fv == 2 * channels * 256 + 48 * channels + 1 + 16 * channels * classes);
      if (channels == 128 && classes == 100) CHECK(cost.fv == 276481);
    }
  }
}

}  // namespace eexit
