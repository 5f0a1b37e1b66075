#include "core/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/plan/kinds.h"
#include "core/plan/placement.h"
#include "core/plan/run_text.h"
#include "core/plan/tuning.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

Cost whole(BackboneFacts const& net) { return {plain_cost(net, Convention::mac), plain_cost(net, Convention::fv)}; }

void set_costs(Run& run, BackboneFacts const& net, HeadFacts const& heads) {
  run.exit_cost.clear();
  auto const mac = exit_costs(net, heads, run.after, Convention::mac);
  auto const fv = exit_costs(net, heads, run.after, Convention::fv);
  for (std::size_t k = 0; k < mac.size(); ++k) run.exit_cost.push_back({mac[k], fv[k]});
}

bool any_with_heads(std::vector<Phase> const& phases) { return std::any_of(phases.begin(), phases.end(), with_heads); }

// How a method whose heads are fitted is asked for.
constexpr auto fitted_alone = R"({"name": "phases", "phases": ["backbone"]})";

// What an architecture must be for its phases, and the other way round.
void check_network(std::vector<Phase> const& phases, BackboneFacts const& net, std::string const& arch,
                   Cell const& cell) {
  bool clusters = false;
  for (auto const& phase : phases) {
    if (auto const* fit = std::get_if<Fit>(&phase)) clusters = fit->clusters;
    auto const* prune = std::get_if<Prune>(&phase);
    if (prune != nullptr && prune->by == Prune::By::channels && !net.channels)
      throw SpecError(place_in(cell, "/regime/by") + ": " + arch +
                      " does not say which channels can be removed; expected weights "
                      "to prune (magnitude, layer, random, gradient)");
  }
  if (clusters && !net.unlabelled)
    throw SpecError(place_in(cell, "/method/labels") + ": " + arch +
                    " learns from labels; clusters need arch autoencoder");
  if (!clusters && net.unlabelled)
    throw SpecError(place_in(cell, "/method") + ": " + arch +
                    R"( learns without labels; expected {"name": "class_means", "labels": )"
                    R"("clusters"})");
}

void check_phases(std::vector<Phase> const& phases, HeadFacts const& heads, std::string const& place) {
  if (phases.empty()) throw SpecError(place + ": nothing to train: the list of phases is empty");
  bool const some_head = std::any_of(heads.learns.begin(), heads.learns.end(), [](auto const& h) { return h.second; });
  bool const fitted =
      std::any_of(phases.begin(), phases.end(), [](auto const& phase) { return std::holds_alternative<Fit>(phase); });
  bool heads_learn = false;
  for (auto const& phase : phases) {
    auto const* train = std::get_if<Train>(&phase);
    if (train == nullptr) continue;
    bool const trunk = train->learns("stage.") || train->learns("last.");
    if (heads_learn && !train->with_heads())
      throw SpecError(place + ": a " + train->name + " phase cannot follow one with heads: it would leave them behind");
    heads_learn = heads_learn || train->with_heads();
    if (train->with_heads() && fitted && !some_head)
      throw SpecError(place + ": phase " + train->name + " trains heads, and these have nothing to learn; expected " +
                      fitted_alone);
    if (!trunk && !some_head)
      throw SpecError(place + ": nothing to train in phase " + train->name + ": no head has parameters");
  }
  if (fitted && some_head && !heads_learn)
    throw SpecError(place +
                    ": heads that learn are fitted and never trained; expected a phase that trains them, as in "
                    R"({"name": "disjoint"})");
}

// Before the first phase that trains heads, or after all.
void put_fit(std::vector<Phase>& phases, Fit const& fit, bool from_weights, std::string const& place) {
  auto const at = std::find_if(phases.begin(), phases.end(), with_heads);
  if (at == phases.begin() && !from_weights)
    throw SpecError(place +
                    ": means of classes are those of a trained network: expected a backbone phase first, as in " +
                    fitted_alone + ", or arch.weights");
  phases.insert(at, fit);
}

// Of each class that the heads are fitted to.
void require_samples(DataFacts const& facts, std::vector<int> const& rows, std::string const& place) {
  std::vector<int> count(static_cast<std::size_t>(facts.classes), 0);
  for (int const row : rows) ++count[static_cast<std::size_t>(facts.labels[static_cast<std::size_t>(row)])];
  auto const none = std::find(count.begin(), count.end(), 0);
  if (none == count.end()) return;
  throw SpecError(place + ": class " + std::to_string(none - count.begin()) +
                  " has no training rows, and every class must have a mean");
}

