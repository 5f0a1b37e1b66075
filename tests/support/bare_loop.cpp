#include "tests/support/bare_loop.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/_fused_sgd.h>

#include <chrono>

namespace eexit {

double bare_loop(ExitNet& net, Tensor const& x_bchw, Tensor const& y_b, std::int64_t batch, int steps, bool bf16) {
  net.train();
  std::vector<Tensor> parameters, momenta;
  for (auto& parameter : net.parameters()) {
    parameters.push_back(parameter.set_requires_grad(true));
    momenta.push_back(torch::zeros_like(parameter.detach()));
  }
  auto const begun = std::chrono::steady_clock::now();
  for (int step = 0; step < steps; ++step) {
    auto const from = step * batch % (x_bchw.size(0) - batch + 1);
    State const input{.x = x_bchw.narrow(0, from, batch), .side = {}, .active = {}};
    auto const target = y_b.narrow(0, from, batch);
    at::autocast::set_autocast_enabled(torch::kCPU, bf16);
    Tensor loss = torch::zeros({});
    auto const answers = answer_all(net, input);
    for (auto const& answer : answers)
      loss = loss + torch::nn::functional::cross_entropy(answer.logits.to(torch::kFloat32), target);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(torch::kCPU, false);
    (loss / static_cast<double>(answers.size())).backward();
    torch::NoGradGuard no_grad;
    std::vector<Tensor> gradients;
    for (auto const& parameter : parameters)  // the kernel ignores strides
      gradients.push_back(parameter.grad().strides() == parameter.strides()
                              ? parameter.grad()
                              : torch::empty_like(parameter).copy_(parameter.grad()));
    at::_fused_sgd_(parameters, gradients, momenta, 5e-4, 0.9, 0.01, 0, false, false, step == 0);
    for (auto& parameter : parameters) parameter.mutable_grad() = Tensor();
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace eexit
