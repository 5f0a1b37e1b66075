// Images that are read while training goes on are the same as those in memory.
#include <atomic>

#include "core/base/error.h"
#include "core/execute/ahead.h"
#include "core/execute/augment.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr int rows = 40;

Dataset toy(std::atomic<int>* reads = nullptr, int channels = 3) {
  Dataset data{.shape = {channels, 6, 5}, .classes = 4};
  for (int row = 0; row < rows; ++row) data.labels.push_back(row % 4);
  data.read = [reads, shape = data.shape](std::span<int const> wanted, std::uint8_t* out) {
    for (int const row : wanted) {
      if (reads != nullptr) ++*reads;
      for (int i = 0; i < shape.bytes(); ++i) *out++ = static_cast<std::uint8_t>(31 * row + i);
    }
  };
  data.mean = {0.1F, 0.2F, 0.3F};
  data.deviation = {0.5F, 0.6F, 0.7F};
  data.mean.resize(static_cast<std::size_t>(channels));
  data.deviation.resize(static_cast<std::size_t>(channels));
  return data;
}

bool same(Batch const& a, Batch const& b) {
  // Operators choose by strides: those of one channel must be the same too.
  return torch::equal(a.input.x, b.input.x) && torch::equal(a.target_b, b.target_b) &&
         a.input.x.strides() == b.input.x.strides() && a.input.x.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

TEST_CASE("streamed images are those in memory, augmented or not", "[images]") {
  int const channels = GENERATE(1, 3);
  auto const resident = load_images(toy(nullptr, channels), torch::kCPU),
             streamed = load_images(toy(nullptr, channels), torch::kCPU, 100);
  REQUIRE(resident.resident());
  REQUIRE_FALSE(streamed.resident());
  std::vector<int> const some = {7, 39, 0, 7, 12};
  CHECK(same(plain_batch(resident, some), plain_batch(streamed, some)));
  for (Augment const& augment :
       {Augment{.name = "crop_flip"}, Augment{.name = "steps", .steps = {{"crop", R"({"pad": 2})"}, {"flip", "{}"}}},
        Augment{.name = "steps", .steps = {{"trivial_augment", "{}"}, {"erase", "{}"}, {"mixup", "{}"}}}}) {
    Augmenter const augmenter(augment);
    auto const batch = augmenter.batch(resident, some, 3);
    CHECK(same(batch, augmenter.batch(streamed, some, 3)));
    CHECK_FALSE(same(batch, augmenter.batch(resident, some, 4)));
    CHECK_FALSE(same(batch, plain_batch(resident, some)));
  }
  Augmenter const none(Augment{.name = "steps", .steps = {{"flip", R"({"p": 0})"}}});
  CHECK(same(none.batch(resident, some, 3), plain_batch(resident, some)));
  auto const x = plain_batch(resident, some).input.x;
  if (channels == 1) {
    CHECK(x.stride(1) == 30);  // as rows of a plain tensor have it
    return;
  }
  // Row 7, channel 1, second line, third pixel: byte 31 * 7 + 30 + 5 + 2 = 254.
  CHECK(x[0][1][1][2].item<float>() == Approx((254 / 255.0 - 0.2) / 0.6));
}

TEST_CASE("batches made ahead come in any order asked for, each a function of its step", "[images]") {
  std::atomic<int> reads{0};
  auto const images = load_images(toy(&reads), torch::kCPU, 100);
  auto const batch_of = [&](long step) {
    std::vector<int> const picked = {static_cast<int>(step % rows), static_cast<int>(7 * step % rows)};
    return plain_batch(images, picked);
  };
  {
    Ahead ahead([&] { return batch_of; }, 0, 30, 3, 5);
    for (long const step : {0L, 1L, 2L, 3L, 9L, 10L, 4L, 5L, 29L, 28L, 29L}) {
      INFO(step);
      CHECK(same(ahead.take(step), batch_of(step)));
    }
  }
  reads = 0;
  {
    Ahead ahead([&] { return batch_of; }, 0, 30, 3, 5);
    ahead.take(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(reads <= 2 * 6);  // bounded: what was taken and five more
  }
}

TEST_CASE("a picture that cannot be read is a run's error, not the sweep's", "[images]") {
  auto damaged = toy();
  damaged.read = [](std::span<int const>, std::uint8_t*) { throw SpecError("cat.jpg: ends early"); };
  auto const images = load_images(damaged, torch::kCPU, 100);
  try {
    plain_batch(images, {1});
    FAIL("nothing thrown");
  } catch (RunError const& error) {
    CHECK(error.code == Exit::data);  // neither a full disk, which stops all, nor a loss that diverged
    CHECK(std::string(error.what()) == "cat.jpg: ends early");
  }
}

TEST_CASE("what making a batch throws reaches the step that takes it", "[images]") {
  auto const images = load_images(toy(), torch::kCPU);
  Ahead ahead(
      [&]() -> Ahead::Make {
        return [&](long step) {
          if (step == 2) throw RunError("picture 2 is damaged");
          return plain_batch(images, {static_cast<int>(step)});
        };
      },
      0, 5, 2, 3);
  CHECK(same(ahead.take(0), plain_batch(images, {0})));
  CHECK(same(ahead.take(1), plain_batch(images, {1})));
  CHECK_THROWS_AS(ahead.take(2), RunError);
  CHECK(same(ahead.take(3), plain_batch(images, {3})));
}

}  // namespace eexit