// Custom weights are counted here: only now is it known how many exits there are.
void check_weights(Train const& train, Run const& run, Cell const& cell) {
  try {
    exit_weights(train.recipe.exit_weights, std::vector<double>(run.exit_cost.size(), 1.0));
  } catch (SpecError const& error) {
    throw SpecError(place_in(cell, recipe_place(cell, run.regime.name, train.name, "exit_weights")) + ": " +
                    error.what());
  }
}

void set_phases(Run& run, std::vector<Phase> phases, Workload const& work, BackboneFacts const& net,
                HeadFacts const& heads, Cell const& cell) {
  std::map<std::string, int> before;
  for (auto& phase : phases) {
    PlannedPhase planned{.macs = macs_of(phase, work, net, heads)};
    if (auto* train = std::get_if<Train>(&phase)) {
      train->occurrence = before[train->name]++;
      if (train->with_heads()) check_weights(*train, run, cell);
      planned.steps = steps_of(train->length, work);
    } else if (auto* prune = std::get_if<Prune>(&phase)) {
      prune->occurrence = before[prune->name]++;
    }
    planned.phase = std::move(phase);
    run.phases.push_back(std::move(planned));
  }
  set_keys(run, 0);
}

void set_names(Run& run, TypedRun const& typed) {
  run.method_label = run.after.empty() ? "none" : typed.method->label;
  run.regime_label = run.role == Role::run ? typed.regime->label : "plain";
  run.arch_label = typed.arch->label;
  auto const seeds = "s" + std::to_string(run.seed) + (run.head_seed ? "h" + std::to_string(*run.head_seed) : "");
  run.id = run.arch_label + "-" + run.data.source.name + "-" + run.method_label + "-" + run.regime_label + "-" + seeds +
           "-" + run_key(run).substr(0, 8);
  run.spec = typed.spec;
  run.cell = sha256(name_of(run.role) + without_seeds(typed.spec).text());
}

}  // namespace

Planner::Task Planner::task(Cell const& cell, Role role, Cell const& owner_cell) {
  auto const typed = reader_.read(cell, role != Role::run);
  auto const owner = role == Role::rival ? reader_.read(owner_cell, true) : typed;
  auto const& rows = rows_of(*typed.data, cell);
  return {role, cell, owner_cell, typed, owner, rows, reference_macs(owner, rows, owner_cell)};
}

Run Planner::run(Cell const& cell) { return plan(task(cell, Role::run, cell)); }

std::string Planner::add_plain(Cell const& cell, std::vector<Run>& all) {
  // What is learned without labels answers nothing before it is fitted: there the last exit of the run is the network.
  auto const typed = reader_.read(cell, true);
  if (backbone(*typed.arch, *rows_of(*typed.data, cell).facts, cell)->unlabelled) return "";
  return add_once(task(cell, Role::plain, cell), all);
}

std::string Planner::add_rival(Cell const& cell, std::shared_ptr<Part const> const& arch, std::vector<Run>& all) {
  return add_once(task(with_part(cell, arch), Role::rival, cell), all);
}

std::string Planner::add_once(Task const& task, std::vector<Run>& all) {
  auto const& typed = task.typed;
  Identity const identity = {typed.arch, task.role == Role::rival ? task.owner.arch : nullptr,
                             typed.data, typed.train,
                             typed.seed, task.reference};
  auto const [known, fresh] = planned_.try_emplace(identity);
  if (fresh) {
    all.push_back(plan(task));
    known->second = all.back().id;
  }
  return known->second;
}

