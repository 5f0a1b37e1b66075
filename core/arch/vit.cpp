// Vision transformers (Dosovitskiy et al. 2021; facts: architectures 6): layer norms before attention and MLP, learned
// positions, and a class token, which heads read. x_bchw: batch, channels, height, width; x_bnd: batch, tokens (the
// class token is number 0), width.
#include <algorithm>
#include <cmath>

#include "core/arch/arch.h"
#include "core/arch/transformer.h"

namespace eexit::arch {

namespace {

struct Size {
  std::string_view name;
  int width, heads, layers;
};
constexpr Size sizes[] = {{"tiny", 192, 3, 12}, {"small", 384, 6, 12}, {"base", 768, 12, 12}, {"large", 1024, 16, 24}};

struct Rule {
  Size size;
  int patch;
  double dropout, attention_dropout, stochastic_depth;
};

torch::nn::LayerNorm layer_norm(int width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-6));
}

struct Stem : torch::nn::Module {
  Stem(ImageShape const& shape, Rule const& rule)
      : patches(register_module(
            "patches", torch::nn::Conv2d(
                           torch::nn::Conv2dOptions(shape.channels, rule.size.width, rule.patch).stride(rule.patch)))),
        dropout(rule.dropout) {
    auto const places = static_cast<std::int64_t>(shape.height / rule.patch) * (shape.width / rule.patch);
    class_token = register_parameter("class_token", torch::zeros({1, 1, rule.size.width}));
    positions = register_parameter("positions", 0.02 * torch::randn({1, places + 1, rule.size.width}));
    truncated_normal(patches->weight, 1 / std::sqrt(static_cast<double>(shape.channels) * rule.patch * rule.patch));
    torch::nn::init::zeros_(patches->bias);
  }
  Tensor forward(Tensor const& x_bchw) {
    auto const x_bnd = patches(x_bchw).flatten(2).transpose(1, 2);
    auto const all_bnd = torch::cat({class_token.expand({x_bnd.size(0), -1, -1}), x_bnd}, 1) + positions;
    return torch::dropout(all_bnd, dropout, is_training());
  }
  torch::nn::Conv2d patches;
  Tensor class_token, positions;
  double dropout;
};

struct Block : torch::nn::Module {
  // `drop`: the share of samples that a branch leaves out.
  Block(Rule const& rule, double drop)
      : norm1(register_module("norm1", layer_norm(rule.size.width))),
        qkv(register_module("qkv", std::make_shared<Linear>(rule.size.width, 3 * rule.size.width))),
        out(register_module("out", std::make_shared<Linear>(rule.size.width, rule.size.width))),
        norm2(register_module("norm2", layer_norm(rule.size.width))),
        mlp(register_module("mlp", std::make_shared<FeedForward>(rule.size.width, 4 * rule.size.width, rule.dropout))),
        heads(rule.size.heads),
        dropout(rule.dropout),
        attention_dropout(rule.attention_dropout),
        drop_rate(drop) {
    // Queries, keys and values as one matrix, whose fan-out is that of all three.
    torch::nn::init::xavier_uniform_(qkv->weight);
    torch::nn::init::zeros_(qkv->bias);
    torch::nn::init::zeros_(out->bias);
    for (auto const& linear : {mlp->up, mlp->down}) {
      torch::nn::init::xavier_uniform_(linear->weight);
      torch::nn::init::normal_(linear->bias, 0, 1e-6);
    }
  }
  Tensor forward(Tensor const& x_bnd) {
    auto const y_bnd = x_bnd + drop_branches(attend(norm1(x_bnd)), drop_rate, is_training());
    return y_bnd + drop_branches(mlp->forward(norm2(y_bnd)), drop_rate, is_training());
  }
  Tensor attend(Tensor const& x_bnd) const {
    auto const b = x_bnd.size(0), n = x_bnd.size(1), d = x_bnd.size(2);
    auto const parts = qkv->forward(x_bnd).reshape({b, n, 3, heads, d / heads}).permute({2, 0, 3, 1, 4});
    auto const mixed = at::scaled_dot_product_attention(parts.select(0, 0), parts.select(0, 1), parts.select(0, 2), {},
                                                        is_training() ? attention_dropout : 0);
    return torch::dropout(out->forward(mixed.transpose(1, 2).reshape({b, n, d})), dropout, is_training());
  }
  torch::nn::LayerNorm norm1;
  std::shared_ptr<Linear> qkv, out;
  torch::nn::LayerNorm norm2;
  std::shared_ptr<FeedForward> mlp;
  int heads;
  double dropout, attention_dropout, drop_rate;
};

