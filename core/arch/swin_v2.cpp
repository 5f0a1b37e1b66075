// Swin transformers V2 (Liu et al. 2022): attention by cosines inside windows, which every other block shifts;
// positions by a small network of log-spaced distances; layer norms at the end of a branch. Between blocks maps are
// x_bchw (channels-last, so that turning them costs nothing), inside x_bhwc. w: windows of a map, n: places of a
// window, d: width of an attention head, a: attention heads.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/arch/arch.h"
#include "core/arch/transformer.h"

namespace eexit::arch {

namespace {

constexpr int position_units = 512;    // of the hidden layer of the network of positions
constexpr double largest_scale = 100;  // of cosines
constexpr double other_region = -100;  // added where two places are no neighbours on the map

struct Rule {
  int patch, window, width;
  std::vector<int> depths, heads;  // by group
  double dropout, attention_dropout, stochastic_depth;
};

struct Extent {
  int height, width;
};

// What a block is built for.
struct Place {
  Extent map;  // that it sees, after merging
  int channels, heads;
  bool merges, shifts;
  double drop_rate;
};

torch::nn::LayerNorm layer_norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-5));
}

std::shared_ptr<Linear> linear(std::int64_t in, std::int64_t out, bool biased = true) {
  auto made = std::make_shared<Linear>(in, out, biased);
  truncated_normal(made->weight, 0.02);
  if (biased) torch::nn::init::zeros_(made->bias);
  return made;
}

int up_to_multiple(int size, int of) { return (size + of - 1) / of * of; }

Tensor padded(Tensor const& x_bhwc, std::int64_t height, std::int64_t width) {
  if (x_bhwc.size(1) == height && x_bhwc.size(2) == width) return x_bhwc;
  return torch::constant_pad_nd(x_bhwc, {0, 0, 0, width - x_bhwc.size(2), 0, height - x_bhwc.size(1)});
}

// [B, H, W, C] -> [B * windows, places, C]; H and W are multiples of `side`.
Tensor cut(Tensor const& x_bhwc, std::int64_t side) {
  auto const b = x_bhwc.size(0), h = x_bhwc.size(1), w = x_bhwc.size(2), c = x_bhwc.size(3);
  return x_bhwc.view({b, h / side, side, w / side, side, c}).permute({0, 1, 3, 2, 4, 5}).reshape({-1, side * side, c});
}

// Four neighbours' channels as one place's, at half the side (an odd side grows by zeros), then a linear map and a
// norm.
struct Merge : torch::nn::Module {
  explicit Merge(int in)
      : reduction(register_module("reduction", linear(4 * in, 2 * in, /*biased=*/false))),
        norm(register_module("norm", layer_norm(2 * in))) {}
  Tensor forward(Tensor const& x_bhwc) {
    auto const b = x_bhwc.size(0), h = (x_bhwc.size(1) + 1) / 2, w = (x_bhwc.size(2) + 1) / 2, c = x_bhwc.size(3);
    auto const four = padded(x_bhwc, 2 * h, 2 * w).reshape({b, h, 2, w, 2, c}).permute({0, 1, 3, 4, 2, 5});
    return norm(reduction->forward(four.reshape({b, h, w, 4 * c})));
  }
  std::shared_ptr<Linear> reduction;
  torch::nn::LayerNorm norm;
};

// [(2 side - 1)^2, 2]: distances of two places in a window, down and right, on a log scale.
Tensor distances(int side) {
  auto const apart = torch::arange(1 - side, side, torch::kFloat64) * (8.0 / std::max(side - 1, 1));
  auto const scaled = apart.sign() * (apart.abs() + 1).log2() / 3;
  return torch::stack(torch::meshgrid({scaled, scaled}, "ij"), 2).flatten(0, 1);
}

// [n * n]: the row of `distances` that holds each pair of places.
Tensor distance_of_pairs(int side) {
  auto const places = torch::arange(static_cast<std::int64_t>(side) * side);
  auto const row = places.div(side, "floor"), column = places.remainder(side);
  auto const down = row.unsqueeze(1) - row.unsqueeze(0), right = column.unsqueeze(1) - column.unsqueeze(0);
  return ((down + side - 1) * (2 * side - 1) + right + side - 1).flatten();
}

// Region of each row (or column) of a map that was rolled: what came round the edge is no neighbour of the rest.
Tensor regions(int size, int shift) {
  auto made = torch::zeros({size});
  if (shift > 0) made.slice(0, size - shift).fill_(1);
  return made;
}

