#include "core/plan/plan.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/plan/cells.h"
#include "core/plan/kinds.h"
#include "core/plan/protocol.h"
#include "core/plan/read_run.h"

namespace eexit {

std::string name_of(Protocol::Kind kind) {
  switch (kind) {
    case Protocol::Kind::equal_epochs:
      return "equal_epochs";
    case Protocol::Kind::equal_macs:
      return "equal_macs";
    case Protocol::Kind::converged:
      break;
  }
  return "converged";
}

std::vector<std::string> exit_names(Run const& run) {
  auto names = run.after;
  names.emplace_back("last");
  return names;
}

std::vector<double> costs_of(Run const& run, Convention convention) {
  std::vector<double> costs;
  for (auto const& cost : run.exit_cost) costs.push_back(in(convention, cost));
  return costs;
}

std::string name_of(Role role) {
  switch (role) {
    case Role::run:
      return "run";
    case Role::plain:
      return "plain";
    case Role::rival:
      break;
  }
  return "rival";
}

namespace {

using Json = nlohmann::json;

// Plans of one spec share what they ask about data sets and networks.
class Planner {
 public:
  explicit Planner(Catalog const& catalog) : catalog_(catalog) {}
  std::set<std::string> warnings;

  Run run(Cell const& cell) { return plan(cell, Role::run, nullptr); }
  Run plain(Cell const& cell) { return plan(cell, Role::plain, nullptr); }
  // `like`: the grid's cell that lends data, train and seed, and the network that cost fractions refer to.
  Run rival(Cell const& cell, Cell const& like) { return plan(with_data_of(cell, like), Role::rival, &like); }

 private:
  struct Rows {
    std::shared_ptr<DataFacts const> facts;
    std::shared_ptr<Splits const> splits;
  };

  Run plan(Cell const& cell, Role role, Cell const* like) {
    auto typed = read_run(cell, catalog_, role != Role::run);
    auto const rows = rows_of(typed.data, cell);
    Run run{.role = role,
            .arch = typed.arch,
            .data = typed.data,
            .seed = typed.seed,
            .facts = rows.facts,
            .splits = rows.splits};
    auto const net = backbone(typed.arch, *rows.facts);
    run.stages = net.stages;
    run.plain = whole(net);
    run.params = net.params;
    HeadFacts own;
    if (role == Role::run) {
      run.method = typed.method;
      run.regime = typed.regime;
      run.after = place_exits(typed, net, *rows.facts, cell);
      own = heads(typed, run.after, *rows.facts);
      run.placement = join(run.after, ";");
      run.params += own.params;
    } else {
      run.method = {"none", "{}"};
      run.regime = {"plain", "{}"};
    }
    // A rival is held against the grid's cell: its plain cost is the unit, its joint training the reference.
    Cell const& owner_cell = like ? *like : cell;
    auto const owner = like ? read_run(*like, catalog_) : typed;
    run.base = whole(backbone(owner.arch, *rows.facts));
    double const reference = reference_macs(owner, *rows.facts, *rows.splits, owner_cell);
    if (typed.train.batch > static_cast<int>(rows.splits->train.size()))
      throw SpecError(place_in(cell, "/train/batch") + ": expected at most the " +
                      std::to_string(rows.splits->train.size()) + " training rows, found " +
                      std::to_string(typed.train.batch));
    run.train = typed.train;
    set_costs(run, net, own);
    auto phases = role == Role::run ? catalog_.regime_phases(typed.regime, typed.train)
                                    : std::vector<Phase>{backbone_phase(typed.train)};
    check_phases(phases, own, place_in(cell, "/regime"));
    warn_of_epochs(phases, typed.train.protocol, cell);
    Workload const work{
        .rows = static_cast<int>(rows.splits->train.size()), .batch = typed.train.batch, .reference = reference};
    set_lengths(phases, typed.train, work, net, own, place_in(cell, "/regime"));
    set_phases(run, std::move(phases), work, net, own, cell);
    set_names(run, typed);
    return run;
  }

  Rows rows_of(DataSpec const& data, Cell const& cell) {
    Json const facts_key = {data.source.name, Json::parse(data.source.params)};
    auto& facts = facts_[facts_key.dump()];
    if (!facts) facts = std::make_shared<DataFacts const>(catalog_.data(data.source));
    Json const split_key = {facts_key, data.limit ? Json(*data.limit) : Json(), data.held_out, data.split_seed};
    auto& splits = splits_[split_key.dump()];
    if (!splits) {
      if (data.limit && *data.limit > static_cast<int>(facts->labels.size()))
        throw SpecError(place_in(cell, "/data/limit") + ": expected at most the " +
                        std::to_string(facts->labels.size()) + " samples there are, found " +
                        std::to_string(*data.limit));
      try {
        splits = std::make_shared<Splits const>(make_splits(facts->labels, data.limit, data.held_out, data.split_seed));
      } catch (SpecError const& error) {
        throw SpecError(place_in(cell, "/data") + ": " + error.what());
      }
    }
    return {facts, splits};
  }

