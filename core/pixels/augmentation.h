// Training augmentation on images of bytes. One file an operation (or a few that belong together) in core/pixels; the
// list is list.inc.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/base/stream.h"
#include "core/plan/facts.h"

namespace eexit {

// One image, row by row, a pixel's channels side by side. `spare` has the same room: an operation that cannot work in
// place writes there and swaps.
struct Pixels {
  ImageShape shape;
  std::vector<std::uint8_t> hwc, spare;
};

struct Box {
  int top = 0, left = 0, height = 0, width = 0;
  int area() const { return height * width; }
};

// How the images of a batch are mixed, by sample. An image whose box has an area takes those pixels from its partner;
// any other is share * itself + (1 - share) * partner. Its label is mixed by `share` in either case.
struct Mixing {
  std::vector<int> partner;  // the partner's partner is the sample itself
  std::vector<float> share;  // of the sample's own label; 1 where it is its own partner
  std::vector<Box> box;
};

// What an operation does at each place; empty: nothing there.
struct Augmentation {
  std::function<void(Pixels&, Random&)> bytes;                                        // before normalising
  std::function<void(std::span<float> hwc, ImageShape const&, Random&)> values = {};  // normalised: 0 is the mean
  std::function<Mixing(int rows, ImageShape const&, Random&)> mix = {};               // of a batch, after all others
};

using AugmentationMaker = Augmentation (*)(JsonReader&);
Registry<AugmentationMaker> augmentations();

struct ImageFormat {
  ImageShape shape;
  std::vector<float> mean, deviation;  // by channel, of values scaled to [0, 1]
};

// Images (u8 [H, W, C] each) through the `bytes` of the chain, normalising, and the `values` of the chain, into
// out_bhwc (f32 [B, H, W, C]). Normalised is (byte - 255 mean) / (255 deviation), each step in f32. Image i is a
// function of seeds[i] alone: operation k of the chain draws from a stream of its own, seeded by the k-th number of
// Random(seeds[i]), so that one that draws more or less leaves the others' draws as they were.
void augment_rows(std::span<Augmentation const> chain, ImageFormat const&, std::span<std::uint8_t const* const> images,
                  std::span<std::uint64_t const> seeds, std::span<float> out_bhwc);

// Mixes a batch (f32 [B, H, W, C]) in place.
void mix(Mixing const&, ImageShape const&, std::span<float> batch_bhwc);

}  // namespace eexit