Run Planner::plan(Task const& task) {
  auto const& [role, cell, owner_cell, typed, owner, rows, reference] = task;
  auto const& train = *typed.train;
  auto const shared_net = backbone(*typed.arch, *rows.facts, cell);
  auto const& net = *shared_net;
  Run run{.role = role,
          .arch = typed.arch->choice,
          .data = *typed.data,
          .train = train,
          .seed = typed.seed,
          .stages = {shared_net, &net.stages},
          .plain = whole(net),
          .base = whole(*backbone(*owner.arch, *rows.facts, owner_cell)),
          .params = net.params,
          .facts = rows.facts,
          .splits = rows.splits,
          .test_sets = rows.test_sets,
          .written = std::make_shared<Cell>(owner_cell)};
  if (role == Role::rival) run.rival = cell.part("arch");
  run.weights = weights_of(*typed.arch, *rows.facts, cell);
  auto phases = role == Role::run ? catalog_.regime_phases(typed.regime->choice, train)
                                  : std::vector<Phase>{backbone_phase(train)};
  run.regime = role == Role::run ? typed.regime->choice : Choice{"plain"};
  run.method = run.heads_method = {"none"};
  HeadFacts const none;
  HeadFacts const* own = &none;
  // Where no phase trains heads there are none: the last exit is the only one, and no method has a say.
  auto const method = role == Role::run ? catalog_.method(typed.method->choice, train) : MethodFacts{};
  if (method.fit) {
    put_fit(phases, *method.fit, !run.weights.file.empty(), place_in(cell, "/regime"));
    require_samples(*rows.facts, rows.splits->train, place_in(cell, "/data"));
  }
  if (any_with_heads(phases)) {
    run.method = typed.method->choice;
    apply_method(run, method, phases, cell);
    run.head_seed = typed.head_seed;
    run.after = exits_of(typed, *rows.facts, cell);
    own = &heads(typed, run.after, *rows.facts, cell);
    run.placement = join(run.after, ";");
    run.params += own->params;
    run.buffer_bytes = own->buffer_bytes;
  }
  // A method that learns by its own rule measures one half of a batch on the other.
  for (auto const& step : run.data.augment.steps)
    if (own->own_passes > 0 && catalog_.mixes(step))
      throw SpecError(place_in(cell, "/data/augment") + ": " + step.name + " mixes the images of a batch, and " +
                      run.method.name + " learns from how one half of it does on the other; leave one of them out");
  auto const samples = static_cast<int>(rows.splits->train.size());
  if (train.batch > samples)
    throw SpecError(place_in(cell, "/train/batch") + ": expected at most the " + std::to_string(samples) +
                    " training rows, found " + std::to_string(train.batch));
  check_network(phases, net, typed.arch->label, cell);
  set_costs(run, net, *own);
  if (auto const* left = pruned(run, phases, cell)) {
    run.whole_cost = run.exit_cost;
    set_costs(run, left->first, left->second);
    run.params = left->first.params + left->second.params;
  }
  check_phases(phases, *own, place_in(cell, "/regime"));
  warn_of_epochs(phases, train.protocol, cell);
  Workload const work{.rows = samples, .batch = train.batch, .reference = reference};
  set_lengths(phases, train, work, net, *own, place_in(cell, "/regime"));
  set_phases(run, std::move(phases), work, net, *own, cell);
  set_names(run, typed);
  if (measure_lengths(run, work, net, *own)) set_names(run, typed);
  add_trials(run, task, net);
  return run;
}

// Seconds become steps, once. True: keys have changed.
bool Planner::measure_lengths(Run& run, Workload const& work, BackboneFacts const& net, HeadFacts const& heads) {
  bool any = false;
  for (std::size_t i = 0; i < run.phases.size(); ++i) {
    auto& planned = run.phases[i];
    auto* train = std::get_if<Train>(&planned.phase);
    if (train == nullptr || train->seconds == 0) continue;
    auto const steps = catalog_.steps_in(run, i, train->seconds);
    train->length = length_of(steps, work);
    planned.steps = steps;
    planned.macs = macs_of(planned.phase, work, net, heads);
    any = true;
  }
  if (any) set_keys(run, 0);
  return any;
}

void Planner::apply_method(Run& run, MethodFacts const& facts, std::vector<Phase>& phases, Cell const& cell) {
  run.heads_method = run.method;
  if (!facts.parameters.empty()) {
    auto params = Json::parse(run.method.params);
    for (auto const& name : facts.parameters) params.erase(name);
    run.heads_method.params = params.dump();
  }
  phases.insert(phases.end(), facts.appended.begin(), facts.appended.end());
  if (!facts.own_weights) return;
  for (auto& phase : phases) {
    auto* const train = std::get_if<Train>(&phase);
    if (train == nullptr || train->recipe.exit_weights.kind == ExitWeights::Kind::uniform) continue;
    train->recipe.exit_weights = {};
    warnings_.insert(place_in(cell, recipe_place(cell, run.regime.name, train->name, "exit_weights")) +
                     ": ignored because the method " + run.method.name + " weighs exits itself");
  }
}

