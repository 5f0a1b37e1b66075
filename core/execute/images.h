// Images as bytes, resident or read when needed, and batches made of them: crop, flip and normalisation in one
// operation.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "core/base/stream.h"
#include "core/net/net.h"
#include "core/plan/spec.h"
#include "datasets/dataset.h"

namespace eexit {

struct Images {
  Tensor x_bchw;            // u8 [rows, C, H, W], channels-last; undefined where rows are read when they are needed
  Tensor y_b;               // i64 [rows]
  Tensor mean, deviation;   // f32 [1, C, 1, 1], of values scaled to [0, 1]
  std::vector<int> labels;  // y_b on the host
  Dataset source = {};      // of images that are not resident
  int rows() const { return static_cast<int>(labels.size()); }
  bool resident() const { return x_bchw.defined(); }
  torch::Device device() const { return y_b.device(); }
};

// Up to so many bytes a split stays in memory.
inline constexpr std::size_t resident_bytes = std::size_t{1} << 30;

// Reads the whole split, some rows at a time; of a larger one the labels alone.
Images load_images(Dataset, torch::Device, std::size_t most_resident = resident_bytes);

struct Batch {
  State input;      // f32 [B, C, H, W], channels-last, normalised
  Tensor target_b;  // i64 [B]
};

// Rows as they are: val, cal, test, and training without augmentation. RunError where a file cannot be read.
Batch plain_batch(Images const&, std::vector<int> const& rows);
// The same after zero padding, a random crop to the old size and a random flip, drawn from `random`; one draw of three
// numbers an image, whatever the probabilities.
Batch augmented_batch(Images const&, std::vector<int> const& rows, Augment const&, Random random);

}  // namespace eexit
