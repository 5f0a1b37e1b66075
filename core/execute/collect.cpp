#include "core/execute/collect.h"

#include <algorithm>

#include "core/base/signals.h"

namespace eexit {

SplitAnswers collect(ExitNet& net, Images const& images, std::vector<int> const& rows) {
  constexpr std::size_t at_once = 256;
  torch::NoGradGuard no_grad;
  net.eval();
  SplitAnswers answers;
  for (std::size_t from = 0; from < rows.size(); from += at_once) {
    throw_if_stop_requested();
    std::vector<int> const chosen(rows.begin() + static_cast<long>(from),
                                  rows.begin() + static_cast<long>(std::min(from + at_once, rows.size())));
    std::vector<Tensor> logits;
    for (auto const& answer : answer_all(net, plain_batch(images, chosen).input)) logits.push_back(answer.logits);
    auto const part = torch::stack(logits, 1).to(torch::kCPU, torch::kFloat32).contiguous();  // [rows, exits, classes]
    answers.logits.insert(answers.logits.end(), part.const_data_ptr<float>(),
                          part.const_data_ptr<float>() + part.numel());
    for (int const row : chosen) {
      answers.index.push_back(row);
      answers.label.push_back(images.labels[static_cast<std::size_t>(row)]);
    }
  }
  return answers;
}

}  // namespace eexit
