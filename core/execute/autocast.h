// bf16 autocast on one kind of device while it lives.
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

namespace eexit {

class Autocast {
 public:
  Autocast(bool on, torch::Device device)
      : device_(device.type()), before_(at::autocast::is_autocast_enabled(device_)) {
    at::autocast::set_autocast_enabled(device_, on);
    if (on) at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
    at::autocast::increment_nesting();
  }
  Autocast(Autocast const&) = delete;
  Autocast& operator=(Autocast const&) = delete;
  ~Autocast() {
    // Weights cast for this step must not be found again after they changed.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, before_);
  }

 private:
  at::DeviceType device_;
  bool before_;
};

}  // namespace eexit
