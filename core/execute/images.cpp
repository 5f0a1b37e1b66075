#include "core/execute/images.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "core/base/error.h"
#include "core/base/signals.h"

namespace eexit {

namespace {

// u8 [rows, C, H, W] on the host, by as many threads as torch may use here.
Tensor read_rows(Dataset const& data, std::vector<int> const& rows) {
  auto const& shape = data.shape;
  auto const count = static_cast<std::int64_t>(rows.size());
  auto pixels = torch::empty({count, shape.channels, shape.height, shape.width}, torch::kUInt8);
  auto* const out = pixels.mutable_data_ptr<std::uint8_t>();
  try {
    at::parallel_for(0, count, 16, [&](std::int64_t from, std::int64_t to) {
      data.read(std::span(rows).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)),
                out + from * shape.bytes());
    });
  } catch (SpecError const& error) {
    // A damaged picture costs the runs that need it, not the sweep.
    throw RunError(error.what(), error.code);
  }
  return pixels;
}

}  // namespace

torch::MemoryFormat layout_of(std::int64_t channels) {
  return channels == 1 ? torch::MemoryFormat::Contiguous : torch::MemoryFormat::ChannelsLast;
}

Tensor bytes_of(Images const& images, std::vector<int> const& rows) {
  return images.resident() ? images.x_bchw.index({index_of(rows, images.device())})
                           : read_rows(images.source, rows).to(images.device());
}

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
  auto const options = torch::TensorOptions(torch::kUInt8).memory_format(layout_of(shape.channels));
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

Tensor index_of(std::vector<int> const& rows, torch::Device device) {
  return torch::tensor(std::vector<std::int64_t>(rows.begin(), rows.end())).to(device);
}

Tensor normalised(Images const& images, Tensor const& bytes_bchw) {
  auto x = bytes_bchw.to(torch::kFloat32).contiguous(layout_of(bytes_bchw.size(1)));
  return x.sub_(images.mean * 255).div_(images.deviation * 255);
}

Batch plain_batch(Images const& images, std::vector<int> const& rows) {
  torch::NoGradGuard no_grad;
  auto const index = index_of(rows, images.device());
  return {.input = {.x = normalised(images, bytes_of(images, rows)), .side = {}, .active = {}},
          .target_b = images.y_b.index({index})};
}

}  // namespace eexit