Planner::Rows const& Planner::rows_of(DataSpec const& data, Cell const& cell) {
  auto const known = rows_.find(&data);
  if (known != rows_.end()) return known->second;
  auto const source = data.source.name + data.source.params;
  auto& facts = facts_[source];
  if (!facts) facts = std::make_shared<DataFacts const>(catalog_.data(data.source));
  Json const split_key = {source, data.limit ? Json(*data.limit) : Json(), data.held_out, data.split_seed};
  auto& splits = splits_[split_key.dump()];
  if (!splits) {
    if (data.limit && *data.limit > static_cast<int>(facts->labels.size()))
      throw SpecError(place_in(cell, "/data/limit") + ": expected at most the " + std::to_string(facts->labels.size()) +
                      " samples there are, found " + std::to_string(*data.limit));
    try {
      splits = std::make_shared<Splits const>(make_splits(facts->labels, data.limit, data.held_out, data.split_seed));
    } catch (SpecError const& error) {
      throw SpecError(place_in(cell, "/data") + ": " + error.what());
    }
  }
  auto& test_sets = test_sets_[source];
  if (!test_sets) test_sets = std::make_shared<std::vector<TestSet> const>(test_sets_for(data.source.name, *facts));
  return rows_[&data] = {facts, splits, test_sets};
}

std::vector<TestSet> Planner::test_sets_for(std::string const& data, DataFacts const& facts) const {
  std::vector<TestSet> all;
  std::set<std::string> names = {"cal", "test"};
  for (auto const& extra : extra_) {
    if (!extra.data.empty() && extra.data != data) continue;
    try {
      for (auto& set : catalog_.test_sets(extra.source, facts)) {
        if (!names.insert(set.name).second)
          throw SpecError("expected each test set once, found " + set.name + " twice");
        all.push_back(std::move(set));
      }
    } catch (SpecError const& error) {
      throw SpecError(extra.place + ": " + error.what(), error.code);
    }
  }
  return all;
}

namespace {

std::string text_of(Choice const& choice) { return choice.name + choice.params; }

// What facts about a network depend on besides the network.
std::string text_of(DataFacts const& data) {
  auto const& shape = data.shape;
  std::vector<int> const numbers = {shape.channels, shape.height, shape.width, data.classes};
  return join(numbers, "x");
}

}  // namespace

// What is left of the network where channels are pruned, else null; either way prunings are checked.
std::pair<BackboneFacts, HeadFacts> const* Planner::pruned(Run const& run, std::vector<Phase> const& phases,
                                                           Cell const& cell) {
  std::vector<Prune> prunings;
  bool channels = false;
  auto key = text_of(run.arch) + text_of(run.method) + text_of(*run.facts) + join(run.after, ";");
  for (auto const& phase : phases) {
    auto const* prune = std::get_if<Prune>(&phase);
    if (prune == nullptr) continue;
    prunings.push_back(*prune);
    channels = channels || prune->by == Prune::By::channels;
    key += canonical(phase);
  }
  if (prunings.empty()) return nullptr;
  auto known = pruned_.find(key);
  try {
    if (known == pruned_.end())
      known = pruned_
                  .emplace(key, catalog_.pruned(run.arch, run.method, run.facts->shape, run.facts->classes, run.after,
                                                prunings))
                  .first;
  } catch (std::runtime_error const& error) {
    throw SpecError(place_in(cell, "/regime") + ": " + error.what());
  }
  return channels ? &known->second : nullptr;
}

std::shared_ptr<BackboneFacts const> Planner::backbone(Named const& arch, DataFacts const& data, Cell const& cell) {
  auto const key = text_of(arch.choice) + text_of(data);
  auto& facts = backbones_[key];
  if (facts) return facts;
  try {
    facts = std::make_shared<BackboneFacts const>(catalog_.backbone(arch.choice, data.shape, data.classes));
  } catch (SpecError const& error) {
    throw SpecError(place_in(cell, "/arch") + ": " + error.what());
  }
  return facts;
}

StartWeights Planner::weights_of(Named const& arch, DataFacts const& data, Cell const& cell) {
  if (arch.weights.empty()) return {};
  auto& digest = weights_[arch.weights + "\n" + text_of(arch.choice) + text_of(data)];
  try {
    if (digest.empty()) digest = catalog_.weights(arch.weights, arch.choice, data.shape, data.classes);
  } catch (SpecError const& error) {
    throw SpecError(place_in(cell, "/arch/weights") + ": " + arch.label + ": " + error.what(), error.code);
  }
  return {arch.weights, digest};
}