// [w, 1, n, n] to be added to attention.
Tensor region_mask(Extent const& map, int side, int shift_down, int shift_right) {
  auto const region_hw =
      2 * regions(map.height, shift_down).unsqueeze(1) + regions(map.width, shift_right).unsqueeze(0);
  auto const region_wn = cut(region_hw.unsqueeze(0).unsqueeze(3), side).squeeze(2);
  return (region_wn.unsqueeze(1) != region_wn.unsqueeze(2)).to(torch::kFloat32).mul_(other_region).unsqueeze(1);
}

// A tensor that neither learns nor is stored, where and as wide as the numbers it is used with.
struct Constant {
  Tensor value;
  Tensor used = {};
  Tensor const& like(Tensor const& other) {
    auto const type = value.is_floating_point() ? other.scalar_type() : value.scalar_type();
    if (!used.defined() || used.device() != other.device() || used.scalar_type() != type)
      used = value.to(other.device(), type);
    return used;
  }
};

struct Attention : torch::nn::Module {
  Attention(Rule const& rule, Place const& place)
      : qkv(register_module("qkv", linear(place.channels, 3 * place.channels))),
        out(register_module("out", linear(place.channels, place.channels))),
        position1(register_module("position1", linear(2, position_units))),
        position2(register_module("position2", linear(position_units, place.heads, /*biased=*/false))),
        heads(place.heads),
        side(rule.window),
        whole{up_to_multiple(place.map.height, side), up_to_multiple(place.map.width, side)},
        shift_down(place.shifts && whole.height > side ? side / 2 : 0),
        shift_right(place.shifts && whole.width > side ? side / 2 : 0),
        dropout(rule.dropout),
        attention_dropout(rule.attention_dropout),
        table{distances(side)},
        pairs{distance_of_pairs(side)} {
    scale = register_parameter("scale", torch::full({heads, 1, 1}, std::log(10.0)));
    if (shift_down + shift_right > 0) mask.value = region_mask(whole, side, shift_down, shift_right);
  }

  Tensor forward(Tensor const& x_bhwc) {
    auto const b = x_bhwc.size(0), h = x_bhwc.size(1), w = x_bhwc.size(2), c = x_bhwc.size(3);
    bool const shifts = mask.value.defined();
    auto x = padded(x_bhwc, whole.height, whole.width);
    if (shifts) x = torch::roll(x, {-shift_down, -shift_right}, {1, 2});
    auto const mixed = attend(cut(x.contiguous(), side), b);
    x = mixed.reshape({b, whole.height / side, whole.width / side, side, side, c})
            .permute({0, 1, 3, 2, 4, 5})
            .reshape({b, whole.height, whole.width, c});
    if (shifts) x = torch::roll(x, {shift_down, shift_right}, {1, 2});
    // What was added to fill windows is done with.
    return torch::dropout(out->forward(x.narrow(1, 0, h).narrow(2, 0, w)), dropout, is_training());
  }

 private:
  // [B * w, n, C], `b` samples -> the same.
  Tensor attend(Tensor const& x_rnc, std::int64_t b) {
    auto const n = x_rnc.size(1), c = x_rnc.size(2), d = c / heads, w = x_rnc.size(0) / b;
    // Keys have no bias; its place among the three stays as published.
    auto const bias =
        torch::cat({qkv->bias.narrow(0, 0, c), torch::zeros_like(out->bias), qkv->bias.narrow(0, 2 * c, c)});
    auto const parts = at::linear(x_rnc, qkv->weight, bias).reshape({b, w, n, 3, heads, d}).permute({3, 0, 1, 4, 2, 5});
    auto const q_bwand = directions(parts.select(0, 0)), k_bwand = directions(parts.select(0, 1));
    auto weights = exact_product(q_bwand * scale.clamp_max(std::log(largest_scale)).exp(), k_bwand.transpose(-2, -1)) +
                   positions();
    if (mask.value.defined()) weights = weights + mask.like(weights);
    weights = torch::dropout(weights.softmax(-1), attention_dropout, is_training());
    return torch::matmul(weights, parts.select(0, 2)).transpose(2, 3).reshape({b * w, n, c});
  }

  // Not in bf16, whatever autocast says: it would round cosines that are scaled up to a hundred times.
  static Tensor exact_product(Tensor const& a, Tensor const& b) {
    c10::impl::ExcludeDispatchKeyGuard const no_autocast(c10::autocast_dispatch_keyset);
    return torch::matmul(a, b);
  }

  // Of length 1, or 0 where nothing is.
  static Tensor directions(Tensor const& x) {
    auto const exact = at_least_f32(x);
    return exact / exact.norm(2, -1, /*keepdim=*/true).clamp_min(1e-12);
  }

