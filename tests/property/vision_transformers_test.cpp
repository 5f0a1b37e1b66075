// Transformers for images in the modes that training asks of them: bf16, forward-mode differentiation, dropout.
#include <ATen/Context.h>
#include <torch/csrc/autograd/forward_grad.h>

#include "core/arch/arch.h"
#include "core/execute/autocast.h"
#include "core/net/layers.h"
#include "tests/contract/readers.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

struct Small {
  std::string name, arch;  // parameters, but for rates of dropout
  ImageShape shape;
};

// Maps of swin_v2: 9 x 7, which is filled up and shifted, then 5 x 4, where one window covers the width.
std::vector<Small> const smalls = {
    {"vit", R"("layers": 2, "width": 12, "heads": 3)", {.channels = 3, .height = 12, .width = 8}},
    {"swin_v2",
     R"("patch": 2, "window": 4, "width": 8, "depths": [2, 2], "heads": [1, 2])",
     {.channels = 3, .height = 18, .width = 14}}};

std::shared_ptr<ExitNet> build(std::string const& name, std::string const& arch, ImageShape const& shape) {
  auto reader = reader_of(arch);
  Builder builder(5);
  return std::make_shared<ExitNet>(find(archs(), "architecture", name, "arch").make(reader)(shape, 4, builder));
}

// With weights of about their trained size: those of a classifier start at zero.
std::shared_ptr<ExitNet> grown(Small const& small, std::string const& rate = "stochastic_depth", double at = 0) {
  auto const zero = rate == "stochastic_depth" ? "" : R"(, "stochastic_depth": 0)";
  auto net =
      build(small.name, "{" + small.arch + zero + ", \"" + rate + "\": " + std::to_string(at) + "}", small.shape);
  torch::NoGradGuard no_grad;
  torch::manual_seed(11);
  for (auto const& value : net->parameters()) Tensor(value).add_(0.1 * torch::randn_like(value));
  return net;
}

Tensor logits_of(ExitNet const& net, Tensor const& x_bchw) {
  return answer_all(net, {.x = x_bchw, .side = {}, .active = {}}).back().logits;
}

