#include "core/execute/running.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

void Running::add(torch::Tensor losses_k, torch::Tensor right_k, std::int64_t rows, long step) {
  losses_.push_back(std::move(losses_k));
  right_.push_back(std::move(right_k));
  rows_.push_back(rows);
  if (losses_.size() == 1) first_step_ = step;
  if (losses_.size() >= 50) collect();
}

void Running::collect() {
  if (losses_.empty()) return;
  auto const losses = torch::stack(losses_).to(torch::kCPU, torch::kFloat64).contiguous();
  auto const right = torch::stack(right_).to(torch::kCPU, torch::kFloat64).contiguous();
  auto const* loss = losses.const_data_ptr<double>();
  auto const* hits = right.const_data_ptr<double>();
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    for (std::size_t k = 0; k < exits_; ++k) {
      double const value = loss[i * exits_ + k];
      if (!std::isfinite(value))
        throw RunError(label_ + ", step " + std::to_string(first_step_ + static_cast<long>(i) + 1) + ", exit " +
                           std::to_string(k + 1) + " of " + std::to_string(exits_) + ": the loss is " +
                           shortest(value) + "; lower the learning rate or clip gradients",
                       Exit::runs_failed);
      sums[k] += value * static_cast<double>(rows_[i]);
      sums[exits_ + k] += hits[i * exits_ + k];
    }
    samples += static_cast<double>(rows_[i]);
  }
  losses_.clear();
  right_.clear();
  rows_.clear();
}

void Running::reset() {
  sums.assign(2 * exits_, 0.0);
  samples = 0;
}

std::vector<double> Running::means(std::size_t from) const {
  std::vector<double> means;
  for (std::size_t k = 0; k < exits_; ++k) means.push_back(sums[from + k] / std::max(samples, 1.0));
  return means;
}

std::vector<double> Running::mean_loss() const { return means(0); }
std::vector<double> Running::accuracy() const { return means(exits_); }

}  // namespace eexit
