#include "core/execute/images.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "core/base/signals.h"

namespace eexit {

namespace {

// u8 [rows, C, H, W] on the host, by as many threads as torch may use here.
Tensor read_rows(Dataset const& data, std::vector<int> const& rows) {
  auto const& shape = data.shape;
  auto const count = static_cast<std::int64_t>(rows.size());
  auto pixels = torch::empty({count, shape.channels, shape.height, shape.width}, torch::kUInt8);
  auto* const out = pixels.mutable_data_ptr<std::uint8_t>();
  at::parallel_for(0, count, 16, [&](std::int64_t from, std::int64_t to) {
    data.read(std::span(rows).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)),
              out + from * shape.bytes());
  });
  return pixels;
}

Tensor bytes_of(Images const& images, std::vector<int> const& rows, Tensor const& index) {
  return images.resident() ? images.x_bchw.index({index}) : read_rows(images.source, rows).to(images.device());
}

}  // namespace

Images load_images(Dataset data, torch::Device device, std::size_t most_resident) {
  constexpr int at_once = 4096;
  auto const shape = data.shape;
  Images images;
  images.y_b = torch::tensor(std::vector<std::int64_t>(data.labels.begin(), data.labels.end())).to(device);
  images.mean = torch::tensor(data.mean).view({1, -1, 1, 1}).to(device);
  images.deviation = torch::tensor(data.deviation).view({1, -1, 1, 1}).to(device);
  images.labels = data.labels;
  if (static_cast<std::size_t>(data.rows()) * static_cast<std::size_t>(shape.bytes()) > most_resident) {
    images.source = std::move(data);
    return images;
  }
  auto const options = torch::TensorOptions(torch::kUInt8).memory_format(torch::MemoryFormat::ChannelsLast);
  auto pixels = torch::empty({data.rows(), shape.channels, shape.height, shape.width}, options);
  for (int start = 0; start < data.rows(); start += at_once) {
    throw_if_stop_requested();
    std::vector<int> rows(static_cast<std::size_t>(std::min(at_once, data.rows() - start)));
    std::iota(rows.begin(), rows.end(), start);
    pixels.narrow(0, start, static_cast<std::int64_t>(rows.size())).copy_(read_rows(data, rows));
  }
  images.x_bchw = pixels.to(device);
  return images;
}

namespace {

Tensor index_of(std::vector<int> const& rows, torch::Device device) {
  return torch::tensor(std::vector<std::int64_t>(rows.begin(), rows.end())).to(device);
}

Batch finish(Images const& images, Tensor const& bytes_bchw, Tensor const& rows) {
  auto x = bytes_bchw.to(torch::kFloat32).contiguous(torch::MemoryFormat::ChannelsLast);
  x = x.sub_(images.mean * 255).div_(images.deviation * 255);
  return {.input = {.x = x, .side = {}, .active = {}}, .target_b = images.y_b.index({rows})};
}

}  // namespace

Batch plain_batch(Images const& images, std::vector<int> const& rows) {
  torch::NoGradGuard no_grad;
  auto const index = index_of(rows, images.device());
  return finish(images, bytes_of(images, rows, index), index);
}

Batch augmented_batch(Images const& images, std::vector<int> const& rows, Augment const& augment, Random random) {
  if (augment.name == "none") return plain_batch(images, rows);
  torch::NoGradGuard no_grad;
  auto const device = images.device();
  auto const index = index_of(rows, device);
  auto const bytes = bytes_of(images, rows, index);
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
  using torch::indexing::None;
  using torch::indexing::Slice;
  // One gather: sample x channel x row x column.
  auto const sample = torch::arange(count, device).view({-1, 1, 1, 1});
  auto const channel = torch::arange(bytes.size(1), device).view({1, -1, 1, 1});
  auto const crop = padded.index({sample, channel, row_bh.to(device).view({count, 1, height, 1}),
                                  column_bw.to(device).view({count, 1, 1, width})});
  return finish(images, crop, index);
}

}  // namespace eexit