  BackboneFacts const& backbone(Choice const& arch, DataFacts const& data) {
    Json const key = {arch.name, arch.params, data.shape.channels, data.shape.height, data.shape.width, data.classes};
    auto const found = backbones_.find(key.dump());
    if (found != backbones_.end()) return found->second;
    return backbones_[key.dump()] = catalog_.backbone(arch, data.shape, data.classes);
  }

  static Cost whole(BackboneFacts const& net) {
    return {plain_cost(net, Convention::mac), plain_cost(net, Convention::fv)};
  }

  HeadFacts heads(TypedRun const& typed, std::vector<std::string> const& after, DataFacts const& data) {
    return catalog_.heads(typed.arch, typed.method, data.shape, data.classes, after);
  }

  // MACs of joint training for the protocol's total, with the cell's method and placement.
  double reference_macs(TypedRun const& typed, DataFacts const& data, Splits const& splits, Cell const& cell) {
    if (typed.train.protocol.kind != Protocol::Kind::equal_macs) return 0;
    auto const& net = backbone(typed.arch, data);
    auto const after = place_exits(typed, net, data, cell);
    return macs_a_sample(std::get<Train>(joint_phase(typed.train)), net, heads(typed, after, data)) *
           typed.train.protocol.total * static_cast<double>(splits.train.size());
  }

  std::vector<std::string> place_exits(TypedRun const& typed, BackboneFacts const& net, DataFacts const& data,
                                       Cell const& cell) {
    // The last stage's features feed the network's own classifier.
    std::vector<std::string> const possible(net.stages.begin(), net.stages.end() - 1);
    auto const& placement = typed.placement;
    if (possible.empty())
      throw SpecError(place_in(cell, "/placement") + ": " + typed.arch_label +
                      " has a single block, and an exit after the last one would double its classifier");
    auto const pointer = placement.cost.empty() ? "/placement/count" : "/placement/cost";
    if (!placement.after.empty()) return named_exits(placement.after, net.stages, cell);
    std::vector<double> targets = placement.cost;
    for (int i = 1; i <= placement.count; ++i) targets.push_back(i / (placement.count + 1.0));
    std::sort(targets.begin(), targets.end());
    auto const facts = heads(typed, possible, data);
    double const plain = plain_cost(net, Convention::mac);
    std::vector<std::string> chosen;
    std::size_t next = 0;  // the first stage after those chosen
    double carried = 0;    // MACs of the heads chosen so far
    for (double const target : targets) {
      auto const where = place_in(cell, pointer);
      auto best = possible.size();
      double sum = 0;
      for (std::size_t i = 0; i < possible.size(); ++i) {
        sum += net.cost[i].mac;
        // A target of 0.29 means 29 of 100, whatever the product rounds to.
        if (i >= next && carried + sum + facts.cost.at(possible[i]).mac <= target * plain * (1 + 1e-12)) best = i;
      }
      if (best < possible.size()) {
        chosen.push_back(possible[best]);
        carried += facts.cost.at(possible[best]).mac;
        next = best + 1;
        continue;
      }
      if (!chosen.empty())
        throw SpecError(where + ": two targets fall on one stage (" + chosen.back() + ", for " + shortest(target) +
                        "); ask for fewer exits or name them with after");
      throw SpecError(where + ": no exit costs at most " + shortest(target) +
                      " of the plain network; the cheapest, after " + possible.front() + ", costs " +
                      shortest(std::round((net.cost[0].mac + facts.cost.at(possible[0]).mac) / plain * 1e4) / 1e4));
    }
    return chosen;
  }

