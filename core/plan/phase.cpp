#include "core/plan/phase.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/canonical.h"

namespace eexit {

namespace {

char const* text_of(bool flag) { return flag ? "true" : "false"; }

template <class Rule>
std::string rate_text(Rule const& rule) {
  if (!rule.tune) return json_number(rule.lr);
  ObjectText text;
  text.add("seeds", std::to_string(rule.tune->seeds));
  text.add("tune", json_number(rule.tune->rates));
  return text.text();
}

std::string text_of(Optim const& optim) {
  ObjectText text;
  if (auto const* sgd = std::get_if<Sgd>(&optim)) {
    text.add("decay_norms", text_of(sgd->decay_norms));
    text.add("lr", rate_text(*sgd));
    text.add("momentum", json_number(sgd->momentum));
    text.add("name", json_text("sgd"));
    text.add("nesterov", text_of(sgd->nesterov));
    text.add("weight_decay", json_number(sgd->weight_decay));
    return text.text();
  }
  auto const& adamw = std::get<AdamW>(optim);
  text.add("betas", json_number(std::vector<double>(adamw.betas.begin(), adamw.betas.end())));
  text.add("decay_norms", text_of(adamw.decay_norms));
  text.add("eps", json_number(adamw.eps));
  text.add("lr", rate_text(adamw));
  text.add("name", json_text("adamw"));
  text.add("weight_decay", json_number(adamw.weight_decay));
  return text.text();
}

constexpr char const* weight_names[] = {"uniform", "linear", "cost", "custom", "ramp"};
constexpr char const* distill_names[] = {"none", "last", "next", "later"};
constexpr char const* taps_names[] = {"plain", "equilibrium", "detached"};
constexpr char const* keep_names[] = {"last", "any_exit", "mean"};
constexpr char const* schedule_names[] = {"constant", "step", "cosine"};

std::string text_of(Schedule const& schedule) {
  ObjectText text;
  bool const step = schedule.kind == Schedule::Kind::step;
  if (step) text.add("at", json_number(schedule.at));
  if (step) text.add("factor", json_number(schedule.factor));
  if (schedule.kind == Schedule::Kind::cosine) text.add("final", json_number(schedule.final_share));
  text.add("name", json_text(schedule_names[static_cast<int>(schedule.kind)]));
  text.add("warmup", json_number(schedule.warmup));
  return text.text();
}

std::string text_of(ExitWeights const& rule) {
  ObjectText text;
  text.add("name", json_text(weight_names[static_cast<int>(rule.kind)]));
  if (rule.kind == ExitWeights::Kind::ramp) text.add("over", json_number(rule.over));
  text.add("weights", json_number(rule.weights));
  return text.text();
}

std::string text_of(Distill const& rule) {
  ObjectText text;
  text.add("name", json_text(distill_names[static_cast<int>(rule.kind)]));
  text.add("weight", json_number(rule.weight));
  return text.text();
}

std::string text_of(Stop const& stop) {
  ObjectText text;
  text.add("delta", json_number(stop.delta));
  text.add("metric", json_text(stop.on_accuracy ? "accuracy" : "loss"));
  text.add("patience", std::to_string(stop.patience));
  return text.text();
}

template <std::size_t N>
std::size_t index_of(char const* const (&all)[N], std::string const& name) {
  for (std::size_t i = 0; i < N; ++i)
    if (name == all[i]) return i;
  return N;
}

void check_name(JsonReader& reader, std::string const& what, std::string const& name,
                std::vector<std::string> const& known) {
  for (auto const& each : known)
    if (each == name) return;
  reader.fail("name", unknown_name(what, name, known));
}

// A rate, or the rule it is chosen by.
template <class Rule>
void read_rate(JsonReader& reader, Rule& rule) {
  auto const from = rule.tune ? std::nullopt : std::optional(rule.lr);
  auto [rate, object] = reader.number_or_object(
      "lr", from, {0, 1000}, "learning rate at the start of the phase, after the warm-up; or rates to choose from");
  auto tune = rule.tune.value_or(TuneRule{});
  tune.rates = object.numbers("tune", tune.rates, {1e-12, 1000}, "rates to try, the best on val is taken");
  tune.seeds = object.integer("seeds", tune.seeds, {1, 16}, "seeds to try each rate on; no run has them");
  object.done();
  rule.tune.reset();
  if (rate) {
    rule.lr = *rate;
    return;
  }
  if (tune.rates.size() < 2)
    object.fail("tune", "expected at least two rates, found " + std::to_string(tune.rates.size()));
  std::sort(tune.rates.begin(), tune.rates.end());
  auto const twice = std::adjacent_find(tune.rates.begin(), tune.rates.end());
  if (twice != tune.rates.end()) object.fail("tune", "expected each rate once, found " + shortest(*twice) + " twice");
  rule.tune = std::move(tune);
}

bool read_decay_norms(JsonReader& reader, bool from) {
  return reader.flag("decay_norms", from, "weight decay also on norms and biases");
}

}  // namespace

bool Train::learns(std::string const& prefix) const {
  for (auto const& each : learn)
    if (each == prefix) return true;
  return false;
}

double rate_at(Schedule const& schedule, double lr, long step, long steps, long epoch_steps) {
  double const warm = schedule.warmup * static_cast<double>(epoch_steps);
  double const now = static_cast<double>(step);
  if (now < warm) return lr * (now + 1) / (warm + 1);
  double const share = steps > 0 ? now / static_cast<double>(steps) : 0;
  switch (schedule.kind) {
    case Schedule::Kind::constant:
      return lr;
    case Schedule::Kind::step: {
      double rate = lr;
      for (double const at : schedule.at)
        if (share >= at) rate *= schedule.factor;
      return rate;
    }
    case Schedule::Kind::cosine:
      break;
  }
  // Cosine over what follows the warm-up (Loshchilov and Hutter 2017), without restarts.
  double const rest = static_cast<double>(steps) - warm;
  double const done = rest > 0 ? (now - warm) / rest : 1;
  double const low = lr * schedule.final_share;
  return low + (lr - low) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

double base_rate(Optim const& optim) {
  return std::visit(
      [](auto const& rule) {
        require(!rule.tune, "a rate that is to be tuned is asked for before it is known");
        return rule.lr;
      },
      optim);
}

std::vector<double> exit_weights(ExitWeights const& rule, std::vector<double> const& costs, double progress) {
  std::size_t const exits = costs.size();
  std::vector<double> weights(exits, 1.0);
  switch (rule.kind) {
    case ExitWeights::Kind::uniform:
      break;
    case ExitWeights::Kind::linear:
      std::iota(weights.begin(), weights.end(), 1.0);
      break;
    case ExitWeights::Kind::cost:
      weights = costs;
      break;
    case ExitWeights::Kind::custom:
      if (rule.weights.size() != exits)
        throw SpecError("expected " + std::to_string(exits) +
                        " weights, one an exit (the network's own classifier is one), found " +
                        std::to_string(rule.weights.size()));
      weights = rule.weights;
      break;
    case ExitWeights::Kind::ramp:
      constexpr double start = 0.01;
      for (std::size_t k = 0; k + 1 < exits; ++k)
        weights[k] = start + (costs[k] / costs.back() - start) * std::min(1.0, progress / rule.over);
      break;
  }
  double const sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(sum > 0)) throw SpecError("expected weights that sum to more than 0, found " + shortest(sum));
  for (auto& weight : weights) weight /= sum;
  return weights;
}

Optim read_optim(JsonReader& parent, Optim const& from) {
  auto [name, reader] = parent.choice("optimizer", std::holds_alternative<Sgd>(from) ? "sgd" : "adamw",
                                      "sgd or adamw, fused", {"sgd", "adamw"});
  check_name(reader, "optimizer", name, {"sgd", "adamw"});
  Optim read;
  if (name == "sgd") {
    auto const* before = std::get_if<Sgd>(&from);
    Sgd sgd = before ? *before : Sgd{};
    read_rate(reader, sgd);
    sgd.momentum = reader.number("momentum", sgd.momentum, {0, 1}, "momentum");
    sgd.nesterov = reader.flag("nesterov", sgd.nesterov, "Nesterov momentum");
    sgd.weight_decay = reader.number("weight_decay", sgd.weight_decay, {0, 10}, "L2 penalty");
    sgd.decay_norms = read_decay_norms(reader, sgd.decay_norms);
    if (sgd.nesterov && sgd.momentum == 0) reader.fail("nesterov", "expected a momentum above 0 with nesterov");
    read = sgd;
  } else {
    auto const* before = std::get_if<AdamW>(&from);
    AdamW adamw = before ? *before : AdamW{};
    read_rate(reader, adamw);
    auto const betas = reader.numbers("betas", {adamw.betas[0], adamw.betas[1]}, {0, 1}, "decay of both moments");
    if (betas.size() != 2 || betas[0] >= 1 || betas[1] >= 1) reader.fail("betas", "expected two numbers in [0, 1)");
    adamw.betas = {betas[0], betas[1]};
    adamw.eps = reader.number("eps", adamw.eps, {0, 1}, "added to the denominator");
    adamw.weight_decay = reader.number("weight_decay", adamw.weight_decay, {0, 10}, "decoupled weight decay");
    adamw.decay_norms = read_decay_norms(reader, adamw.decay_norms);
    read = adamw;
  }
  reader.done();
  return read;
}

Schedule read_schedule(JsonReader& parent, Schedule const& from) {
  auto [name, reader] =
      parent.choice("schedule", schedule_names[static_cast<int>(from.kind)],
                    "how the rate changes per step: constant, step or cosine", {"constant", "step", "cosine"});
  check_name(reader, "schedule", name, {"constant", "step", "cosine"});
  auto const kind = static_cast<Schedule::Kind>(index_of(schedule_names, name));
  Schedule read = kind == from.kind ? from : Schedule{};
  read.kind = kind;
  read.warmup = reader.number("warmup", read.warmup, {0, 10000}, "epochs of linear rise at the start");
  if (kind == Schedule::Kind::cosine)
    read.final_share = reader.number("final", read.final_share, {0, 1}, "last rate as a share of lr");
  if (kind == Schedule::Kind::step) {
    read.at = reader.numbers("at", read.at, {0, 1}, "fractions of the phase after which the rate drops");
    read.factor = reader.number("factor", read.factor, {0, 1}, "what the rate is multiplied by");
  }
  reader.done();
  return read;
}

ExitWeights read_exit_weights(JsonReader& parent, ExitWeights const& from) {
  auto [name, reader] = parent.choice("exit_weights", weight_names[static_cast<int>(from.kind)],
                                      "weights of the exits' losses: uniform, linear, cost, custom, or ramp, which "
                                      "rises from next to nothing to cost",
                                      {std::begin(weight_names), std::end(weight_names)});
  check_name(reader, "exit weights", name, {std::begin(weight_names), std::end(weight_names)});
  ExitWeights read{.kind = static_cast<ExitWeights::Kind>(index_of(weight_names, name)), .weights = {}};
  if (read.kind == ExitWeights::Kind::custom)
    read.weights = reader.numbers("weights", from.weights, {0, 1e6}, "one an exit, the last one included");
  if (read.kind == ExitWeights::Kind::ramp)
    read.over = reader.number("over", from.over, {1e-6, 1}, "share of the phase in which the weights rise");
  reader.done();
  return read;
}

Distill read_distill(JsonReader& parent, Distill const& from) {
  std::vector<std::string> const known = {std::begin(distill_names), std::end(distill_names)};
  auto [name, reader] =
      parent.choice("distill", distill_names[static_cast<int>(from.kind)],
                    "exits also learn from answers of the last exit, the next one, or all later ones", known);
  check_name(reader, "distillation", name, known);
  Distill read{.kind = static_cast<Distill::Kind>(index_of(distill_names, name))};
  if (read.kind != Distill::Kind::none)
    read.weight = reader.number("weight", from.weight, {0, 1e6}, "of this loss beside the labels'");
  reader.done();
  return read;
}

TapRule read_taps(JsonReader& parent, TapRule from) {
  std::vector<std::string> const known = {std::begin(taps_names), std::end(taps_names)};
  auto [name, reader] = parent.choice(
      "taps", taps_names[static_cast<int>(from)],
      "gradients where exits stand: plain; equilibrium: each part of the trunk gets the mean of its exits', losses "
      "are summed; detached: heads send none into the trunk",
      known);
  check_name(reader, "rule for gradients", name, known);
  reader.done();
  return static_cast<TapRule>(index_of(taps_names, name));
}

Recipe read_recipe(JsonReader& reader, Recipe const& from) {
  Recipe read;
  read.optim = read_optim(reader, from.optim);
  read.schedule = read_schedule(reader, from.schedule);
  auto const clip = reader.maybe_number("clip", {1e-9, 1e9}, "largest norm of the whole gradient");
  read.clip = reader.has("clip") ? clip : from.clip;  // null written out takes it away
  read.label_smoothing =
      reader.number("label_smoothing", from.label_smoothing, {0, 0.999}, "share of the target spread over all classes");
  read.exit_weights = read_exit_weights(reader, from.exit_weights);
  read.distill = read_distill(reader, from.distill);
  read.taps = read_taps(reader, from.taps);
  return read;
}

std::string const& name_of(Phase const& phase) {
  return std::visit(
      [](auto const& each) -> auto const& { return each.name; }, phase);
}

bool with_heads(Phase const& phase) {
  if (auto const* train = std::get_if<Train>(&phase)) return train->with_heads();
  auto const* prune = std::get_if<Prune>(&phase);
  if (prune == nullptr) return true;
  return std::find(prune->within.begin(), prune->within.end(), "head.") != prune->within.end();
}

namespace {

std::string text_of(Fit const& fit) {
  ObjectText text;
  text.add("clusters", text_of(fit.clusters));
  text.add("kind", json_text("fit"));
  text.add("name", json_text(fit.name));
  text.add("share", json_number(fit.share));
  return text.text();
}

constexpr char const* prune_names[] = {"magnitude", "layer", "random", "gradient", "channels"};

std::string text_of(Prune const& prune) {
  ObjectText text;
  text.add("allow_empty", text_of(prune.allow_empty));
  if (prune.by == Prune::By::gradient) text.add("batches", std::to_string(prune.batches));
  text.add("by", json_text(prune_names[static_cast<int>(prune.by)]));
  text.add("kind", json_text("prune"));
  text.add("name", json_text(prune.name));
  text.add("occurrence", std::to_string(prune.occurrence));
  text.add("rate", json_number(prune.rate));
  text.add("within", json_text(prune.within));
  text.add("without", json_text(prune.without));
  return text.text();
}

std::string text_of(Train const& train) {
  auto const& recipe = train.recipe;
  ObjectText text;
  text.add("clip", recipe.clip ? json_number(*recipe.clip) : "null");
  if (train.with_heads() && recipe.distill.kind != Distill::Kind::none) text.add("distill", text_of(recipe.distill));
  text.add("epochs", std::to_string(train.length.epochs));
  // A backbone has one exit: weights of others must not split what is shared.
  if (train.with_heads()) text.add("exit_weights", text_of(recipe.exit_weights));
  text.add("keep", json_text(keep_names[static_cast<int>(train.keep)]));
  text.add("kind", json_text("train"));
  text.add("label_smoothing", json_number(recipe.label_smoothing));
  text.add("learn", json_text(train.learn));
  text.add("name", json_text(train.name));
  text.add("occurrence", std::to_string(train.occurrence));
  text.add("optimizer", text_of(recipe.optim));
  text.add("schedule", text_of(recipe.schedule));
  text.add("steps", std::to_string(train.length.steps));
  if (train.stop) text.add("stop", text_of(*train.stop));
  // Where the trunk does not learn, no gradient reaches it in any way.
  if (train.with_heads() && train.learns("stage.") && recipe.taps != TapRule::plain)
    text.add("taps", json_text(taps_names[static_cast<int>(recipe.taps)]));
  return text.text();
}

}  // namespace

std::string canonical(Phase const& phase) {
  return std::visit([](auto const& each) { return text_of(each); }, phase);
}

}  // namespace eexit
