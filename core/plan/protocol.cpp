#include "core/plan/protocol.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

double macs_a_sample(Train const& phase, BackboneFacts const& net, HeadFacts const& heads) {
  double const trunk = plain_cost(net, Convention::mac);
  double head_cost = 0;
  for (auto const& [name, cost] : heads.cost) head_cost += cost.mac;
  if (!phase.with_heads()) return 3 * (trunk + net.unlabelled_macs);
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

Length length_of(long steps, Workload const& work) {
  auto const epoch = steps_an_epoch(work);
  return {.epochs = static_cast<int>(steps / epoch), .steps = steps % epoch};
}

namespace {

double fit_macs(Fit const& fit, Workload const& work, BackboneFacts const& net, HeadFacts const& heads) {
  double trunk = 0, to_last_head = 0, head_cost = 0;
  for (std::size_t i = 0; i < net.stages.size(); ++i) {
    trunk += net.cost[i].mac;
    auto const head = heads.cost.find(net.stages[i]);
    if (head == heads.cost.end()) continue;
    head_cost += head->second.mac;
    to_last_head = trunk;
  }
  // Distances are measured in the last pass alone.
  return fit.share * work.rows * (fit.passes * (fit.clusters ? trunk : to_last_head) + head_cost);
}

}  // namespace

double macs_of(Phase const& phase, Workload const& work, BackboneFacts const& net, HeadFacts const& heads) {
  if (auto const* train = std::get_if<Train>(&phase))
    return samples_of(train->length, work) * macs_a_sample(*train, net, heads);
  if (auto const* fit = std::get_if<Fit>(&phase)) return fit_macs(*fit, work, net, heads);
  auto const& prune = std::get<Prune>(phase);
  if (prune.by != Prune::By::gradient) return 0;
  double cost = plain_cost(net, Convention::mac);
  if (with_heads(phase))
    for (auto const& [name, head] : heads.cost) cost += head.mac;
  return 3 * cost * prune.batches * work.batch;
}

namespace {

using Trains = std::vector<Train*>;

// Epochs the regime asked for, one by one, or what the protocol gives: the backbone phase that others follow has its
// own number, the last phase has the rest. `more`: phases that fine-tune come after these.
std::vector<int> epochs_of(Trains const& phases, bool more, Protocol const& protocol, std::string const& place) {
  std::vector<int> epochs;
  int given = 0, sum = 0;
  for (auto const* phase : phases) {
    epochs.push_back(phase->epochs);
    given += epochs.back() > 0;
    sum += epochs.back();
  }
  auto const total = std::to_string(protocol.total);
  if (given == static_cast<int>(phases.size())) {
    bool const fits = more ? sum < protocol.total : sum == protocol.total;
    if (!phases.empty() && protocol.kind == Protocol::Kind::equal_epochs && !fits)
      throw SpecError(place + ": the epochs sum to " + std::to_string(sum) + ", expected " +
                      (more ? "less than " : "") + "the protocol's total " + total +
                      (more ? ", whose rest is for fine-tuning" : ""));
    return epochs;
  }
  // Under equal_macs the last phase has what MACs are left, however many epochs the backbone had.
  bool const too_long = protocol.kind == Protocol::Kind::equal_epochs && protocol.backbone >= protocol.total;
  bool const first_of_two = phases.size() == 2 && phases[0]->name == "backbone" && !more;
  if ((first_of_two || (phases.size() == 1 && more)) && too_long)
    throw SpecError(place + ": the protocol's backbone (" + std::to_string(protocol.backbone) +
                    ") leaves no epoch of its total (" + total + ") for " +
                    (more ? "fine-tuning" : "the phase after it"));
  if (phases.size() == 1) return {more ? protocol.backbone : protocol.total};
  if (first_of_two) return {protocol.backbone, protocol.total - protocol.backbone};
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

// As many steps for each as can be, the first ones having one more where some are left. macs: of a step of each; left:
// in the same unit.
void share_out(Trains const& phases, double left, std::vector<double> const& macs, Workload const& work,
               std::string const& place) {
  auto const each = static_cast<long>(std::floor(left / std::accumulate(macs.begin(), macs.end(), 0.0) + 1e-9));
  if (each < 1)
    throw SpecError(place + ": the protocol leaves less than one step for each of " + std::to_string(phases.size()) +
                    " rounds of fine-tuning");
  for (double const step : macs) left -= step * static_cast<double>(each);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    bool const more = left >= macs[i] * (1 - 1e-9);
    if (more) left -= macs[i];
    phases[i]->length = length_of(each + more, work);
  }
}

// The training phases by where their length comes from.
struct ByLength {
  Trains protocol, given, fine, appended;
};

ByLength by_length(std::vector<Phase>& phases) {
  ByLength all;
  for (auto& phase : phases)
    if (auto* train = std::get_if<Train>(&phase))
      (train->appended                                               ? all.appended
       : train->fine_tunes                                           ? all.fine
       : train->passes > 0 || train->seconds > 0 || train->steps > 0 ? all.given
                                                                     : all.protocol)
          .push_back(train);
  return all;
}

}  // namespace

void set_lengths(std::vector<Phase>& phases, TrainSpec const& spec, Workload const& work, BackboneFacts const& net,
                 HeadFacts const& heads, std::string const& place) {
  auto const& protocol = spec.protocol;
  auto const trains = by_length(phases);
  bool const converged = protocol.kind == Protocol::Kind::converged, fine = !trains.fine.empty();
  bool const equal_macs = protocol.kind == Protocol::Kind::equal_macs;
  if (converged && fine)
    throw SpecError(place +
                    ": rounds of fine-tuning share what a protocol leaves, and converged has no total; "
                    "expected equal_epochs or equal_macs");
  auto const timed = [](Train const* train) { return train->seconds > 0; };
  if (equal_macs && std::any_of(trains.given.begin(), trains.given.end(), timed))
    throw SpecError(place +
                    ": seconds are known only once they are timed, and equal_macs must give the rest before; "
                    "expected passes, or another protocol");
  auto const epochs = converged ? std::vector<int>(trains.protocol.size(), protocol.max_epochs)
                                : epochs_of(trains.protocol, fine, protocol, place);
  int sum = 0;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    trains.protocol[i]->length = {.epochs = epochs[i]};
    if (converged) trains.protocol[i]->stop = protocol.stop;
    sum += epochs[i];
  }
  for (auto* train : trains.given) {
    auto const steps = train->steps > 0 ? train->steps : std::lround(train->passes * steps_an_epoch(work));
    train->length = train->seconds > 0 ? Length{.epochs = 1} : length_of(std::max(1L, steps), work);
  }
  // Phases that the method appends have the length that it gives them.
  for (auto* train : trains.appended) {
    train->length = {.epochs = train->epochs};
    if (converged) train->stop = protocol.stop;
  }
  for (auto& phase : phases)
    if (auto* train = std::get_if<Train>(&phase)) train->keep = spec.keep;
  double left = work.reference;
  auto const* cut_here = equal_macs && !fine && !trains.protocol.empty() ? trains.protocol.back() : nullptr;
  for (auto const& phase : phases) {
    auto const* train = std::get_if<Train>(&phase);
    if (train == nullptr || (train != cut_here && !train->fine_tunes)) left -= macs_of(phase, work, net, heads);
  }
  if (cut_here != nullptr)
    trains.protocol.back()->length = cut(left, macs_a_sample(*cut_here, net, heads), work, place);
  if (!fine) return;
  std::vector<double> macs;
  for (auto const* train : trains.fine) macs.push_back(equal_macs ? work.batch * macs_a_sample(*train, net, heads) : 1);
  share_out(trains.fine, equal_macs ? left : static_cast<double>((protocol.total - sum) * steps_an_epoch(work)), macs,
            work, place);
}

}  // namespace eexit