  static std::vector<std::string> named_exits(std::vector<std::string> const& after,
                                              std::vector<std::string> const& stages, Cell const& cell) {
    std::set<std::size_t> positions;
    for (std::size_t i = 0; i < after.size(); ++i) {
      auto const place = place_in(cell, "/placement/after/" + std::to_string(i));
      auto const found = std::find(stages.begin(), stages.end(), after[i]);
      if (found == stages.end())
        throw SpecError(place + ": no stage \"" + after[i] + "\"; expected " +
                        (stages.front() == "stem" ? "\"stem\" or " : "") + "a block from 0 to " +
                        std::to_string(stages.size() - (stages.front() == "stem" ? 3 : 2)));
      if (found + 1 == stages.end())
        throw SpecError(place + ": an exit after the last block (" + after[i] +
                        ") would double the network's own classifier; expected at most " + *(found - 1));
      if (!positions.insert(static_cast<std::size_t>(found - stages.begin())).second)
        throw SpecError(place + ": two exits at one place, after " + after[i]);
    }
    std::vector<std::string> sorted;
    for (auto const position : positions) sorted.push_back(stages[position]);
    return sorted;
  }

  static void set_costs(Run& run, BackboneFacts const& net, HeadFacts const& heads) {
    auto const mac = exit_costs(net, heads, run.after, Convention::mac);
    auto const fv = exit_costs(net, heads, run.after, Convention::fv);
    for (std::size_t k = 0; k < mac.size(); ++k) run.exit_cost.push_back({mac[k], fv[k]});
  }

  static void check_phases(std::vector<Phase> const& phases, HeadFacts const& heads, std::string const& place) {
    if (phases.empty()) throw SpecError(place + ": nothing to train: the list of phases is empty");
    bool const some_head =
        std::any_of(heads.learns.begin(), heads.learns.end(), [](auto const& h) { return h.second; });
    bool heads_learn = false;
    for (auto const& phase : phases) {
      auto const& train = std::get<Train>(phase);
      bool const trunk = train.learns("stage.") || train.learns("last.");
      if (heads_learn && !train.with_heads())
        throw SpecError(place + ": a " + train.name +
                        " phase cannot follow one with heads: it would leave them behind");
      heads_learn = heads_learn || train.with_heads();
      if (!trunk && !some_head)
        throw SpecError(place + ": nothing to train in phase " + train.name + ": no head has parameters");
    }
    // Untrained heads would be judged as if they were an answer.
    if (some_head && !heads_learn)
      throw SpecError(place + ": no phase trains the heads; expected joint or heads among the phases");
  }

  void set_phases(Run& run, std::vector<Phase> phases, Workload const& work, BackboneFacts const& net,
                  HeadFacts const& heads, Cell const& cell) {
    std::string parent = "init";
    std::map<std::string, int> before;
    bool had_heads = false;
    for (auto& phase : phases) {
      auto& train = std::get<Train>(phase);
      train.occurrence = before[train.name]++;
      PlannedPhase planned{.phase = phase, .parent = parent};
      planned.steps = steps_of(train.length, work);
      planned.macs = samples_of(train.length, work) * macs_a_sample(train, net, heads);
      if (train.with_heads()) check_weights(train, run, cell);
      had_heads = had_heads || train.with_heads();
      planned.canonical = phase_text(run, phase, had_heads, parent);
      planned.key = sha256(planned.canonical);
      parent = planned.key;
      run.phases.push_back(std::move(planned));
    }
  }

  // Custom weights are counted here: only now is it known how many exits there are.
  static void check_weights(Train const& train, Run const& run, Cell const& cell) {
    try {
      exit_weights(train.recipe.exit_weights, std::vector<double>(run.exit_cost.size(), 1.0));
    } catch (SpecError const& error) {
      std::string place = "/train/exit_weights";
      auto const text = Json::parse(cell.text);
      for (auto const& part : {"regimes/" + run.regime.name + "/" + train.name, "phases/" + train.name}) {
        auto const own = "/train/" + part + "/exit_weights";
        if (!text.contains(Json::json_pointer(own))) continue;
        place = own;
        break;
      }
      throw SpecError(place_in(cell, place) + ": " + error.what());
    }
  }

  void warn_of_epochs(std::vector<Phase> const& phases, Protocol const& protocol, Cell const& cell) {
    if (protocol.kind != Protocol::Kind::converged || std::get<Train>(phases.front()).epochs == 0) return;
    warnings.insert(place_in(cell, "/regime/epochs") + ": ignored because the protocol converged ends phases itself");
  }

