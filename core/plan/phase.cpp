#include "core/plan/phase.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

namespace {

using Json = nlohmann::json;  // keys sorted: canonical

template <class Rule>
Json rate_to_json(Rule const& rule) {
  if (!rule.tune) return rule.lr;
  return {{"tune", rule.tune->rates}, {"seeds", rule.tune->seeds}};
}

Json to_json(Optim const& optim) {
  if (auto const* sgd = std::get_if<Sgd>(&optim))
    return {{"name", "sgd"},
            {"lr", rate_to_json(*sgd)},
            {"momentum", sgd->momentum},
            {"nesterov", sgd->nesterov},
            {"weight_decay", sgd->weight_decay},
            {"decay_norms", sgd->decay_norms}};
  auto const& adamw = std::get<AdamW>(optim);
  return {{"name", "adamw"},  {"lr", rate_to_json(adamw)},          {"betas", adamw.betas},
          {"eps", adamw.eps}, {"weight_decay", adamw.weight_decay}, {"decay_norms", adamw.decay_norms}};
}

Json to_json(Schedule const& schedule) {
  switch (schedule.kind) {
    case Schedule::Kind::constant:
      return {{"name", "constant"}, {"warmup", schedule.warmup}};
    case Schedule::Kind::step:
      return {{"name", "step"}, {"warmup", schedule.warmup}, {"at", schedule.at}, {"factor", schedule.factor}};
    case Schedule::Kind::cosine:
      break;
  }
  return {{"name", "cosine"}, {"warmup", schedule.warmup}, {"final", schedule.final_share}};
}

constexpr char const* weight_names[] = {"uniform", "linear", "cost", "custom"};
constexpr char const* keep_names[] = {"last", "any_exit", "mean"};
constexpr char const* schedule_names[] = {"constant", "step", "cosine"};

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

std::vector<double> exit_weights(ExitWeights const& rule, std::vector<double> const& costs) {
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
                                      "weights of the exits' losses: uniform, linear, cost or custom",
                                      {"uniform", "linear", "cost", "custom"});
  check_name(reader, "exit weights", name, {"uniform", "linear", "cost", "custom"});
  ExitWeights read{.kind = static_cast<ExitWeights::Kind>(index_of(weight_names, name)), .weights = {}};
  if (read.kind == ExitWeights::Kind::custom)
    read.weights = reader.numbers("weights", from.weights, {0, 1e6}, "one an exit, the last one included");
  reader.done();
  return read;
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
  return read;
}

std::string canonical(Phase const& phase) {
  auto const& train = std::get<Train>(phase);
  Json json = {{"kind", "train"},
               {"name", train.name},
               {"occurrence", train.occurrence},
               {"learn", train.learn},
               {"optimizer", to_json(train.recipe.optim)},
               {"schedule", to_json(train.recipe.schedule)},
               {"clip", train.recipe.clip ? Json(*train.recipe.clip) : Json()},
               {"label_smoothing", train.recipe.label_smoothing},
               {"epochs", train.length.epochs},
               {"steps", train.length.steps},
               {"keep", keep_names[static_cast<int>(train.keep)]}};
  // A backbone has one exit: weights of others must not split what is shared.
  if (train.with_heads())
    json["exit_weights"] = {{"name", weight_names[static_cast<int>(train.recipe.exit_weights.kind)]},
                            {"weights", train.recipe.exit_weights.weights}};
  if (train.stop)
    json["stop"] = {{"patience", train.stop->patience},
                    {"delta", train.stop->delta},
                    {"metric", train.stop->on_accuracy ? "accuracy" : "loss"}};
  return json.dump();
}

}  // namespace eexit
