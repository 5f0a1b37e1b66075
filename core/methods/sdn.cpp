// Shallow-deep networks (Kaya et al. 2019) with the heads of the regimes benchmark (facts: methods 2, 3).
#include "core/base/text.h"
#include "core/methods/method.h"
#include "core/net/layers.h"

namespace eexit::method {

namespace {

// pool, flatten, linear; on a vector the linear map alone.
struct PooledHead : torch::nn::Module {
  PooledHead(Shape const& shape, bool mixed, int side, int classes) {
    std::int64_t features = shape[0];
    if (shape.size() == 3) {
      features *= static_cast<std::int64_t>(side) * side;
      average_side = side;
      if (mixed) pool = register_module("pool", std::make_shared<MixedPool>(side));
    }
    linear = register_module("linear", std::make_shared<Linear>(features, classes));
  }
  Tensor forward(Tensor const& x) {
    if (x.dim() == 2) return linear->forward(x);
    auto const pooled = pool ? pool->forward(x) : at::adaptive_avg_pool2d(x, {average_side, average_side});
    return linear->forward(pooled.flatten(1));
  }
  std::int64_t average_side = 1;
  std::shared_ptr<MixedPool> pool;
  std::shared_ptr<Linear> linear;
};

}  // namespace

Method sdn(JsonReader& reader) {
  auto const kind = reader.one_of("head", "pooled", {"pooled", "average"},
                                  "pooled: learned mix of max and average pooling; average: global average pooling");
  bool const pooled = kind == "pooled";
  int const side = pooled ? reader.integer("pool", 4, {1, 64}, "side that the pooled head pools to") : 1;
  reader.done();
  return {.make_heads = [pooled, side](Sites const& sites, int classes, Builder& builder) {
    Heads made;
    for (auto const& [name, shape] : sites) {
      if (shape.size() != 1 && shape.size() != 3)
        throw SpecError("exit after stage " + name + ": head sdn needs features [C] or [C, H, W], found " +
                        std::to_string(shape.size()) + " dimensions");
      auto head =
          builder.add("head." + name, [&] { return std::make_shared<PooledHead>(shape, pooled, side, classes); });
      made.heads[name] = {head, [head](State const& state, Earlier const&) {
                            return Answer{head->forward(state.x), {}};
                          }};
    }
    return made;
  }};
}

}  // namespace eexit::method
