#include "core/execute/augment.h"

#include <ATen/Parallel.h>

namespace eexit {

namespace {

// Zero padding, a random crop to the old size and a random flip: three numbers drawn an image, whatever the
// probabilities.
Batch crop_and_flip(Images const& images, std::vector<int> const& rows, Augment const& augment, Random random) {
  auto const device = images.device();
  auto const index = index_of(rows, device);
  auto const bytes = bytes_of(images, rows);
  auto const height = bytes.size(2), width = bytes.size(3);
  auto const count = static_cast<std::int64_t>(rows.size());
  auto row_bh = torch::empty({count, height}, torch::kInt64), column_bw = torch::empty({count, width}, torch::kInt64);
  auto row_at = row_bh.accessor<std::int64_t, 2>(), column_at = column_bw.accessor<std::int64_t, 2>();
  for (std::int64_t i = 0; i < count; ++i) {
    int const down = random.below(2 * augment.pad + 1), right = random.below(2 * augment.pad + 1);
    bool const flip = random.uniform() < augment.flip;
    for (std::int64_t h = 0; h < height; ++h) row_at[i][h] = down + h;
    for (std::int64_t w = 0; w < width; ++w) column_at[i][w] = right + (flip ? width - 1 - w : w);
  }
  std::int64_t const pad = augment.pad;
  auto const padded = torch::constant_pad_nd(bytes, {pad, pad, pad, pad});
  // One gather: sample x channel x row x column.
  auto const sample = torch::arange(count, device).view({-1, 1, 1, 1});
  auto const channel = torch::arange(bytes.size(1), device).view({1, -1, 1, 1});
  auto const crop = padded.index({sample, channel, row_bh.to(device).view({count, 1, height, 1}),
                                  column_bw.to(device).view({count, 1, 1, width})});
  return {.input = {.x = normalised(images, crop), .side = {}, .active = {}}, .target_b = images.y_b.index({index})};
}

ImageFormat format_of(Images const& images, Tensor const& bytes_bchw) {
  auto const floats = [](Tensor const& of_channels) {
    auto const flat = of_channels.to(torch::kCPU).contiguous();
    return std::vector<float>(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
  };
  return {.shape = {.channels = static_cast<int>(bytes_bchw.size(1)),
                    .height = static_cast<int>(bytes_bchw.size(2)),
                    .width = static_cast<int>(bytes_bchw.size(3))},
          .mean = floats(images.mean),
          .deviation = floats(images.deviation)};
}

void mix_batch(Batch& batch, Mixing const& mixing, ImageShape const& shape, std::span<float> values) {
  mix(mixing, shape, values);
  std::vector<std::int64_t> const partner(mixing.partner.begin(), mixing.partner.end());
  batch.partner_b = batch.target_b.index({torch::tensor(partner).to(batch.target_b.device())});
  batch.share_b = torch::tensor(mixing.share).to(batch.target_b.device());
}

// The operations work on the host, image by image; torch's threads share the images.
Batch through(std::vector<Augmentation> const& chain, Images const& images, std::vector<int> const& rows,
              Random random) {
  auto const given = bytes_of(images, rows).to(torch::kCPU);
  auto const layout = layout_of(given.size(1));
  auto const bytes = given.contiguous(layout);
  auto const format = format_of(images, bytes);
  auto const count = bytes.size(0), each = static_cast<std::int64_t>(format.shape.bytes());
  std::vector<std::uint8_t const*> from;
  std::vector<std::uint64_t> seeds;
  for (std::int64_t i = 0; i < count; ++i) {
    from.push_back(bytes.const_data_ptr<std::uint8_t>() + i * each);
    seeds.push_back(random());
  }
  auto x_bchw = torch::empty(bytes.sizes(), torch::TensorOptions(torch::kFloat32).memory_format(layout));
  std::span<float> const values(x_bchw.mutable_data_ptr<float>(), static_cast<std::size_t>(count * each));
  at::parallel_for(0, count, 8, [&](std::int64_t first, std::int64_t last) {
    auto const start = static_cast<std::size_t>(first), some = static_cast<std::size_t>(last - first);
    augment_rows(chain, format, std::span(from).subspan(start, some), std::span(seeds).subspan(start, some),
                 values.subspan(start * static_cast<std::size_t>(each), some * static_cast<std::size_t>(each)));
  });
  Batch batch{.input = {}, .target_b = images.y_b.index({index_of(rows, images.device())})};
  for (auto const& step : chain)
    if (step.mix) mix_batch(batch, step.mix(static_cast<int>(count), format.shape, random), format.shape, values);
  batch.input = {.x = x_bchw.to(images.device()), .side = {}, .active = {}};
  return batch;
}

}  // namespace

Augmentation read_augmentation(Choice const& choice) {
  JsonReader reader(choice.params, std::make_shared<Source>());
  return find(augmentations(), "augmentation", choice.name, "augment").make(reader);
}

Augmenter::Augmenter(Augment const& augment) : augment_(augment) {
  for (auto const& step : augment.steps) chain_.push_back(read_augmentation(step));
}

Batch Augmenter::batch(Images const& images, std::vector<int> const& rows, std::uint64_t seed) const {
  torch::NoGradGuard no_grad;
  if (!chain_.empty()) return through(chain_, images, rows, Random(seed));
  return changes() ? crop_and_flip(images, rows, augment_, Random(seed)) : plain_batch(images, rows);
}

}  // namespace eexit
