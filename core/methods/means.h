// Means of classes at exits: features are near the mean of their class (Gormez et al. 2022, arXiv 2103.01148; facts:
// class-means). b: batch, k: classes, d: numbers of a feature.
#pragma once

#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/methods/method.h"

namespace eexit {

struct MeansRule {
  int side = 0;           // side that maps are averaged to; 0: features as they are
  int memory = 1024;      // MiB that the means of a network may take
  double share = 1;       // of the training rows that they are fitted to
  bool clusters = false;  // of classes that are found, not given
  int restarts = 10;      // of k-means, where they are found
};

// Reads side, memory and share; `clusters`: labels and restarts too.
MeansRule read_means(JsonReader&, bool clusters);

// The mean feature of each class at one exit, and how far features are from it on average. Buffers, filled by
// fit_means: no weight is added.
struct ClassMeans : torch::nn::Module {
  // SpecError naming the exit where features of this shape cannot be pooled so.
  ClassMeans(std::string const& exit, Shape const&, int side, int classes);

  Tensor features(Tensor const& x) const;   // [b, d] f32: flattened, channels last
  Tensor distances(Tensor const& x) const;  // [b, k]: Euclidean, to each mean
  Tensor normalised(Tensor const& distance_bk) const { return distance_bk / distance_k; }  // by the mean distances

  std::int64_t width = 0;  // d
  Tensor mean_kd;
  Tensor distance_k;  // mean over all training rows, of every class, of the distance to this mean

 private:
  std::string exit_;
  int side_;
};

// One for each site. SpecError where they need more memory than the rule allows.
std::map<std::string, std::shared_ptr<ClassMeans>> make_means(Sites const&, MeansRule const&, int classes);

// The phase, and what it does: means, then mean distances, over the training rows; found in two passes, three where
// classes are found first, as clusters of what the last exit sees.
Fitting fitting_of(MeansRule const&);

}  // namespace eexit
