// MobileNetV3 (Howard et al. 2019; facts: architectures 5): inverted residual blocks with depthwise convolutions, some
// with squeeze-and-excitation. x_bchw: batch, channels, height, width.
#include "core/arch/arch.h"
#include "core/arch/convnet.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

enum class Activation { relu, hard_swish };

Tensor activated(Tensor const& x, Activation kind) {
  // Not in place for hard-swish: its derivative needs what went in.
  return kind == Activation::relu ? at::relu(x) : at::hardswish(x);
}

struct Row {
  int kernel, expanded, out;
  bool squeeze;
  Activation activation;
  int stride;
};

constexpr auto RE = Activation::relu, HS = Activation::hard_swish;

std::vector<Row> const large_rows = {
    {3, 16, 16, false, RE, 1},  {3, 64, 24, false, RE, 2},  {3, 72, 24, false, RE, 1},  {5, 72, 40, true, RE, 2},
    {5, 120, 40, true, RE, 1},  {5, 120, 40, true, RE, 1},  {3, 240, 80, false, HS, 2}, {3, 200, 80, false, HS, 1},
    {3, 184, 80, false, HS, 1}, {3, 184, 80, false, HS, 1}, {3, 480, 112, true, HS, 1}, {3, 672, 112, true, HS, 1},
    {5, 672, 160, true, HS, 2}, {5, 960, 160, true, HS, 1}, {5, 960, 160, true, HS, 1}};
std::vector<Row> const small_rows = {{3, 16, 16, true, RE, 2},  {3, 72, 24, false, RE, 2}, {3, 88, 24, false, RE, 1},
                                     {5, 96, 40, true, HS, 2},  {5, 240, 40, true, HS, 1}, {5, 240, 40, true, HS, 1},
                                     {5, 120, 48, true, HS, 1}, {5, 144, 48, true, HS, 1}, {5, 288, 96, true, HS, 2},
                                     {5, 576, 96, true, HS, 1}, {5, 576, 96, true, HS, 1}};

// Momentum is set when the network stands.
torch::nn::BatchNorm2d norm(int channels) {
  return torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(1e-3));
}

