#include "core/execute/build.h"

#include "core/arch/arch.h"
#include "core/net/weights.h"

namespace eexit {

Method read_method(Choice const& choice) {
  JsonReader reader(choice.params, std::make_shared<Source>());
  return find(methods(), "method", choice.name, "method").make(reader);
}

Backbone build_backbone(Choice const& arch, ImageShape const& shape, int classes, std::uint64_t seed) {
  JsonReader reader(arch.params, std::make_shared<Source>());
  Builder builder(seed);
  return find(archs(), "architecture", arch.name, "arch").make(reader)(shape, classes, builder);
}

std::shared_ptr<ExitNet> build_net(Choice const& arch, Choice const& method, ImageShape const& shape, int classes,
                                   std::vector<std::string> const& after, std::uint64_t seed,
                                   std::optional<std::uint64_t> head_seed) {
  auto backbone = build_backbone(arch, shape, classes, seed);
  if (after.empty()) return std::make_shared<ExitNet>(std::move(backbone));
  auto const shapes = shapes_after(backbone.stages, blank_images(shape));
  Sites sites;
  for (auto const& name : after) sites.emplace_back(name, shapes.at(name));
  Builder builder(head_seed.value_or(seed));
  auto heads = read_method(method).make_heads(sites, classes, builder);
  return std::make_shared<ExitNet>(std::move(backbone), std::move(heads.heads), std::move(heads.extra));
}

std::shared_ptr<ExitNet> build_net(Run const& run) {
  return build_net(run.arch, run.method, run.facts->shape, run.facts->classes, run.after, run.seed, run.head_seed);
}

std::shared_ptr<ExitNet> build_plain_net(Run const& run) {
  return build_net(run.arch, run.method, run.facts->shape, run.facts->classes, {}, run.seed);
}

std::shared_ptr<ExitNet> finished_net(Run const& run, fs::path const& weights, torch::Device device) {
  auto net = build_net(run);
  load_tensors(*net, read_tensors(weights).tensors, {""}, weights.string());
  place(*net, device);
  net->eval();
  return net;
}

}  // namespace eexit
