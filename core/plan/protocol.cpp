#include "core/plan/protocol.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

double macs_a_sample(Train const& phase, BackboneFacts const& net, HeadFacts const& heads) {
  double const trunk = plain_cost(net, Convention::mac);
  double head_cost = 0;
  for (auto const& [name, cost] : heads.cost) head_cost += cost.mac;
  if (!phase.with_heads()) return 3 * trunk;
  // What is frozen costs its forward pass alone; a method's own learning passes through what learns.
  double const learning = 3 + (phase.learns("head.") ? heads.own_passes : 0);
  return (phase.learns("stage.") ? learning : 1) * trunk + (phase.learns("head.") ? learning : 1) * head_cost;
}

long steps_an_epoch(Workload const& work) { return (work.rows + work.batch - 1) / work.batch; }

long steps_of(Length const& length, Workload const& work) {
  return length.epochs * steps_an_epoch(work) + length.steps;
}

double samples_of(Length const& length, Workload const& work) {
  return static_cast<double>(length.epochs) * work.rows +
         std::min(static_cast<double>(length.steps) * work.batch, static_cast<double>(work.rows));
}

namespace {

// Epochs the regime asked for, one by one, or what the protocol gives: the backbone phase that others follow has its
// own number, the last phase has the rest.
std::vector<int> epochs_of(std::span<Phase const> phases, Protocol const& protocol, std::string const& place) {
  std::vector<int> epochs;
  int given = 0, sum = 0;
  for (auto const& phase : phases) {
    epochs.push_back(std::get<Train>(phase).epochs);
    given += epochs.back() > 0;
    sum += epochs.back();
  }
  auto const total = std::to_string(protocol.total);
  if (given == static_cast<int>(phases.size())) {
    if (protocol.kind == Protocol::Kind::equal_epochs && sum != protocol.total)
      throw SpecError(place + ": the epochs sum to " + std::to_string(sum) + ", expected the protocol's total " +
                      total);
    return epochs;
  }
  if (phases.size() == 1) return {protocol.total};
  if (phases.size() == 2 && std::get<Train>(phases[0]).name == "backbone") {
    // Under equal_macs the last phase has what MACs are left, however many epochs the backbone had.
    if (protocol.kind == Protocol::Kind::equal_epochs && protocol.backbone >= protocol.total)
      throw SpecError(place + ": the protocol's backbone (" + std::to_string(protocol.backbone) +
                      ") leaves no epoch of its total (" + total + ") for the phase after it");
    return {protocol.backbone, protocol.total - protocol.backbone};
  }
  throw SpecError(place + ": expected `epochs`, one number a phase, for this list of phases");
}

// The last phase is cut at the step where the reference's MACs are used up.
Length cut(double left, double macs, Workload const& work, std::string const& place) {
  double const samples = left / macs;
  if (!(samples >= 1))
    throw SpecError(place + ": the phases before the last one use up the MACs of the reference; lower their epochs");
  double const whole = std::floor(samples / work.rows + 1e-9);
  double const rest = std::max(0.0, samples - whole * work.rows);
  Length length{.epochs = static_cast<int>(whole), .steps = std::lround(std::ceil(rest / work.batch - 1e-9))};
  if (length.steps >= steps_an_epoch(work)) length = {.epochs = length.epochs + 1, .steps = 0};
  return length;
}

}  // namespace

void set_lengths(std::vector<Phase>& phases, TrainSpec const& spec, Workload const& work, BackboneFacts const& net,
                 HeadFacts const& heads, std::string const& place) {
  auto const& protocol = spec.protocol;
  // Phases that the method appends come last and have the length that it gives them.
  auto const appended =
      std::find_if(phases.begin(), phases.end(), [](Phase const& p) { return std::get<Train>(p).appended; });
  std::span<Phase> const regime(phases.begin(), appended);
  bool const converged = protocol.kind == Protocol::Kind::converged;
  std::vector<int> epochs =
      converged ? std::vector<int>(regime.size(), protocol.max_epochs) : epochs_of(regime, protocol, place);
  double left = work.reference;
  for (auto phase = appended; phase != phases.end(); ++phase) {
    auto const& train = std::get<Train>(*phase);
    epochs.push_back(train.epochs);
    left -= samples_of({.epochs = train.epochs}, work) * macs_a_sample(train, net, heads);
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    auto& phase = std::get<Train>(phases[i]);
    phase.keep = spec.keep;
    phase.length = {.epochs = epochs[i], .steps = 0};
    if (converged) phase.stop = protocol.stop;
    if (protocol.kind != Protocol::Kind::equal_macs || phase.appended) continue;
    double const macs = macs_a_sample(phase, net, heads);
    if (i + 1 == regime.size()) phase.length = cut(left, macs, work, place);
    left -= samples_of(phase.length, work) * macs;
  }
}

}  // namespace eexit
