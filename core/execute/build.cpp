#include "core/execute/build.h"

#include "core/arch/arch.h"
#include "core/net/masks.h"
#include "core/net/shrink.h"
#include "core/net/weights.h"
#include "core/plan/run_text.h"

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

std::shared_ptr<ExitNet> build_net(Choice const& arch, ImageShape const& shape, int classes, std::uint64_t seed,
                                   std::optional<HeadsToBuild> const& wanted) {
  auto backbone = build_backbone(arch, shape, classes, seed);
  if (!wanted || wanted->after.empty()) return std::make_shared<ExitNet>(std::move(backbone));
  auto const shapes = shapes_after(backbone.stages, blank_images(shape));
  Sites sites;
  for (auto const& name : wanted->after) sites.emplace_back(name, shapes.at(name));
  Builder builder(wanted->seed);
  auto const method = read_method(wanted->method);
  auto made = method.make_heads(sites, classes, builder);
  if (method.appended && wanted->appended) method.appended->attach(made, sites, classes, builder);
  return std::make_shared<ExitNet>(std::move(backbone), std::move(made.heads), std::move(made.extra));
}

std::shared_ptr<ExitNet> build_net(Run const& run, std::optional<std::size_t> number) {
  auto const phase = number.value_or(run.phases.size() - 1);
  std::optional<HeadsToBuild> heads;
  if (heads_by(run, phase))
    heads.emplace(HeadsToBuild{.method = run.method,
                               .after = run.after,
                               .seed = run.head_seed.value_or(run.seed),
                               .appended = appended_by(run, phase)});
  auto net = build_net(run.arch, run.facts->shape, run.facts->classes, run.seed, heads);
  for (std::size_t i = 0; i <= phase; ++i)
    if (auto const* prune = std::get_if<Prune>(&run.phases[i].phase)) add_masks(*net, *prune);
  return net;
}

std::shared_ptr<ExitNet> finished_net(Run const& run, fs::path const& weights, torch::Device device) {
  auto net = build_net(run);
  load_tensors(*net, read_tensors(weights).tensors, {""}, weights.string());
  shrink(*net);
  place(*net, device);
  net->eval();
  return net;
}

}  // namespace eexit
