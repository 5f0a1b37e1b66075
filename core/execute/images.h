// Images as bytes, resident or read when needed, and batches made of them.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "core/net/net.h"
#include "datasets/dataset.h"

namespace eexit {

struct Images {
  Tensor x_bchw;            // u8 [rows, C, H, W] in layout_of; undefined where rows are read when they are needed
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
  // Of mixed images: the other label, and the share in (0, 1] of the own one. Undefined where nothing is mixed.
  Tensor partner_b = {};  // i64 [B]
  Tensor share_b = {};    // f32 [B]
};

// Channels-last. One channel is stored the same either way, but operators choose by the strides, and so last bits do.
torch::MemoryFormat layout_of(std::int64_t channels);

// Their bytes, u8 [B, C, H, W] on the device. RunError (Exit::data or Exit::missing) where a file cannot be read.
Tensor bytes_of(Images const&, std::vector<int> const& rows);
// (byte - 255 mean) / (255 deviation), f32 [B, C, H, W] in that layout.
Tensor normalised(Images const&, Tensor const& bytes_bchw);
// Rows as they are: val, cal, test, and training without augmentation.
Batch plain_batch(Images const&, std::vector<int> const& rows);

Tensor index_of(std::vector<int> const& rows, torch::Device);  // i64

}  // namespace eexit