  // [a, n, n], within (0, 16).
  Tensor positions() {
    auto const hidden = torch::relu(position1->forward(table.like(scale)));
    auto const by_distance = 16 * at_least_f32(position2->forward(hidden)).sigmoid();
    auto const n = side * side;
    return by_distance.index({pairs.like(scale)}).view({n, n, heads}).permute({2, 0, 1});
  }

  std::shared_ptr<Linear> qkv, out, position1, position2;
  Tensor scale;  // logarithm of what cosines are multiplied by
  int heads, side;
  Extent whole;  // the map in whole windows
  int shift_down, shift_right;
  double dropout, attention_dropout;
  Constant table, pairs, mask;
};

struct Stem : torch::nn::Module {
  Stem(int channels, Rule const& rule)
      : patches(register_module(
            "patches",
            torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, rule.width, rule.patch).stride(rule.patch)))),
        norm(register_module("norm", layer_norm(rule.width))) {}
  Tensor forward(Tensor const& x_bchw) { return norm(patches(x_bchw).permute({0, 2, 3, 1})).permute({0, 3, 1, 2}); }
  torch::nn::Conv2d patches;
  torch::nn::LayerNorm norm;
};

struct Block : torch::nn::Module {
  Block(Rule const& rule, Place const& place) : drop_rate(place.drop_rate) {
    if (place.merges) merge = register_module("merge", std::make_shared<Merge>(place.channels / 2));
    attention = register_module("attention", std::make_shared<Attention>(rule, place));
    norm1 = register_module("norm1", layer_norm(place.channels));
    mlp = register_module("mlp", std::make_shared<FeedForward>(place.channels, 4 * place.channels, rule.dropout));
    norm2 = register_module("norm2", layer_norm(place.channels));
    for (auto const& each : {mlp->up, mlp->down}) {
      truncated_normal(each->weight, 0.02);
      torch::nn::init::zeros_(each->bias);
    }
  }
  Tensor forward(Tensor const& x_bchw) {
    auto x = x_bchw.permute({0, 2, 3, 1});
    if (merge) x = merge->forward(x);
    x = x + drop_branches(norm1(attention->forward(x)), drop_rate, is_training());
    x = x + drop_branches(norm2(mlp->forward(x)), drop_rate, is_training());
    return x.permute({0, 3, 1, 2});
  }
  std::shared_ptr<Merge> merge;
  std::shared_ptr<Attention> attention;
  std::shared_ptr<FeedForward> mlp;
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  double drop_rate;
};

