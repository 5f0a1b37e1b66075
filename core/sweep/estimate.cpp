#include "core/sweep/estimate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <set>
#include <utility>

#include "core/base/error.h"

namespace eexit {
namespace {

std::string kind_of(std::string const& device) { return device.substr(0, device.find(':')); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto const middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

void Estimate::learn(Effort const& effort, double seconds) {
  bool const measured = effort.macs > 0 && seconds > 0 && std::isfinite(seconds / effort.macs) && effort.threads > 0;
  if (!measured) return;
  rates_.push_back({.arch = effort.arch,
                    .device = kind_of(effort.device),
                    .threads = effort.threads,
                    .thread_seconds = seconds / effort.macs * effort.threads});
}

std::optional<double> Estimate::seconds(Effort const& effort) const {
  // The fewer differences, the nearer: 0 for none, 1 for the threads, 2 for the architecture.
  std::vector<std::vector<double>> by_distance(3);
  for (auto const& rate : rates_) {
    if (rate.device != kind_of(effort.device)) continue;
    std::size_t const distance = rate.arch != effort.arch ? 2 : rate.threads != effort.threads ? 1 : 0;
    by_distance[distance].push_back(rate.thread_seconds);
  }
  for (auto const& rates : by_distance)
    if (!rates.empty()) return median(rates) * effort.macs / std::max(effort.threads, 1);
  return std::nullopt;
}

double makespan(std::span<double const> seconds, std::span<std::vector<int> const> after, int jobs) {
  require(seconds.size() == after.size() && jobs >= 1, "a makespan has one list a node, and a worker");
  auto const count = static_cast<int>(seconds.size());
  std::vector<std::vector<int>> next(seconds.size());
  std::vector<std::size_t> waits_for(seconds.size());
  std::set<int> ready;
  for (int i = 0; i < count; ++i) {
    auto const at = static_cast<std::size_t>(i);
    waits_for[at] = after[at].size();
    if (waits_for[at] == 0) ready.insert(i);
    for (int const before : after[at]) {
      require(before >= 0 && before < count, "a node waits for one that exists");
      next[static_cast<std::size_t>(before)].push_back(i);
    }
  }
  using Running = std::pair<double, int>;  // when it ends, and what
  std::priority_queue<Running, std::vector<Running>, std::greater<>> running;
  double time = 0;
  int done = 0;
  while (!ready.empty() || !running.empty()) {
    while (!ready.empty() && running.size() < static_cast<std::size_t>(jobs)) {
      int const node = *ready.begin();
      ready.erase(ready.begin());
      running.emplace(time + std::max(seconds[static_cast<std::size_t>(node)], 0.0), node);
    }
    auto const [end, node] = running.top();
    running.pop();
    time = end;
    ++done;
    for (int const later : next[static_cast<std::size_t>(node)])
      if (--waits_for[static_cast<std::size_t>(later)] == 0) ready.insert(later);
  }
  require(done == count, "nodes do not wait for each other in a circle");
  return time;
}

}  // namespace eexit
