// VGG with BatchNorm (Simonyan and Zisserman 2015; facts: architectures 3). The fully connected layers belong to the
// last exit, so that every block has features [C, H, W]. x_bchw: batch, channels, height, width; x_bc: features.
#include "core/arch/arch.h"
#include "core/arch/convnet.h"
#include "core/base/error.h"
#include "core/net/layers.h"

namespace eexit::arch {

namespace {

constexpr int pools = 5;  // one after each group

// Convolutions of each group, by depth, and the groups' channels in widths.
std::map<int, std::vector<int>> const groups_of = {
    {11, {1, 1, 2, 2, 2}}, {13, {2, 2, 2, 2, 2}}, {16, {2, 2, 3, 3, 3}}, {19, {2, 2, 4, 4, 4}}};
constexpr int multiples[pools] = {1, 2, 4, 8, 8};

struct ConvBlock : torch::nn::Module {
  ConvBlock(int in, int out, bool ends_group)
      : conv(register_module("conv", biased_conv(in, out, 3, 1))),
        bn(register_module("bn", torch::nn::BatchNorm2d(out))),
        pool(ends_group) {
    kaiming_normal(*this);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const y_bchw = bn(conv(x_bchw)).relu_();
    return pool ? at::max_pool2d(y_bchw, {2, 2}) : y_bchw;
  }
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
  bool pool;
};

struct FullyConnected : torch::nn::Module {
  FullyConnected(int in, std::vector<int> const& hidden, int classes, double rate) : dropout(rate) {
    for (int const width : hidden) {
      layers.push_back(register_module("hidden" + std::to_string(layers.size()), std::make_shared<Linear>(in, width)));
      in = width;
    }
    layers.push_back(register_module("linear", std::make_shared<Linear>(in, classes)));
    for (auto const& layer : layers) small_normal(*layer);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto x_bc = x_bchw.flatten(1);
    for (std::size_t i = 0; i + 1 < layers.size(); ++i)
      x_bc = at::dropout(layers[i]->forward(x_bc).relu_(), dropout, is_training());
    return layers.back()->forward(x_bc);
  }
  std::vector<std::shared_ptr<Linear>> layers;
  double dropout;
};

// Values that the fully connected layers see of a channel; they take one image size alone.
int places(ImageShape const& shape) {
  int const height = shape.height >> pools, width = shape.width >> pools;
  if (height > 0 && width > 0) return height * width;
  auto const size = [](int high, int wide) { return std::to_string(high) + " x " + std::to_string(wide); };
  throw SpecError("vgg needs images of at least " + size(1 << pools, 1 << pools) + ", which its " +
                  std::to_string(pools) + " poolings halve; found " + size(shape.height, shape.width));
}

std::vector<int> hidden_for(ImageShape const& shape) {
  return shape.height == 32 && shape.width == 32 ? std::vector{512, 512} : std::vector{2048, 1024};
}

}  // namespace

MakeBackbone vgg(JsonReader& reader) {
  int const depth = reader.integer("depth", 16, {11, 19}, "layers: 11, 13, 16 or 19");
  int const width =
      reader.integer("width", 64, {1, 1024}, "channels of the first group; 2, 4, 8 and 8 times in others");
  auto const hidden =
      reader.integers("hidden", {}, {1, 65536},
                      "units of the fully connected layers; []: 512, 512 for images of 32 x 32, else 2048, 1024");
  double const dropout = reader.number("dropout", 0.5, {0, 0.99}, "rate after each fully connected layer but the last");
  auto const groups = groups_of.find(depth);
  if (groups == groups_of.end()) reader.fail("depth", "expected 11, 13, 16 or 19, found " + std::to_string(depth));
  reader.done();
  return [=, counts = groups->second](ImageShape const& shape, int classes, Builder& builder) {
    int const seen = places(shape);
    Backbone net;
    int in = shape.channels, theirs = 0;
    for (std::size_t group = 0; group < counts.size(); ++group) {
      int const out = width * multiples[group];
      for (int at = 1; at <= counts[group]; ++at) {
        bool const ends_group = at == counts[group];
        auto const name = std::to_string(net.stages.size());
        net.stages.push_back(stage(
            name, builder.add("stage." + name, [&] { return std::make_shared<ConvBlock>(in, out, ends_group); })));
        // torchvision counts ReLU and pooling too.
        net.published["features." + std::to_string(theirs) + "."] = "stage." + name + ".conv.";
        net.published["features." + std::to_string(theirs + 1) + "."] = "stage." + name + ".bn.";
        theirs += ends_group ? 4 : 3;
        in = out;
      }
    }
    auto const units = hidden.empty() ? hidden_for(shape) : hidden;
    net.last = classifier(
        builder.add("last", [&] { return std::make_shared<FullyConnected>(in * seen, units, classes, dropout); }));
    for (std::size_t i = 0; i <= units.size(); ++i)
      net.published["classifier." + std::to_string(3 * i) + "."] =
          i < units.size() ? "last.hidden" + std::to_string(i) + "." : "last.linear.";
    return net;
  };
}

}  // namespace eexit::arch
