#include "core/exits/policy.h"

namespace eexit {

namespace policy {
#define ENTRY(name, help) PolicyFamily name(JsonReader&);
#include "core/exits/policies/list.inc"
#undef ENTRY
}  // namespace policy

Registry<PolicyMaker> policies() {
  static constexpr Entry<PolicyMaker> entries[] = {
#define ENTRY(name, help) {#name, help, policy::name},
#include "core/exits/policies/list.inc"
#undef ENTRY
  };
  return entries;
}

std::optional<Point> best_within(std::vector<Point> const& points, double cost) {
  Point const* best = nullptr;
  for (auto const& point : points) {
    if (!(point.cost <= cost)) continue;
    bool const better = !best || point.score > best->score || (point.score == best->score && point.cost <= best->cost);
    if (better) best = &point;
  }
  return best ? std::optional(*best) : std::nullopt;
}

PolicyFamily family(std::function<std::vector<Point>(ExitTable const&)> frontier,
                    std::function<Policy(Knobs const&)> at) {
  auto fit = [](ExitTable const&, std::vector<Point> const& points, double cost) { return best_within(points, cost); };
  return {.frontier = std::move(frontier), .fit = fit, .at = std::move(at)};
}

std::vector<Knobs> whole_numbers(int exits) {
  std::vector<Knobs> numbers;
  for (int i = 0; i < exits; ++i) numbers.push_back({static_cast<double>(i)});
  return numbers;
}

}  // namespace eexit