Tensor images(Small const& small, int rows) {
  torch::manual_seed(12);
  return torch::randn({rows, small.shape.channels, small.shape.height, small.shape.width})
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

TEST_CASE("transformers for images answer and learn in bf16", "[arch]") {
  for (auto const& small : smalls) {
    INFO(small.name << " " << small.arch);
    auto const net = grown(small);
    auto const x = images(small, 6);
    auto const exact = logits_of(*net, x).detach();
    Tensor rounded;
    {
      Autocast const autocast(true, torch::kCPU);
      rounded = logits_of(*net, x);
    }
    rounded.to(torch::kFloat32).square().sum().backward();
    CHECK((rounded.detach() - exact).abs().max().item<double>() < 0.05 * exact.abs().max().item<double>());
    for (auto const& item : net->named_parameters()) {
      INFO(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("forward-mode derivatives of transformers for images are those of the gradient", "[arch]") {
  // Fused kernels have no forward mode, and l2w switches them off likewise.
  bool const flash = at::globalContext().userEnabledFlashSDP();
  at::globalContext().setSDPUseFlash(false);
  for (auto const& small : smalls) {
    INFO(small.name << " " << small.arch);
    auto const net = grown(small);
    net->to(torch::kFloat64);
    auto const x = images(small, 3).to(torch::kFloat64);
    logits_of(*net, x).square().sum().backward();
    double expected = 0;
    torch::NoGradGuard no_grad;
    auto const level = torch::autograd::ForwardADLevel::get_next_idx();
    for (auto const& value : net->parameters()) {
      auto const direction = torch::randn_like(value);
      expected += (direction * value.grad()).sum().item<double>();
      value._set_fw_grad(direction, level, /*is_inplace_op=*/false);
    }
    auto const tangent = logits_of(*net, x).square().sum()._fw_grad(level);
    REQUIRE(tangent.defined());
    CHECK(tangent.item<double>() == Approx(expected).epsilon(1e-9));
    torch::autograd::ForwardADLevel::release_idx(level);
  }
  at::globalContext().setSDPUseFlash(flash);
}

TEST_CASE("dropout and stochastic depth of transformers act in training alone", "[arch]") {
  for (auto const& small : smalls)
    for (std::string const rate : {"dropout", "attention_dropout", "stochastic_depth"}) {
      INFO(small.name << " " << rate);
      auto const net = grown(small, rate, 0.5), plain = grown(small);
      auto const x = images(small, 8);
      auto const expected = logits_of(*plain, x);
      net->eval();
      CHECK(torch::equal(logits_of(*net, x), expected));
      net->train();
      CHECK_FALSE(torch::allclose(logits_of(*net, x), expected, 1e-3, 1e-3));
    }
}

TEST_CASE("stochastic depth leaves branches out by whole samples and keeps the mean", "[arch]") {
  torch::manual_seed(3);
  auto const branch = torch::rand({4000, 2, 3}) + 1;
  CHECK(drop_branches(branch, 0.25, /*training=*/false).is_same(branch));
  auto const scale = drop_branches(branch, 0.25, /*training=*/true) / branch;
  auto const by_sample = scale.select(1, 0).select(1, 0);
  CHECK(torch::allclose(scale, by_sample.view({-1, 1, 1}).expand_as(scale)));
  CHECK(((by_sample == 0) | ((by_sample - 4.0 / 3).abs() < 1e-6)).all().item<bool>());
  CHECK(std::abs(by_sample.mean().item<double>() - 1) < 0.05);
}

TEST_CASE("vit: equal answers to all before it has learned, and a plain no to images that do not fit", "[arch]") {
  auto const net = build("vit", R"({"layers": 2})", smalls[0].shape);
  CHECK(logits_of(*net, images(smalls[0], 2)).abs().max().item<double>() == 0);
  CHECK(test::message_of<SpecError>([] {
          build("vit", R"({"patch": 5})", {.channels = 1, .height = 28, .width = 20});
        }) == "arch vit: images of 28 x 20 cannot be cut into patches of 5 x 5");
  CHECK(test::message_of<SpecError>([] {
          build("vit", R"({"heads": 5})", {.channels = 1, .height = 28, .width = 28});
        }) == "spec.json /heads: expected a divisor of the width 192, found 5");
}

TEST_CASE("swin_v2: cosines are scaled by 100 at most, and keys have no bias", "[arch]") {
  auto const& small = smalls[1];
  auto const net = grown(small), other = grown(small);
  auto const x = images(small, 4);
  torch::NoGradGuard no_grad;
  auto const set = [](ExitNet const& of, double scale, double bias) {
    for (auto const& item : of.named_parameters()) {
      if (item.key().ends_with("attention.scale")) Tensor(item.value()).fill_(scale);
      if (item.key().ends_with("qkv.bias")) {
        auto const c = item.value().size(0) / 3;
        Tensor(item.value()).narrow(0, c, c).fill_(bias);
      }
    }
  };
  set(*net, std::log(100.0), 0);
  set(*other, 9, 3);
  CHECK(torch::allclose(logits_of(*net, x), logits_of(*other, x), 1e-5, 1e-6));
  set(*other, 4, 0);
  CHECK_FALSE(torch::allclose(logits_of(*net, x), logits_of(*other, x), 1e-3, 1e-4));
}

TEST_CASE("swin_v2: maps stay channels-last, and what does not fit is refused", "[arch]") {
  auto const& small = smalls[1];
  torch::NoGradGuard no_grad;
  walk(grown(small)->stages, {.x = images(small, 2), .side = {}, .active = {}}, [](Stage const& stage, State& state) {
    INFO(stage.name << state.x.sizes());
    CHECK(state.x.is_contiguous(torch::MemoryFormat::ChannelsLast));
    return true;
  });
  auto const refused = [](std::string const& arch) {
    return test::message_of<SpecError>([&] { build("swin_v2", arch, {.channels = 1, .height = 30, .width = 28}); });
  };
  CHECK(refused("{}") == "arch swin_v2: images of 30 x 28 cannot be cut into patches of 4 x 4");
  CHECK(refused(R"({"depths": [1, 1]})") == "spec.json /heads: expected a number for each of the 2 groups, found 4");
  CHECK(refused(R"({"depths": []})") == "spec.json /depths: expected 1 to 8 groups, found 0");
  CHECK(refused(R"({"heads": [3, 6, 7, 24]})") ==
        "spec.json /heads: expected divisors of each group's channels, found 7 for 384");
}

}  // namespace eexit