// Convolution and BatchNorm, then the activation where there is one.
struct ConvNorm : torch::nn::Module {
  struct Size {
    int in, out, kernel = 1, stride = 1, groups = 1;
  };
  explicit ConvNorm(Size const& size, std::optional<Activation> then = {})
      : conv(register_module("conv", arch::conv(size.in, size.out, size.kernel, size.stride, size.groups))),
        bn(register_module("bn", norm(size.out))),
        activation(then) {
    kaiming_normal(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const y_bchw = bn(conv(x_bchw));
    return activation ? activated(y_bchw, *activation) : y_bchw;
  }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
  std::optional<Activation> activation;
};

struct SqueezeExcite : torch::nn::Module {
  SqueezeExcite(int channels, int squeezed) {
    fc1 = register_module("fc1", biased_conv(channels, squeezed, 1, 1));
    fc2 = register_module("fc2", biased_conv(squeezed, channels, 1, 1));
    kaiming_normal(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    return x_bchw * at::hardsigmoid(fc2(at::relu(fc1(at::adaptive_avg_pool2d(x_bchw, {1, 1})))));
  }
  torch::nn::Conv2d fc1{nullptr}, fc2{nullptr};
};

struct InvertedResidual : torch::nn::Module {
  InvertedResidual(int in, Row const& row) : residual(row.stride == 1 && in == row.out) {
    auto const own = [this](std::string const& name, ConvNorm::Size const& size, std::optional<Activation> then) {
      return register_module(name, std::make_shared<ConvNorm>(size, then));
    };
    if (row.expanded != in) expand = own("expand", {.in = in, .out = row.expanded}, row.activation);
    depthwise = own(
        "depthwise",
        {.in = row.expanded, .out = row.expanded, .kernel = row.kernel, .stride = row.stride, .groups = row.expanded},
        row.activation);
    int const quarter = row.expanded / 4;  // a whole number before it is rounded
    if (row.squeeze) se = register_module("se", std::make_shared<SqueezeExcite>(row.expanded, in_eights(quarter)));
    project = own("project", {.in = row.expanded, .out = row.out}, {});
  }
  Tensor forward(Tensor const& x_bchw) {
    auto y_bchw = depthwise->forward(expand ? expand->forward(x_bchw) : x_bchw);
    if (se) y_bchw = se->forward(y_bchw);
    y_bchw = project->forward(y_bchw);
    return residual ? y_bchw.add_(x_bchw) : y_bchw;
  }
  bool residual;
  std::shared_ptr<ConvNorm> expand, depthwise, project;
  std::shared_ptr<SqueezeExcite> se;
};

struct Tail : torch::nn::Module {
  Tail(int in, int width, int classes, double rate)
      : conv(register_module("conv", std::make_shared<ConvNorm>(ConvNorm::Size{.in = in, .out = 6 * in}, HS))),
        hidden(register_module("hidden", std::make_shared<Linear>(6 * in, width))),
        linear(register_module("linear", std::make_shared<Linear>(width, classes))),
        dropout(rate) {
    small_normal(*hidden);
    small_normal(*linear);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const pooled_bc = at::adaptive_avg_pool2d(conv->forward(x_bchw), {1, 1}).flatten(1);
    return linear->forward(at::dropout(at::hardswish(hidden->forward(pooled_bc)), dropout, is_training()));
  }
  std::shared_ptr<ConvNorm> conv;
  std::shared_ptr<Linear> hidden, linear;
  double dropout;
};

// torchvision counts the parts of a block that are there.
void publish(Backbone& net, std::string const& theirs, std::string const& ours) {
  net.published[theirs + ".0."] = ours + ".conv.";
  net.published[theirs + ".1."] = ours + ".bn.";
}

void publish_block(Backbone& net, int block, InvertedResidual const& module) {
  auto const theirs = "features." + std::to_string(block + 1) + ".block.", ours = "stage." + std::to_string(block);
  int part = 0;
  if (module.expand) publish(net, theirs + std::to_string(part++), ours + ".expand");
  publish(net, theirs + std::to_string(part++), ours + ".depthwise");
  if (module.se) net.published[theirs + std::to_string(part++) + "."] = ours + ".se.";
  publish(net, theirs + std::to_string(part), ours + ".project");
}

}  // namespace

MakeBackbone mobilenet_v3(JsonReader& reader) {
  bool const large =
      reader.one_of("size", "large", {"small", "large"}, "the paper's small or large network") == "large";
  int const stem_stride = reader.integer("stem_stride", 2, {1, 2}, "of the first convolution; 1 suits images of 32 px");
  double const width = reader.number("width", 1, {0.01, 16}, "factor of all channels, rounded to multiples of 8");
  double const dropout = reader.number("dropout", 0.2, {0, 0.99}, "rate before the last layer");
  double const momentum = reader.number("norm_momentum", 0.01, {1e-6, 1}, norm_momentum_help);
  auto rows = large ? large_rows : small_rows;
  auto const all = static_cast<int>(rows.size());
  auto const blocks = reader.maybe_integer("blocks", {1, 15}, "only the first so many blocks; null: all 11 or 15");
  if (blocks && *blocks > all) reader.fail("blocks", "expected at most " + std::to_string(all));
  reader.done();
  rows.resize(static_cast<std::size_t>(blocks.value_or(all)));
  int const first = in_eights(16 * width), hidden = in_eights((large ? 1280 : 1024) * width);
  for (auto& row : rows) {
    row.expanded = in_eights(row.expanded * width);
    row.out = in_eights(row.out * width);
  }
  return [=](ImageShape const& shape, int classes, Builder& builder) {
    Backbone net;
    ConvNorm::Size const size{.in = shape.channels, .out = first, .kernel = 3, .stride = stem_stride};
    net.stages.push_back(
        stage("stem", builder.add("stage.stem", [&] { return std::make_shared<ConvNorm>(size, HS); })));
    publish(net, "features.0", "stage.stem");
    int in = first;
    for (int block = 0; auto const& row : rows) {
      auto const name = std::to_string(block);
      auto module = builder.add("stage." + name, [&] { return std::make_shared<InvertedResidual>(in, row); });
      net.stages.push_back(stage(name, module));
      publish_block(net, block++, *module);
      in = row.out;
    }
    net.last = classifier(builder.add("last", [&] { return std::make_shared<Tail>(in, hidden, classes, dropout); }));
    publish(net, "features." + std::to_string(all + 1), "last.conv");
    net.published["classifier.0."] = "last.hidden.";
    net.published["classifier.3."] = "last.linear.";
    for (auto const& each : net.stages) set_norm_momentum(*each.module, momentum);
    set_norm_momentum(*net.last.module, momentum);
    return net;
  };
}

}  // namespace eexit::arch
