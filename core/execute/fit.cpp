#include "core/execute/fit.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/error.h"
#include "core/base/signals.h"
#include "core/execute/timing.h"

namespace eexit {

namespace {

// The first of a drawn order, of each class its share; rising. Where classes are to be found, of all rows.
std::vector<int> rows_of(Run const& run, Fit const& phase) {
  auto const& rows = run.splits->train;
  if (phase.share == 1) return rows;
  Random random(stream_seed(run.seed, {phase.name, "rows"}));
  std::map<int, std::vector<int>> by_class;
  for (int const at : permutation(static_cast<int>(rows.size()), random)) {
    int const row = rows[static_cast<std::size_t>(at)];
    by_class[phase.clusters ? 0 : run.facts->labels[static_cast<std::size_t>(row)]].push_back(row);
  }
  std::vector<int> chosen;
  for (auto const& [label, all] : by_class) {
    auto const wanted = std::max(1L, std::lround(phase.share * static_cast<double>(all.size())));
    chosen.insert(chosen.end(), all.begin(), all.begin() + wanted);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// Once over the rows; to the last head, or to the end where what the last exit sees is looked at too.
void walk_rows(ExitNet& net, Images const& images, std::vector<int> const& rows, bool to_end,
               FitRows::Look const& look) {
  for (std::size_t from = 0; from < rows.size(); from += fit_portion) {
    throw_if_stop_requested();
    std::vector<int> const some(rows.begin() + static_cast<long>(from),
                                rows.begin() + static_cast<long>(std::min(from + fit_portion, rows.size())));
    std::size_t heads = 0;
    auto const end = walk(net.stages, plain_batch(images, some).input, [&](Stage const& stage, State& state) {
      if (!net.heads.contains(stage.name)) return true;
      look(stage.name, state, static_cast<std::int64_t>(from));
      return to_end || ++heads < net.heads.size();
    });
    if (to_end) look("last", end, static_cast<std::int64_t>(from));
  }
}

}  // namespace

TrainResult fit(ExitNet& net, Run const& run, Fit const& phase, Method const& method, TrainSetting const& setting) {
  require(method.fitting.has_value(), "a fit belongs to a method that fits");
  double const begun = wall_seconds();
  torch::NoGradGuard no_grad;
  net.eval();
  auto const rows = rows_of(run, phase);
  FitRows const shown{
      .label_r = setting.images.y_b.index({index_of(rows, setting.images.device())}),
      .classes = run.facts->classes,
      .seed = stream_seed(run.seed, {phase.name}),
      .walk = [&](FitRows::Look const& look) { walk_rows(net, setting.images, rows, phase.clusters, look); }};
  method.fitting->fit(net, shown);
  double const fitted = wall_seconds() - begun;
  auto const val = measure(net, setting.task, plain_rows(setting.images), run.splits->val, run.train.batch);
  return {.seconds = wall_seconds() - begun,
          .step_seconds = fitted,
          .samples = static_cast<double>(rows.size()) * phase.passes,
          .val = val};
}

}  // namespace eexit
