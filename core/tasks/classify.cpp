#include "core/tasks/classify.h"

#include "core/net/layers.h"

namespace eexit {

namespace {

Tensor cross_entropy_rows(Tensor const& logits_rk, Tensor const& target_r, double smoothing) {
  return torch::nn::functional::cross_entropy(
      at_least_f32(logits_rk), target_r,
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone).label_smoothing(smoothing));
}

Tensor count_right(Tensor const& logits_rk, Tensor const& target_r) { return logits_rk.argmax(1).eq(target_r).sum(); }

std::vector<int> flat_labels(Tensor const& target) {
  auto const cpu = target.to(torch::kCPU, torch::kInt32).contiguous().flatten();
  return {cpu.const_data_ptr<int>(), cpu.const_data_ptr<int>() + cpu.numel()};
}

// f32 on the CPU, contiguous: what the plain functions of core/exits read.
Tensor on_host(Tensor const& logits_rk) { return logits_rk.to(torch::kCPU, torch::kFloat32).contiguous(); }

std::span<float const> row_of(Tensor const& logits_rk, std::int64_t row) {
  auto const classes = logits_rk.size(1);
  return {logits_rk.const_data_ptr<float>() + row * classes, static_cast<std::size_t>(classes)};
}

}  // namespace

Tensor whole_rows(Tensor const& logits_rk, State const&) { return logits_rk; }

std::vector<int> argmax_rows(Tensor const& logits_rk) {
  auto const host = on_host(logits_rk);
  std::vector<int> predicted(static_cast<std::size_t>(host.size(0)));
  for (std::size_t row = 0; row < predicted.size(); ++row)
    predicted[row] = argmax(row_of(host, static_cast<std::int64_t>(row)));
  return predicted;
}

std::vector<double> softmax_confidence(Measure const& measure, Tensor const& logits_rk, Earlier const& earlier) {
  auto const host = on_host(logits_rk);
  double const temperature = measure.at(earlier.size() - 1);
  std::vector<double> values(static_cast<std::size_t>(host.size(0)));
  for (std::size_t row = 0; row < values.size(); ++row)
    values[row] = confidence(measure.kind, row_of(host, static_cast<std::int64_t>(row)), temperature);
  return values;
}

void drop_samples(State& state, Earlier& earlier, Tensor const& stay) {
  state = take_rows(state, stay);
  for (auto& answer : earlier) {
    answer.logits = answer.logits.index({stay});
    if (answer.memo.defined()) answer.memo = answer.memo.index({stay});
  }
}

double share_right(ExitTable const& table, Outcome const& outcome) {
  int right = 0;
  for (int row = 0; row < table.rows; ++row) right += table.right(row, outcome.exit[static_cast<std::size_t>(row)]);
  return static_cast<double>(right) / table.rows;
}

Task classify() {
  return {.loss = cross_entropy_rows,
          .rows = whole_rows,
          .labels = flat_labels,
          .predict = argmax_rows,
          .confidence = softmax_confidence,
          .keep = drop_samples,
          .score = share_right,
          .right = count_right};
}

}  // namespace eexit
