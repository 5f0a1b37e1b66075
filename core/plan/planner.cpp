#include "core/plan/planner.h"

#include <algorithm>
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
  auto const mac = exit_costs(net, heads, run.after, Convention::mac);
  auto const fv = exit_costs(net, heads, run.after, Convention::fv);
  for (std::size_t k = 0; k < mac.size(); ++k) run.exit_cost.push_back({mac[k], fv[k]});
}

bool train_heads(std::vector<Phase> const& phases) {
  return std::any_of(phases.begin(), phases.end(), [](Phase const& p) { return std::get<Train>(p).with_heads(); });
}

void check_phases(std::vector<Phase> const& phases, HeadFacts const& heads, std::string const& place) {
  if (phases.empty()) throw SpecError(place + ": nothing to train: the list of phases is empty");
  bool const some_head = std::any_of(heads.learns.begin(), heads.learns.end(), [](auto const& h) { return h.second; });
  bool heads_learn = false;
  for (auto const& phase : phases) {
    auto const& train = std::get<Train>(phase);
    bool const trunk = train.learns("stage.") || train.learns("last.");
    if (heads_learn && !train.with_heads())
      throw SpecError(place + ": a " + train.name + " phase cannot follow one with heads: it would leave them behind");
    heads_learn = heads_learn || train.with_heads();
    if (!trunk && !some_head)
      throw SpecError(place + ": nothing to train in phase " + train.name + ": no head has parameters");
  }
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
    auto& train = std::get<Train>(phase);
    train.occurrence = before[train.name]++;
    if (train.with_heads()) check_weights(train, run, cell);
    PlannedPhase planned{.macs = samples_of(train.length, work) * macs_a_sample(train, net, heads),
                         .steps = steps_of(train.length, work)};
    planned.phase = std::move(phase);
    run.phases.push_back(std::move(planned));
  }
  set_keys(run, 0);
}

void set_names(Run& run, TypedRun const& typed) {
  run.method_label = run.after.empty() ? "none" : typed.method_label;
  run.regime_label = run.role == Role::run ? typed.regime_label : "plain";
  run.arch_label = typed.arch_label;
  auto const seeds = "s" + std::to_string(run.seed) + (run.head_seed ? "h" + std::to_string(*run.head_seed) : "");
  run.id = run.arch_label + "-" + run.data.source.name + "-" + run.method_label + "-" + run.regime_label + "-" + seeds +
           "-" + run_key(run).substr(0, 8);
  run.spec = typed.resolved;
  auto cell = Json::parse(typed.resolved);
  for (auto const* seed : {"seed", "head_seed"}) cell.erase(seed);
  run.cell = sha256(name_of(run.role) + cell.dump());
}

}  // namespace

Run Planner::run(Cell const& cell) { return plan(cell, Role::run, nullptr, nullptr); }
Run Planner::plain(Cell const& cell) { return plan(cell, Role::plain, nullptr, nullptr); }

Run Planner::rival(Cell const& rival, Cell const& like) {
  return plan(with_arch_of(like, rival), Role::rival, &like, &rival);
}

Run Planner::plan(Cell const& cell, Role role, Cell const* like, Cell const* rival) {
  auto typed = read_run(cell, catalog_, role != Role::run);
  auto const rows = rows_of(typed.data, cell);
  Run run{.role = role,
          .arch = typed.arch,
          .data = typed.data,
          .train = typed.train,
          .seed = typed.seed,
          .facts = rows.facts,
          .splits = rows.splits,
          .written = like ? like->text : cell.text,
          .rival = rival ? rival->text : nullptr};
  auto const& net = backbone(typed.arch, *rows.facts);
  run.stages = net.stages;
  run.plain = whole(net);
  run.params = net.params;
  auto phases = role == Role::run ? catalog_.regime_phases(typed.regime, typed.train)
                                  : std::vector<Phase>{backbone_phase(typed.train)};
  run.regime = role == Role::run ? typed.regime : Choice{"plain"};
  run.method = {"none"};
  HeadFacts own;
  // Where no phase trains heads there are none: the last exit is the only one, and no method has a say.
  if (train_heads(phases)) {
    run.method = typed.method;
    run.head_seed = typed.head_seed;
    run.after = exits_of(typed, *rows.facts, cell);
    own = heads(typed, run.after, *rows.facts);
    run.placement = join(run.after, ";");
    run.params += own.params;
  }
  // A rival is held against the grid's cell: its plain cost is the unit, its joint training the reference.
  auto const owner = like ? read_run(*like, catalog_, true) : typed;
  run.base = whole(backbone(owner.arch, *rows.facts));
  if (typed.train.batch > static_cast<int>(rows.splits->train.size()))
    throw SpecError(place_in(cell, "/train/batch") + ": expected at most the " +
                    std::to_string(rows.splits->train.size()) + " training rows, found " +
                    std::to_string(typed.train.batch));
  set_costs(run, net, own);
  check_phases(phases, own, place_in(cell, "/regime"));
  warn_of_epochs(phases, typed.train.protocol, cell);
  Workload const work{.rows = static_cast<int>(rows.splits->train.size()),
                      .batch = typed.train.batch,
                      .reference = reference_macs(owner, rows, like ? *like : cell)};
  set_lengths(phases, typed.train, work, net, own, place_in(cell, "/regime"));
  set_phases(run, std::move(phases), work, net, own, cell);
  set_names(run, typed);
  add_trials(run, cell, net);
  return run;
}

