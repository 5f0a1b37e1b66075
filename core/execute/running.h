// Losses and right answers of the running epoch. They stay on the device until asked for: no synchronisation per step.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace eexit {

class Running {
 public:
  Running(std::size_t exits, std::string label) : exits_(exits), label_(std::move(label)) { reset(); }

  // losses_k, right_k: [exits] mean losses and counts of one batch of `rows`, at this step (from 0).
  void add(torch::Tensor losses_k, torch::Tensor right_k, std::int64_t rows, long step);

  // Brings what is pending to the host. RunError (Exit::runs_failed) when a loss is not finite.
  void collect();

  void reset();
  std::vector<double> mean_loss() const;  // [exits] over what was collected
  std::vector<double> accuracy() const;   // [exits] likewise

  std::vector<double> sums;  // losses x samples, then right answers, by exit
  double samples = 0;

 private:
  std::vector<double> means(std::size_t from) const;

  std::size_t exits_;
  std::string label_;
  std::vector<torch::Tensor> losses_, right_;
  std::vector<std::int64_t> rows_;
  long first_step_ = 0;
};

}  // namespace eexit
