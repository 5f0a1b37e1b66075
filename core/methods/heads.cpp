// x_bchw: batch, channels, height, width; x_bnd: batch, tokens, width of a token.
#include "core/methods/heads.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/net/shrink.h"

namespace eexit {

namespace {

using eexit::text_of;  // of shapes

std::string text_of(HeadShape const& head) {
  return "head " + head.kind + (head.layers > 1 ? " with " + std::to_string(head.layers) + " layers" : "");
}

// A convolution by the divisor of C that its output channels are, and its stride.
struct Convolution {
  std::int64_t divisor;
  int stride;
};

// By number of layers, as the regimes benchmark has them.
std::vector<Convolution> convolutions(int layers) {
  switch (layers) {
    case 1:
      return {{2, 2}};
    case 2:
      return {{1, 2}, {2, 1}};
    case 3:
      return {{1, 2}, {1, 1}, {2, 1}};
    case 4:
      return {{2, 1}, {2, 1}, {2, 2}, {4, 1}};
    default:
      return {{2, 1}, {2, 1}, {2, 1}, {2, 1}, {2, 1}};
  }
}

// One of the kinds that are modules.
HeadShape settled(HeadShape head, Shape const& shape) {
  if (head.kind == "auto") head.kind = shape.size() == 2 ? "token" : "pooled";
  return head;
}

void require_fit(std::string const& exit, Shape const& shape, HeadShape const& head) {
  bool const token = head.kind == "token", conv = head.kind == "conv" || head.kind == "msdnet";
  bool const fits = token ? shape.size() == 2 : shape.size() == 3 || (shape.size() == 1 && !conv);
  if (fits) return;
  throw SpecError(
      "exit after stage " + exit + ": " + text_of(head) + " needs features " +
      (token  ? "[tokens, width]"
       : conv ? "[C, H, W]"
              : "[C] or [C, H, W]") +
      ", found " + text_of(shape) +
      (!token && shape.size() == 2 ? "; a transformer's tokens need {\"head\": \"token\"} or \"auto\"" : ""));
}

}  // namespace

HeadShape read_head(JsonReader& reader, std::string const& fallback) {
  HeadShape head;
  head.kind = reader.one_of(
      "head", fallback, {"pooled", "average", "conv", "token", "msdnet", "auto"},
      "pooled: learned mix of max and average pooling; average: global average pooling; conv: convolutions before the "
      "pooled head; token: linear maps on the first token; msdnet: two convolutions of stride 2 with norms, then "
      "global average pooling; auto: token after a transformer's stages, else pooled");
  bool const conv = head.kind == "conv", token = head.kind == "token", msdnet = head.kind == "msdnet";
  bool const pooled = head.kind == "pooled" || head.kind == "auto";
  head.pool = reader.integer_where(conv || pooled, "pool", 4, {1, 64}, "pooled, conv, auto: side pooled to");
  head.layers = reader.integer_where(conv || token, "layers", 1, {1, 5}, "conv: convolutions; token: linear maps");
  head.width = reader.integer_where(msdnet || (token && head.layers > 1), "width", msdnet ? 128 : 1024, {0, 65536},
                                    "token with more than one layer: width of the hidden ones; msdnet: channels of the "
                                    "convolutions, 0 for as many as the features have");
  if (token && head.width == 0) reader.fail("width", "expected at least 1, found 0");
  return head;
}

ExitHead::ExitHead(std::string const& exit, Shape const& shape, HeadShape const& asked, std::int64_t outputs,
                   std::int64_t more)
    : head_(settled(asked, shape)) {
  auto const& head = head_;
  require_fit(exit, shape, head);
  std::int64_t features = shape.back();
  if (head.kind == "token") {
    for (int i = 1; i < head.layers; ++i) {
      hidden_.push_back(register_module("hidden" + std::to_string(i), std::make_shared<Linear>(features, head.width)));
      features = head.width;
    }
  } else if (head.kind == "msdnet") {
    features = head.width > 0 ? head.width : shape[0];
    features_ = register_module("features", std::make_shared<ConvPool>(shape[0], features));
  } else {
    features = head.kind == "conv" ? add_convolutions(exit, shape, head.layers) : shape[0];
    if (shape.size() == 3 && head.kind != "average") {
      features *= static_cast<std::int64_t>(head.pool) * head.pool;
      pool_ = register_module("pool", std::make_shared<MixedPool>(head.pool));
    }
  }
  linear_ = register_module("linear", std::make_shared<Linear>(features + more, outputs));
  if (!features_) return;
  torch::NoGradGuard no_grad;
  torch::nn::init::zeros_(linear_->bias);
}

// Returns the channels that come out.
std::int64_t ExitHead::add_convolutions(std::string const& exit, Shape const& shape, int layers) {
  auto in = shape[0], height = shape[1], width = shape[2];
  for (auto const& [divisor, stride] : convolutions(layers)) {
    if (std::min(height, width) < 3)
      throw SpecError("exit after stage " + exit + ": " + text_of(head_) + " does not fit features " + text_of(shape) +
                      ": convolution " + std::to_string(convolutions_.size() + 1) + " of 3 x 3 would see " +
                      std::to_string(height) + " x " + std::to_string(width));
    auto const out = shape[0] / divisor;
    if (out < 1)
      throw SpecError("exit after stage " + exit + ": " + text_of(head_) + " needs at least " +
                      std::to_string(divisor) + " channels, found features " + text_of(shape));
    convolutions_.push_back(register_module("conv" + std::to_string(convolutions_.size() + 1),
                                            torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(stride))));
    height = (height - 3) / stride + 1;
    width = (width - 3) / stride + 1;
    in = out;
  }
  return in;
}

Tensor ExitHead::forward(Tensor const& x, Tensor const& more_bm) {
  auto features = x;
  if (head_.kind == "token") {
    features = x.select(1, 0);
    for (auto& layer : hidden_) features = torch::gelu(layer->forward(features));
  } else if (features_) {
    features = features_->forward(x);
  } else if (x.dim() == 4) {
    for (auto& convolution : convolutions_) features = convolution(torch::relu(features));
    features = pool_ ? pool_->forward(features) : at::adaptive_avg_pool2d(features, {1, 1});
    features = features.flatten(1);
  }
  return linear_->forward(more_bm.defined() ? torch::cat({features, more_bm}, 1) : features);
}

void ExitHead::narrow(Tensor const& kept, std::int64_t count) {
  require(head_.kind != "token", "tokens have no channels to remove");
  if (features_) return narrow_inputs(features_->conv1->conv->weight, kept, count);
  if (!convolutions_.empty()) return narrow_inputs(convolutions_.front()->weight, kept, count);
  narrow_inputs(linear_->weight, kept, count, pool_ ? std::int64_t{head_.pool} * head_.pool : 1);
}

Heads plain_heads(Sites const& sites, HeadShape const& head, int classes, Builder& builder) {
  Heads made;
  for (auto const& [name, shape] : sites) {
    auto module = builder.add("head." + name, [&, &name = name, &shape = shape] {
      return std::make_shared<ExitHead>(name, shape, head, classes);
    });
    made.heads[name] = {module,
                        [module](State const& state, Earlier const&) {
                          return Answer{module->forward(state.x), {}};
                        },
                        [module](Tensor const& kept, std::int64_t count) { module->narrow(kept, count); }};
  }
  return made;
}

}  // namespace eexit