Planner::Rows Planner::rows_of(DataSpec const& data, Cell const& cell) {
  Json const facts_key = {data.source.name, Json::parse(data.source.params)};
  auto& facts = facts_[facts_key.dump()];
  if (!facts) facts = std::make_shared<DataFacts const>(catalog_.data(data.source));
  Json const split_key = {facts_key, data.limit ? Json(*data.limit) : Json(), data.held_out, data.split_seed};
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
  return {facts, splits};
}

BackboneFacts const& Planner::backbone(Choice const& arch, DataFacts const& data) {
  Json const key = {arch.name, arch.params, data.shape.channels, data.shape.height, data.shape.width, data.classes};
  auto const found = backbones_.find(key.dump());
  if (found != backbones_.end()) return found->second;
  return backbones_[key.dump()] = catalog_.backbone(arch, data.shape, data.classes);
}

HeadFacts Planner::heads(TypedRun const& typed, std::vector<std::string> const& after, DataFacts const& data) {
  return catalog_.heads(typed.arch, typed.method, data.shape, data.classes, after);
}

std::vector<std::string> Planner::exits_of(TypedRun const& typed, DataFacts const& data, Cell const& cell) {
  auto const heads_after = [&](std::vector<std::string> const& after) { return heads(typed, after, data); };
  return place_exits(typed.placement, backbone(typed.arch, data), heads_after, cell, typed.arch_label);
}

// MACs of joint training for the protocol's total, with the cell's method and placement.
double Planner::reference_macs(TypedRun const& typed, Rows const& rows, Cell const& cell) {
  auto const& protocol = typed.train.protocol;
  if (protocol.kind != Protocol::Kind::equal_macs) return 0;
  auto const own = heads(typed, exits_of(typed, *rows.facts, cell), *rows.facts);
  auto const joint = joint_phase(typed.train);
  return macs_a_sample(std::get<Train>(joint), backbone(typed.arch, *rows.facts), own) * protocol.total *
         static_cast<double>(rows.splits->train.size());
}

void Planner::note_rates(Run const& run, Cell const& cell) {
  for (auto const& phase : run.phases) {
    auto const& train = std::get<Train>(phase.phase);
    auto const& rule = tune_of(train);
    Trials const tried = rule ? Trials(rule->rates.size(), rule->seeds) : Trials(0, 0);
    if (!tried_.contains(tried)) tried_[tried] = rate_place(cell, run.regime.name, train.name);
  }
}

void Planner::add_trials(Run& run, Cell const& cell, BackboneFacts const& net) {
  note_rates(run, cell);
  for (auto& trial : add_tuning(run)) {
    if (!trial_keys_.insert(trial.phases.back().key).second) continue;
    if (trials_.size() == most_runs)
      throw SpecError(tried_.rbegin()->second + ": makes more than 100,000 trials in all");
    if (trial.after.empty()) trial.params = net.params;
    trials_.push_back(std::move(trial));
  }
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
  if (protocol.kind != Protocol::Kind::converged || std::get<Train>(phases.front()).epochs == 0) return;
  warnings_.insert(place_in(cell, "/regime/epochs") + ": ignored because the protocol converged ends phases itself");
}

}  // namespace eexit