  // All that the phase's result depends on, and nothing else.
  static std::string phase_text(Run const& run, Phase const& phase, bool heads, std::string const& parent) {
    Json text = {{"format", format_version},
                 {"numerics", numerics_version},
                 {"arch", {{"name", run.arch.name}, {"params", Json::parse(run.arch.params)}}},
                 {"data",
                  {{"name", run.data.source.name},  // its constants: mean and deviation
                   {"identity", run.facts->identity},
                   {"limit", run.data.limit ? Json(*run.data.limit) : Json()},
                   {"held_out", run.data.held_out},
                   {"split_seed", run.data.split_seed}}},
                 {"augment", {{"name", run.data.augment.name}}},
                 {"batch", run.train.batch},
                 {"precision", run.train.bf16 ? "bf16" : "f32"},
                 {"seed", run.seed},
                 {"phase", Json::parse(canonical(phase))},
                 {"parent", parent}};
    if (run.data.augment.name == "crop_flip") {
      text["augment"]["pad"] = run.data.augment.pad;
      text["augment"]["flip"] = run.data.augment.flip;
    }
    if (heads) {
      text["placement"] = run.after;
      text["method"] = {{"name", run.method.name}, {"params", Json::parse(run.method.params)}};
    }
    return text.dump();
  }

  void set_names(Run& run, TypedRun const& typed) {
    Json json = {
        {"role", name_of(run.role)},
        {"arch", {{"name", run.arch.name}, {"label", typed.arch_label}, {"params", Json::parse(run.arch.params)}}},
        {"method", run.method.name},
        {"regime", run.regime.name},
        {"seed", run.seed},
        {"stages", run.stages},
        {"after", run.after},
        {"params", run.params},
        {"protocol", name_of(run.train.protocol.kind)},
        {"data_identity", run.facts->identity},
        {"data_known", run.facts->known},
        {"rows",
         {{"train", run.splits->train.size()},
          {"val", run.splits->val.size()},
          {"cal", run.splits->cal.size()},
          {"test", run.facts->test_rows}}}};
    // The key leaves out what is only recorded: the last phase's key says the rest.
    Json const key = {run.phases.back().key, name_of(run.role), run.base.mac,   run.after,
                      run.method.name,       run.method.params, run.regime.name};
    run.method_label = run.role == Role::run ? typed.method_label : "none";
    run.regime_label = run.role == Role::run ? typed.regime_label : "plain";
    run.arch_label = typed.arch_label;
    run.id = typed.arch_label + "-" + run.data.source.name + "-" + run.method_label + "-" + run.regime_label + "-s" +
             std::to_string(run.seed) + "-" + sha256(key.dump()).substr(0, 8);
    json["id"] = run.id;
    json["spec"] = Json::parse(typed.resolved);
    auto cell = json["spec"];
    cell.erase("seed");
    run.cell = sha256(name_of(run.role) + cell.dump());
    json["phases"] = Json::array();
    for (auto const& phase : run.phases) {
      auto const& train = std::get<Train>(phase.phase);
      json["phases"].push_back({{"name", train.name},
                                {"key", phase.key},
                                {"parent", phase.parent},
                                {"steps", phase.steps},
                                {"training_macs", phase.macs}});
    }
    auto const exits = exit_names(run);
    json["exits"] = Json::array();
    for (std::size_t k = 0; k < exits.size(); ++k)
      json["exits"].push_back({{"name", exits[k]}, {"mac", run.exit_cost[k].mac}, {"fv", run.exit_cost[k].fv}});
    json["plain_cost"] = {{"mac", run.plain.mac}, {"fv", run.plain.fv}};
    run.resolved = json.dump(2) + "\n";
  }

