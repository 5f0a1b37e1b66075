// Builds parts of a network, each from its own random stream.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/stream.h"
#include "core/net/net.h"
#include "core/plan/facts.h"

namespace eexit {

// Module constructors draw from torch's default generator, so it is seeded here, in one place, from the seed and the
// name of the part: a part's weights depend on nothing else that exists.
class Builder {
 public:
  explicit Builder(std::uint64_t seed) : seed_(seed) {}

  // name: "stage.stem", "head.3", "last", "extra". make() returns the part.
  template <class Make>
  auto add(std::string const& name, Make const& make) {
    torch::manual_seed(stream_seed(seed_, {"init", name}));
    return make();
  }

 private:
  std::uint64_t seed_;
};

// Shape of State.x after a stage, without the sample dimension.
using Shape = std::vector<std::int64_t>;

std::string text_of(Shape const&);  // "[16, 28, 28]"

// Shapes after each stage, by name, from one walk in eval mode over a sample of zeros.
std::map<std::string, Shape> shapes_after(std::span<Stage const>, State const& one_sample);

// A batch of `rows` images of zeros as the first stage takes it.
State blank_images(ImageShape const&, int rows = 1);

}  // namespace eexit