HeadFacts const& Planner::heads(TypedRun const& typed, std::vector<std::string> const& after, DataFacts const& data,
                                Cell const& cell) {
  auto const& [arch, method] = std::tie(typed.arch->choice, typed.method->choice);
  auto const key = text_of(arch) + text_of(method) + text_of(data) + join(after, ";");
  auto const found = heads_.find(key);
  if (found != heads_.end()) return found->second;
  try {
    return heads_[key] = catalog_.heads(arch, method, data.shape, data.classes, after);
  } catch (SpecError const& error) {
    throw SpecError(place_in(cell, "/method") + ": " + error.what());
  }
}

std::vector<std::string> Planner::exits_of(TypedRun const& typed, DataFacts const& data, Cell const& cell) {
  auto const heads_after = [&](std::vector<std::string> const& after) { return heads(typed, after, data, cell); };
  return place_exits(*typed.placement, *backbone(*typed.arch, data, cell), heads_after, cell, typed.arch->label);
}

// MACs of joint training for the protocol's total, with the cell's method and placement.
double Planner::reference_macs(TypedRun const& typed, Rows const& rows, Cell const& cell) {
  auto const& protocol = typed.train->protocol;
  if (protocol.kind != Protocol::Kind::equal_macs) return 0;
  auto own = heads(typed, exits_of(typed, *rows.facts, cell), *rows.facts, cell);
  own.own_passes = 0;  // a method pays for its own learning out of what all are given
  auto const joint = joint_phase(*typed.train);
  return macs_a_sample(std::get<Train>(joint), *backbone(*typed.arch, *rows.facts, cell), own) * protocol.total *
         static_cast<double>(rows.splits->train.size());
}

void Planner::note_rates(Run const& run, Cell const& cell) {
  for (auto const& phase : run.phases) {
    auto const* train = std::get_if<Train>(&phase.phase);
    if (train == nullptr) continue;
    auto const& rule = tune_of(*train);
    Trials const tried = rule ? Trials(rule->rates.size(), rule->seeds) : Trials(0, 0);
    if (!tried_.contains(tried)) tried_[tried] = rate_place(cell, run.regime.name, train->name);
  }
}

void Planner::add_trials(Run& run, Task const& task, BackboneFacts const& net) {
  note_rates(run, task.cell);
  // All seeds of a cell share its trials.
  std::pair const key(run.cell, task.reference);
  auto const known = tunings_.find(key);
  if (known != tunings_.end()) {
    for (std::size_t i = 0; i < run.phases.size(); ++i) run.phases[i].tuning = known->second[i];
    return;
  }
  for (auto& trial : add_tuning(run)) {
    if (!trial_keys_.insert(trial.phases.back().key).second) continue;
    if (trials_.size() == most_runs)
      throw SpecError(tried_.rbegin()->second + ": makes more than 100,000 trials in all");
    if (trial.after.empty()) trial.params = net.params;
    trials_.push_back(std::move(trial));
  }
  auto& tunings = tunings_[key];
  for (auto const& phase : run.phases) tunings.push_back(phase.tuning);
}

std::set<std::string> Planner::take_warnings() {
  auto const text = [](Trials const& tried) {
    if (tried.first == 0) return std::string("the rate is given");
    return std::to_string(tried.first) + " rates are tried on " + std::to_string(tried.second) +
           (tried.second == 1 ? " seed" : " seeds");
  };
  if (tried_.size() > 1) {
    auto const& [most, place] = *tried_.rbegin();
    for (auto const& [tried, other] : tried_)
      if (tried != most)
        warnings_.insert(place + ": " + text(most) + ", while at " + other + " " + text(tried) +
                         ": phases and regimes are not tuned alike");
  }
  return std::move(warnings_);
}

void Planner::warn_of_epochs(std::vector<Phase> const& phases, Protocol const& protocol, Cell const& cell) {
  auto const* first = std::get_if<Train>(&phases.front());
  if (protocol.kind != Protocol::Kind::converged || first == nullptr || first->epochs == 0) return;
  warnings_.insert(place_in(cell, "/regime/epochs") + ": ignored because the protocol converged ends phases itself");
}

}  // namespace eexit