  Catalog const& catalog_;
  std::map<std::string, std::shared_ptr<DataFacts const>> facts_;
  std::map<std::string, std::shared_ptr<Splits const>> splits_;
  std::map<std::string, BackboneFacts> backbones_;
};

void check_study(JsonReader& reader, std::string const& study) {
  bool good = !study.empty() && study.size() <= 64;
  for (std::size_t i = 0; good && i < study.size(); ++i) {
    char const c = study[i];
    bool const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    good = plain || (i > 0 && (c == '_' || c == '-'));
  }
  if (!good)
    reader.fail("study", "expected a name of 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit, found \"" +
                             study + "\"");
}

// What recipes can be meant for: kinds of phase, and "regime/kind".
void note_phases(std::set<std::string>& used, Run const& run, std::string const& regime) {
  for (auto const& phase : run.phases) {
    auto const& name = std::get<Train>(phase.phase).name;
    used.insert(name);
    used.insert(regime + "/" + name);
  }
}

// Recipes for phases that no run has.
void warn_of_recipes(std::set<std::string>& warnings, Cell const& cell, std::set<std::string> const& used) {
  auto const train = Json::parse(cell.text)["train"];
  auto const unused = [&](std::string const& pointer, std::string const& what) {
    warnings.insert(place_in(cell, pointer) + ": ignored because no run has a " + what + " phase");
  };
  auto const by_phase = train.value("phases", Json::object());
  auto const by_regime = train.value("regimes", Json::object());
  for (auto const& [phase, recipe] : by_phase.items())
    if (!used.contains(phase)) unused("/train/phases/" + phase, phase);
  for (auto const& [regime, phases] : by_regime.items())
    for (auto const& [phase, recipe] : phases.items())
      if (!used.contains(regime + "/" + phase)) unused("/train/regimes/" + regime + "/" + phase, regime + " " + phase);
}

// Two rows of the same name would be averaged as if they were two seeds.
void refuse_repeats(JsonReader& reader, EvalSpec const& eval) {
  for (std::size_t i = 1; i < eval.budgets.size(); ++i)
    if (eval.budgets[i] == eval.budgets[i - 1])
      reader.fail("budgets", "expected each budget once, found " + shortest(eval.budgets[i]) + " twice");
  std::set<std::string> rules;
  for (auto const& rule : eval.policies)
    if (!rules.insert(rule.policy.name + " by " + rule.confidence).second)
      reader.fail("policies", "expected each policy and confidence once, found " + rule.policy.name + " by " +
                                  rule.confidence + " twice");
}

}  // namespace

EvalSpec read_eval(JsonReader& reader, Catalog const& catalog) {
  EvalSpec eval;
  for (auto& [name, params] : reader.choices("policies", "threshold", "exit rules to judge by")) {
    EvalSpec::Rule rule;
    rule.confidence = params.one_of("confidence", "max_probability", {"max_probability", "entropy", "margin"},
                                    "measure the rule looks at");
    catalog.read("policies", name, params);
    Json own = Json::parse(params.resolved());
    own.erase("name");
    own.erase("confidence");
    rule.policy = {name, own.dump()};
    eval.policies.push_back(rule);
  }
  eval.budgets =
      reader.numbers("budgets", eval.budgets, {1e-6, 1000}, "mean cost allowed, fractions of the plain cost");
  std::sort(eval.budgets.begin(), eval.budgets.end());
  refuse_repeats(reader, eval);
  eval.reference_rule =
      reader.one_of("rule", "default", {"default", "reference"},
                    "default: best on cal within the budget; reference: as published, on test") == "reference";
  eval.convention =
      reader.one_of("cost", "mac", {"mac", "fv"}, "mac: convolutions and products; fv: the reference's") == "mac"
          ? Convention::mac
          : Convention::fv;
  eval.plain = reader.flag("plain", true, "train the plain network too, one a data set, architecture and seed");
  reader.done();
  return eval;
}

Plan make_plan(std::string const& text, std::string const& file, Catalog const& catalog) {
  auto const source = std::make_shared<Source>(Source{file, {}});
  JsonReader reader(strict_json(text, file), source);
  Plan plan;
  plan.spec = text;
  reader.text("$schema", "", "where an editor finds the schema");
  plan.study = reader.text("study", "", "folder name of the study");
  check_study(reader, plan.study);
  for (auto const* key : {"defaults", "grid", "include", "exclude", "rivals"}) reader.raw(key, "");
  if (!reader.raw("slurm", "sbatch options by name").empty())
    plan.warnings.push_back(reader.place("slurm") + ": ignored because this version submits no cluster jobs");
  auto eval = reader.object("eval", "how finished runs are judged");
  plan.eval = read_eval(eval, catalog);
  reader.done();

  auto const cells = expand_cells(text, file);
  Planner planner(catalog);
  std::set<std::string> ids;
  auto const add = [&](Run run) {
    if (ids.insert(run.id).second) plan.runs.push_back(std::move(run));
  };
  std::set<std::string> used;
  std::vector<Run> plains;
  for (auto const& cell : cells.runs) {
    auto run = planner.run(cell);
    note_phases(used, run, run.regime.name);
    if (plan.eval.plain) {
      plains.push_back(planner.plain(cell));
      run.plain_run = plains.back().id;
      note_phases(used, plains.back(), "plain");
    }
    add(std::move(run));
  }
  for (auto& run : plains) add(std::move(run));
  for (auto const& rival : cells.rivals)
    for (auto const& cell : cells.runs) {
      auto run = planner.rival(rival, cell);
      note_phases(used, run, "plain");
      add(std::move(run));
    }
  for (auto const& warning : cells.warnings) plan.warnings.push_back(warning);
  auto warnings = std::move(planner.warnings);
  for (auto const& cell : cells.runs) warn_of_recipes(warnings, cell, used);
  plan.warnings.insert(plan.warnings.end(), warnings.begin(), warnings.end());
  return plan;
}

}  // namespace eexit