struct Classifier : torch::nn::Module {
  Classifier(int width, int classes)
      : norm(register_module("norm", layer_norm(width))),
        linear(register_module("linear", std::make_shared<Linear>(width, classes))) {
    torch::nn::init::zeros_(linear->weight);
    torch::nn::init::zeros_(linear->bias);
  }
  Tensor forward(Tensor const& x_bnd) { return linear->forward(norm(x_bnd.select(1, 0))); }
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> linear;
};

Rule read(JsonReader& reader) {
  std::vector<std::string> names;
  for (auto const& size : sizes) names.emplace_back(size.name);
  auto const name = reader.one_of("size", "tiny", names,
                                  "width, heads and layers: 192, 3, 12; 384, 6, 12; 768, 12, 12; 1024, 16, 24");
  auto size = *std::find_if(std::begin(sizes), std::end(sizes), [&](auto const& each) { return each.name == name; });
  auto const patch = reader.integer("patch", 4, {1, 256}, "side of the patches that images are cut into");
  size.layers = reader.maybe_integer("layers", {1, 1000}, "null: of the size").value_or(size.layers);
  size.width = reader.maybe_integer("width", {1, 65536}, "of a token; null: of the size").value_or(size.width);
  size.heads = reader.maybe_integer("heads", {1, 65536}, "attention heads; null: of the size").value_or(size.heads);
  if (size.width % size.heads != 0)
    reader.fail("heads", "expected a divisor of the width " + std::to_string(size.width) + ", found " +
                             std::to_string(size.heads));
  Rule const rule{.size = size,
                  .patch = patch,
                  .dropout = reader.number("dropout", 0, {0, 0.99}, "of tokens, attention's answers and in the MLP"),
                  .attention_dropout = reader.number("attention_dropout", 0, {0, 0.99}, "of attention's weights"),
                  .stochastic_depth = reader.number("stochastic_depth", 0, {0, 0.99},
                                                    "rate at the last block; grows evenly from 0 at the first")};
  reader.done();
  return rule;
}

// Names of torchvision (of before and after its MLP was renamed) and of timm.
void name_block(std::map<std::string, std::string>& published, std::string const& name) {
  auto const here = "stage." + name + ".", vision = "encoder.layers.encoder_layer_" + name + ".",
             timm = "blocks." + name + ".";
  published[vision + "ln_1."] = published[timm + "norm1."] = here + "norm1.";
  published[vision + "self_attention.in_proj_"] = published[timm + "attn.qkv."] = here + "qkv.";
  published[vision + "self_attention.out_proj."] = published[timm + "attn.proj."] = here + "out.";
  published[vision + "ln_2."] = published[timm + "norm2."] = here + "norm2.";
  published[vision + "mlp.linear_1."] = published[vision + "mlp.0."] = published[timm + "mlp.fc1."] = here + "mlp.up.";
  published[vision + "mlp.linear_2."] = published[vision + "mlp.3."] = published[timm + "mlp.fc2."] =
      here + "mlp.down.";
}

}  // namespace

MakeBackbone vit(JsonReader& reader) {
  auto const rule = read(reader);
  return [rule](ImageShape const& shape, int classes, Builder& builder) {
    require_whole_patches("vit", shape.height, shape.width, rule.patch);
    Backbone net;
    auto const add = [&](std::string const& name, auto const& make) {
      net.stages.push_back(stage(name, builder.add("stage." + name, make)));
    };
    add("stem", [&] { return std::make_shared<Stem>(shape, rule); });
    net.published = {{"class_token", "stage.stem.class_token"},
                     {"cls_token", "stage.stem.class_token"},
                     {"encoder.pos_embedding", "stage.stem.positions"},
                     {"pos_embed", "stage.stem.positions"},
                     {"conv_proj.", "stage.stem.patches."},
                     {"patch_embed.proj.", "stage.stem.patches."},
                     {"encoder.ln.", "last.norm."},
                     {"norm.", "last.norm."},
                     {"heads.head.", "last.linear."},
                     {"head.", "last.linear."}};
    net.positions = {"stage.stem.positions", shape.height / rule.patch, shape.width / rule.patch};
    int const layers = rule.size.layers;
    for (int i = 0; i < layers; ++i) {
      auto const name = std::to_string(i);
      add(name, [&] { return std::make_shared<Block>(rule, rule.stochastic_depth * i / std::max(layers - 1, 1)); });
      name_block(net.published, name);
    }
    net.last = classifier(builder.add("last", [&] { return std::make_shared<Classifier>(rule.size.width, classes); }));
    if (layers == 12) net.presets["default"] = {"1", "3", "5", "7", "9"};
    if (layers == 12 && rule.size.name == "base") net.presets["reference"] = {"3", "5", "7", "9"};
    return net;
  };
}

}  // namespace eexit::arch
