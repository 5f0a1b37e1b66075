#include "core/methods/means.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/methods/clusters.h"
#include "core/net/layers.h"

namespace eexit {

namespace {

// Numbers of a feature.
std::int64_t width_of(Shape const& shape, int side) {
  if (side > 0 && shape.size() == 3) return shape[0] * side * side;
  if (side > 0 && shape.size() == 2) return shape[1];
  std::int64_t width = 1;
  for (auto const size : shape) width *= size;
  return width;
}

// What the exits of a net hold, by exit.
std::map<std::string, ClassMeans*> means_of(ExitNet const& net) {
  std::map<std::string, ClassMeans*> all;
  for (auto const& [name, head] : net.heads)
    for (auto const& module : head.module->modules())
      if (auto* const means = module->as<ClassMeans>()) all[name] = means;
  require(all.size() == net.heads.size(), "every head has means of classes");
  return all;
}

void find_means(ExitNet const& net, FitRows const& rows, Tensor const& label_r) {
  auto const means = means_of(net);
  auto const exact = label_r.options().dtype(torch::kFloat64);
  std::map<std::string, Tensor> sum_kd;
  for (auto const& [name, at] : means) sum_kd[name] = torch::zeros({rows.classes, at->width}, exact);
  auto const count_k = label_r.bincount({}, rows.classes).to(torch::kFloat64);
  require((count_k > 0).all().item<bool>(), "every class has a row");
  rows.walk([&](std::string const& exit, State const& state, std::int64_t first) {
    auto const found = means.find(exit);
    if (found == means.end()) return;
    auto const f_bd = found->second->features(state.x).to(torch::kFloat64);
    auto const of_class_bk = torch::one_hot(label_r.narrow(0, first, f_bd.size(0)), rows.classes).to(torch::kFloat64);
    sum_kd.at(exit).addmm_(of_class_bk.t(), f_bd);
  });
  for (auto const& [name, at] : means) at->mean_kd.copy_(sum_kd.at(name) / count_k.unsqueeze(1));
}

void find_distances(ExitNet const& net, FitRows const& rows) {
  auto const means = means_of(net);
  std::map<std::string, Tensor> sum_k;
  for (auto const& [name, at] : means)
    sum_k[name] = torch::zeros({rows.classes}, at->mean_kd.options().dtype(torch::kFloat64));
  rows.walk([&](std::string const& exit, State const& state, std::int64_t) {
    auto const found = means.find(exit);
    if (found != means.end()) sum_k.at(exit) += found->second->distances(state.x).to(torch::kFloat64).sum(0);
  });
  for (auto const& [name, at] : means) {
    at->distance_k.copy_(sum_k.at(name) / rows.label_r.size(0));
    // Below single precision's digits of the features themselves nothing is told apart.
    auto const none = (at->distance_k > 1e-6 * at->mean_kd.norm(2, {1}) + 1e-12).logical_not().nonzero();
    if (none.size(0) > 0)
      throw RunError("exit after stage " + name + ": all features are at the mean of class " +
                         std::to_string(none[0][0].item<std::int64_t>()) +
                         ", so that no distance can be told; leave "
                         "this exit out",
                     Exit::data);
  }
}

}  // namespace

MeansRule read_means(JsonReader& reader, bool clusters) {
  MeansRule rule;
  rule.side = reader.integer("side", 0, {0, 64}, "side that feature maps are averaged to; 0: taken whole");
  rule.memory = reader.integer("memory", 1024, {1, 1 << 20}, "MiB that the means of a network may take");
  rule.share = reader.number("share", 1, {1e-6, 1}, "of the training rows that means and distances are found from");
  if (!clusters) return rule;
  rule.clusters = reader.one_of("labels", "given", {"given", "clusters"},
                                "clusters: classes are found by k-means on what the last exit sees; labels name them "
                                "for scoring and are not read otherwise") == "clusters";
  rule.restarts = reader.integer_where(rule.clusters, "restarts", 10, {1, 1000}, "clusters: of k-means, the best kept");
  return rule;
}

ClassMeans::ClassMeans(std::string const& exit, Shape const& shape, int side, int classes) : exit_(exit), side_(side) {
  if (side > 0 && shape.size() == 2 && side != 1)
    throw SpecError("exit after stage " + exit + ": side " + std::to_string(side) +
                    " needs features [C, H, W], found " + text_of(shape) +
                    "; of tokens the mean alone can be taken (1), or all (0)");
  if (side > 0 && shape.size() == 3 && side > std::min(shape[1], shape[2]))
    throw SpecError("exit after stage " + exit + ": side " + std::to_string(side) + " is more than features " +
                    text_of(shape) + " have");
  width = width_of(shape, side);
  mean_kd = register_buffer("mean", torch::zeros({classes, width}));
  distance_k = register_buffer("distance", torch::ones({classes}));
}

Tensor ClassMeans::features(Tensor const& x) const {
  auto f = at_least_f32(x);
  if (side_ > 0 && f.dim() == 4) f = at::adaptive_avg_pool2d(f, {side_, side_});
  if (side_ > 0 && f.dim() == 3) f = f.mean(1);
  // How feature maps lie in memory: nothing is moved.
  return (f.dim() == 4 ? f.permute({0, 2, 3, 1}) : f).flatten(1);
}

Tensor ClassMeans::distances(Tensor const& x) const { return row_distances(features(x), mean_kd); }

std::map<std::string, std::shared_ptr<ClassMeans>> make_means(Sites const& sites, MeansRule const& rule, int classes) {
  std::map<std::string, std::shared_ptr<ClassMeans>> made;
  double bytes = 0, most = 0;
  std::string widest;
  for (auto const& [name, shape] : sites) {
    // Not built before it is known to fit: an early layer of a thousand classes takes gigabytes.
    double const size = classes * (static_cast<double>(width_of(shape, rule.side)) + 1) * sizeof(float);
    bytes += size;
    if (size > most) widest = "stage " + name + ", " + text_of(shape);
    most = std::max(most, size);
  }
  auto const in_mib = [](double size) { return fixed(size / (1 << 20), 1) + " MiB"; };
  if (bytes > rule.memory * static_cast<double>(1 << 20))
    throw SpecError("means of " + std::to_string(classes) + " classes at " + std::to_string(sites.size()) +
                    " exits take " + in_mib(bytes) + ", more than memory allows (" + std::to_string(rule.memory) +
                    " MiB); most of it after " + widest + ": " + in_mib(most) +
                    "; average features (side), leave exits out or raise memory");
  for (auto const& [name, shape] : sites) made[name] = std::make_shared<ClassMeans>(name, shape, rule.side, classes);
  return made;
}

Fitting fitting_of(MeansRule const& rule) {
  return {.phase = {.share = rule.share, .passes = rule.clusters ? 3 : 2, .clusters = rule.clusters},
          .fit = [rule](ExitNet& net, FitRows const& rows) {
            torch::NoGradGuard no_grad;
            auto const label_r = rule.clusters ? find_clusters(net, rows, rule.restarts) : rows.label_r;
            find_means(net, rows, label_r);
            find_distances(net, rows);
          }};
}

}  // namespace eexit