struct Classifier : torch::nn::Module {
  Classifier(int width, int classes)
      : norm(register_module("norm", layer_norm(width))),
        linear(register_module("linear", arch::linear(width, classes))) {}
  Tensor forward(Tensor const& x_bchw) {
    auto const x_bchw_normed = norm(x_bchw.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
    return linear->forward(at::adaptive_avg_pool2d(x_bchw_normed, {1, 1}).flatten(1));
  }
  torch::nn::LayerNorm norm;
  std::shared_ptr<Linear> linear;
};

Rule read(JsonReader& reader) {
  bool const small =
      reader.one_of("size", "tiny", {"tiny", "small"},
                    "small: 2, 2, 18, 2 blocks and stochastic depth 0.3, where none are written") == "small";
  auto const depths = small ? std::vector{2, 2, 18, 2} : std::vector{2, 2, 6, 2};
  Rule const rule{
      .patch = reader.integer("patch", 4, {1, 256}, "side of the patches that images are cut into"),
      .window = reader.integer("window", 8, {1, 64}, "side of the windows that attention sees"),
      .width = reader.integer("width", 96, {1, 4096}, "channels of the first group; doubled in each of the others"),
      .depths = reader.integers("depths", depths, {1, 1000}, "blocks of each group"),
      .heads = reader.integers("heads", {3, 6, 12, 24}, {1, 65536}, "attention heads in each group"),
      .dropout = reader.number("dropout", 0, {0, 0.99}, "of attention's answers and in the MLP"),
      .attention_dropout = reader.number("attention_dropout", 0, {0, 0.99}, "of attention's weights"),
      .stochastic_depth = reader.number("stochastic_depth", small ? 0.3 : 0.2, {0, 0.99},
                                        "rate at the last block; grows evenly from 0 at the first")};
  if (rule.depths.empty() || rule.depths.size() > 8)
    reader.fail("depths", "expected 1 to 8 groups, found " + std::to_string(rule.depths.size()));
  if (rule.heads.size() != rule.depths.size())
    reader.fail("heads", "expected a number for each of the " + std::to_string(rule.depths.size()) + " groups, found " +
                             std::to_string(rule.heads.size()));
  for (std::size_t group = 0; group < rule.heads.size(); ++group)
    if (auto const width = rule.width << group; width % rule.heads[group] != 0)
      reader.fail("heads", "expected divisors of each group's channels, found " + std::to_string(rule.heads[group]) +
                               " for " + std::to_string(width));
  reader.done();
  return rule;
}

// Block by block, for images of `shape`.
std::vector<Place> places(Rule const& rule, ImageShape const& shape) {
  std::vector<Place> made;
  int const last = std::accumulate(rule.depths.begin(), rule.depths.end(), 0) - 1;
  Extent map{shape.height / rule.patch, shape.width / rule.patch};
  for (std::size_t group = 0; group < rule.depths.size(); ++group) {
    if (group > 0) map = {(map.height + 1) / 2, (map.width + 1) / 2};
    for (int i = 0; i < rule.depths[group]; ++i)
      made.push_back({.map = map,
                      .channels = rule.width << group,
                      .heads = rule.heads[group],
                      .merges = group > 0 && i == 0,
                      .shifts = i % 2 == 1,
                      .drop_rate = rule.stochastic_depth * static_cast<double>(made.size()) / std::max(last, 1)});
  }
  return made;
}

// Names of torchvision, where groups and the merging between them are numbered in turn, and of timm.
void name_block(std::map<std::string, std::string>& published, std::size_t group, int block, std::string const& here) {
  auto const vision = "features." + std::to_string(2 * group + 1) + "." + std::to_string(block) + ".",
             timm = "layers." + std::to_string(group) + ".blocks." + std::to_string(block) + ".";
  for (auto const& there : {vision, timm}) {
    published[there + "norm1."] = here + "norm1.";
    published[there + "norm2."] = here + "norm2.";
    published[there + "attn.qkv."] = here + "attention.qkv.";
    published[there + "attn.proj."] = here + "attention.out.";
    published[there + "attn.logit_scale"] = here + "attention.scale";
    published[there + "attn.cpb_mlp.0."] = here + "attention.position1.";
    published[there + "attn.cpb_mlp.2."] = here + "attention.position2.";
    // Worked out anew from the sizes.
    for (auto const* table : {"attn.relative_coords_table", "attn.relative_position_index", "attn_mask"})
      published[there + table] = "";
  }
  published[vision + "mlp.0."] = published[timm + "mlp.fc1."] = here + "mlp.up.";
  published[vision + "mlp.3."] = published[timm + "mlp.fc2."] = here + "mlp.down.";
}

std::map<std::string, std::string> published_names(Rule const& rule) {
  std::map<std::string, std::string> all = {{"features.0.0.", "stage.stem.patches."},
                                            {"patch_embed.proj.", "stage.stem.patches."},
                                            {"features.0.2.", "stage.stem.norm."},
                                            {"patch_embed.norm.", "stage.stem.norm."},
                                            {"norm.", "last.norm."},
                                            {"head.", "last.linear."},
                                            {"head.fc.", "last.linear."}};
  int number = 0;
  for (std::size_t group = 0; group < rule.depths.size(); ++group)
    for (int block = 0; block < rule.depths[group]; ++block, ++number) {
      auto const here = "stage." + std::to_string(number) + ".";
      name_block(all, group, block, here);
      if (group > 0 && block == 0)
        all["features." + std::to_string(2 * group) + "."] = all["layers." + std::to_string(group) + ".downsample."] =
            here + "merge.";
    }
  return all;
}

}  // namespace

MakeBackbone swin_v2(JsonReader& reader) {
  auto const rule = read(reader);
  return [rule](ImageShape const& shape, int classes, Builder& builder) {
    require_whole_patches("swin_v2", shape.height, shape.width, rule.patch);
    Backbone net;
    auto const add = [&](std::string const& name, auto const& make) {
      net.stages.push_back(stage(name, builder.add("stage." + name, make)));
    };
    add("stem", [&] { return std::make_shared<Stem>(shape.channels, rule); });
    auto const blocks = places(rule, shape);
    for (std::size_t i = 0; i < blocks.size(); ++i)
      add(std::to_string(i), [&] { return std::make_shared<Block>(rule, blocks[i]); });
    net.last =
        classifier(builder.add("last", [&] { return std::make_shared<Classifier>(blocks.back().channels, classes); }));
    net.published = published_names(rule);
    return net;
  };
}

}  // namespace eexit::arch
