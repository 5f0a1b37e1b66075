#include "core/execute/learner.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/autocast.h"
#include "core/execute/shaping.h"
#include "core/execute/timing.h"
#include "core/net/weights.h"
#include "core/plan/protocol.h"
#include "core/store/store.h"

namespace eexit {

using Json = nlohmann::ordered_json;

std::uint64_t phase_stream(std::uint64_t seed, Train const& phase, std::initializer_list<std::string_view> more) {
  return stream_seed(stream_seed(seed, {phase.name, std::to_string(phase.occurrence)}), more);
}

namespace {

// Of the exits while it is trained: the same whatever is pruned later.
std::vector<double> training_costs(Run const& run) {
  std::vector<double> costs;
  for (auto const& cost : run.whole_cost.empty() ? run.exit_cost : run.whole_cost) costs.push_back(cost.mac);
  return costs;
}

// What the phase's optimiser steps: all that learns but what the method learns by its own rule.
std::vector<std::pair<std::string, Tensor>> stepped(TrainJob const& job, Train const& train) {
  set_learning(job.net, train.learn);
  auto learn = train.learn;
  if (job.method.own) std::erase(learn, "extra.");
  return parameters_of(job.net, learn);
}

// BatchNorm's statistics as they are now, put back at the end.
class SameBuffers {
 public:
  explicit SameBuffers(ExitNet& net) : buffers_(net.buffers()) {
    for (auto const& buffer : buffers_) values_.push_back(buffer.clone());
  }
  SameBuffers(SameBuffers const&) = delete;
  SameBuffers& operator=(SameBuffers const&) = delete;
  ~SameBuffers() {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(values_[i]);
  }

 private:
  std::vector<Tensor> buffers_, values_;
};

}  // namespace

Learner::Learner(TrainJob const& job, TrainSetting const& setting)
    : job_(job),
      setting_(setting),
      train_(std::get<Train>(job.phase.phase)),
      device_(setting.images.device()),
      exits_(job.net.exit_names().size()),
      optimizer_(train_.recipe.optim, stepped(job, train_), job.net.masks),
      stopper_(make_stopper(train_.stop.value_or(Stop{}), counted())),
      running_(exits_, job.label) {
  if (job.method.own && train_.with_heads()) own_.emplace(job.method.own->optim, parameters_of(job.net, {"extra."}));
  if (!train_.with_heads() && job.net.unlabelled.loss) unlabelled_ = &job.net.unlabelled;
  if (train_.with_heads() && train_.learns("stage.")) branch_ = branch_of(train_.recipe.taps, exits_);
  set_weights();
  epoch_steps_ = steps_an_epoch({.rows = static_cast<int>(job.run.splits->train.size()), .batch = job.run.train.batch});
  check_every_ = train_.with_heads() ? std::min(epoch_steps_, 300L) : epoch_steps_;
  resume();
  saved_at_ = wall_seconds();
}

// Exits without trainable parameters are left out of early stopping: frozen, they would never wear out.
std::vector<bool> Learner::counted() const {
  std::vector<bool> counts;
  for (auto const& name : job_.net.exit_names()) {
    auto const prefix = name == "last" ? std::string("last.") : "head." + name + ".";
    bool const trunk = train_.learns("stage.");
    // What a method appends changes the answers of all heads.
    bool own = train_.appended && name != "last";
    for (auto const& item : job_.net.named_parameters())
      own = own || (item.key().starts_with(prefix) && item.value().requires_grad());
    counts.push_back(trunk || own);
  }
  return counts;
}

// A backbone has one exit, whatever the run's heads are weighted by.
void Learner::set_weights() {
  auto const& rule = train_.recipe.exit_weights;
  auto weights = std::vector<double>{1.0};
  if (train_.with_heads())
    weights = exit_weights(rule, training_costs(job_.run),
                           static_cast<double>(step_) / static_cast<double>(job_.phase.steps));
  weights_k_ = torch::tensor(weights, torch::kFloat64).to(torch::kFloat32).to(device_);
  // Gradients in equilibrium are means over exits already: losses are summed.
  if (branch_ && train_.recipe.taps == TapRule::equilibrium) weights_k_ = weights_k_ * static_cast<double>(exits_);
}

Taps Learner::taps() const {
  auto const step = std::to_string(step_);
  auto const& run = job_.run;
  auto const trunk = phase_stream(run.seed, train_, {"dropout", step});
  auto const head = phase_stream(run.head_seed.value_or(run.seed), train_, {"dropout", step});
  return {.record_trunk = train_.learns("stage."), .branch = branch_, .before = [trunk, head](std::string const& part) {
            torch::manual_seed(stream_seed(part.starts_with("head.") ? head : trunk, {part}));
          }};
}

// Cross entropy is linear in the target: mixed labels are mixed losses.
std::vector<Tensor> Learner::losses_of(Earlier const& answers, Feed const& feed) const {
  if (unlabelled_ != nullptr) return {unlabelled_->loss(feed.input, answers.back())};
  auto const smoothing = train_.recipe.label_smoothing;
  std::vector<Tensor> losses;
  for (auto const& [logits, memo] : answers) {
    auto loss_b = setting_.task.loss(logits, feed.target_b, smoothing);
    if (feed.share_b.defined())
      loss_b = feed.share_b * loss_b + (1 - feed.share_b) * setting_.task.loss(logits, feed.partner_b, smoothing);
    losses.push_back(loss_b);
  }
  return losses;
}

// From the exits' losses by row, and their means.
Tensor Learner::whole_loss(Earlier const& answers, std::vector<Tensor> const& losses, Tensor const& losses_k) const {
  auto const& method = job_.method;
  if (!train_.with_heads()) return (losses_k * weights_k_).sum();
  auto loss =
      method.weigh ? method.weigh(job_.net, torch::stack(losses, 1), weights_k_) : (losses_k * weights_k_).sum();
  if (method.extra_loss) loss = loss + method.extra_loss(answers);
  return distills() ? loss + distillation(train_.recipe.distill, answers) : loss;
}

// What the method learns by its own rule from the step to come.
void Learner::learn_own(Feed const& feed) {
  std::optional<SameBuffers> same;  // from the first pass on
  auto const learned = optimizer_.parameters();
  std::vector<Tensor> before;
  auto const answer = [&](std::int64_t first, std::int64_t last) {
    if (!same) same.emplace(job_.net);
    Autocast const autocast(job_.run.train.bf16, device_);
    auto const part = feed.part(first, last);
    return answer_all(job_.net, part.stages(job_.net), part.input, taps());
  };
  auto const losses = [&](Earlier const& answers, std::int64_t first, std::int64_t last) {
    return torch::stack(losses_of(answers, feed.labels(first, last)), 1);
  };
  auto const look_ahead = [&](std::vector<Tensor> const& gradients) {
    before.clear();
    for (auto const& parameter : learned) before.push_back(parameter.detach().clone());
    return optimizer_.look_ahead(gradients, rate_, train_.recipe.clip);
  };
  auto const back = [&] {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < learned.size(); ++i) learned[i].detach().copy_(before[i]);
  };
  std::function<Tensor(Earlier const&)> further;
  if (distills()) further = [&](Earlier const& answers) { return distillation(train_.recipe.distill, answers); };
  NextStep const next{.number = step_,
                      .rows = feed.target_b.size(0),
                      .answer = answer,
                      .losses = losses,
                      .weights_k = weights_k_,
                      .further = further,
                      .learned = learned,
                      .look_ahead = look_ahead,
                      .back = back};
  if (!job_.method.own->before_step(job_.net, next)) return;
  own_->step(base_rate(job_.method.own->optim));
  own_->zero_grad();
}

void Learner::train_step(Feed const& feed) {
  double const begun = wall_seconds();
  if (measuring_) set_learning(job_.net, train_.learn);
  measuring_ = false;
  rate_ = rate_of(step_);
  if (train_.recipe.exit_weights.kind == ExitWeights::Kind::ramp) set_weights();
  if (own_) learn_own(feed);
  Earlier answers;
  std::vector<Tensor> losses, means;
  {
    Autocast const autocast(job_.run.train.bf16, device_);
    answers = answer_all(job_.net, feed.stages(job_.net), feed.input, taps());
    losses = losses_of(answers, feed);
    for (auto const& loss : losses) means.push_back(loss.mean());
  }
  auto const losses_k = torch::stack(means);
  whole_loss(answers, losses, losses_k).backward();
  if (train_.recipe.clip) optimizer_.clip(*train_.recipe.clip);
  optimizer_.step(rate_);
  optimizer_.zero_grad();
  {
    torch::NoGradGuard no_grad;
    std::vector<Tensor> right;
    for (auto const& answer : answers)
      right.push_back(unlabelled_ != nullptr ? unlabelled_->right(feed.input, answer)
                                             : setting_.task.right(answer.logits, feed.target_b));
    running_.add(losses_k.detach(), torch::stack(right), feed.target_b.size(0), step_);
  }
  samples_ += static_cast<double>(feed.target_b.size(0));
  ++step_;
  step_seconds_ += wall_seconds() - begun;
}

double Learner::rate_of(long step) const {
  return rate_at(train_.recipe.schedule, base_rate(train_.recipe.optim), step, job_.phase.steps, epoch_steps_);
}

void Learner::after_step(FeedRows const& val) {
  bool const epoch_ends = step_ % epoch_steps_ == 0 || step_ == job_.phase.steps;
  bool const watches = train_.stop.has_value() || train_.keep != Keep::last;
  bool const due = watches && (step_ % check_every_ == 0 || step_ == job_.phase.steps);
  if (due || epoch_ends) {
    unchecked_ = true;
    val_ = measure_val(val);
    stopped_ = due && check(val_);
    if (epoch_ends || stopped_) write_journal(val_);
    unchecked_ = false;
  }
  report_progress();
  if (!finished() && wall_seconds() - saved_at_ >= job_.run.train.checkpoint_seconds) save();
}

Measured Learner::measure_val(FeedRows const& val) {
  measuring_ = true;
  double begun = wall_seconds();
  running_.collect();  // training that is still queued on a device is not the check's time
  step_seconds_ += wall_seconds() - begun;
  begun = wall_seconds();
  auto measured = measure(job_.net, setting_.task, val, job_.run.splits->val, job_.run.train.batch, unlabelled_);
  val_seconds_ += wall_seconds() - begun;
  return measured;
}

// True: stop early.
bool Learner::check(Measured const& val) {
  bool save = false;
  if (train_.keep == Keep::mean) {
    double const mean =
        std::accumulate(val.accuracy.begin(), val.accuracy.end(), 0.0) / static_cast<double>(val.accuracy.size());
    save = mean > best_mean_;
    best_mean_ = std::max(best_mean_, mean);
  }
  auto const verdict = stopper_.check(stopper_.rule.on_accuracy ? val.accuracy : val.loss);
  if (train_.keep == Keep::any_exit) save = verdict.improved;
  if (save) {
    best_.clear();
    for (auto const& [name, tensor] : tensors_of(job_.net)) best_[name] = to_bytes(tensor);
  }
  return train_.stop && verdict.stop;
}

double Learner::images_per_second() const { return samples_ / std::max(step_seconds_, 1e-9); }

void Learner::write_journal(Measured const& val) {
  running_.collect();
  Event const epoch{.kind = "epoch",
                    .node = job_.phase.key,
                    .label = job_.label,
                    .step = step_,
                    .steps = job_.phase.steps,
                    .images_per_second = images_per_second(),
                    .epoch = static_cast<int>((step_ + epoch_steps_ - 1) / epoch_steps_),
                    .lr = rate_,
                    .exits = job_.net.exit_names(),
                    .train_loss = running_.mean_loss(),
                    .train_accuracy = running_.accuracy(),
                    .val_loss = val.loss,
                    .val_accuracy = val.accuracy,
                    .seconds = seconds()};
  Json const line = {{"phase", train_.name},
                     {"epoch", epoch.epoch},
                     {"steps", step_},
                     {"lr", rate_},
                     {"train", {{"loss", epoch.train_loss}, {"accuracy", epoch.train_accuracy}}},
                     {"val", {{"loss", val.loss}, {"accuracy", val.accuracy}}},
                     {"seconds", std::round(seconds() * 1000) / 1000},
                     {"images_per_second", std::round(images_per_second() * 10) / 10}};
  auto const text = line.dump() + "\n";
  append_file(job_.folder / "journal.jsonl", text);
  journal_bytes_ += text.size();
  say(train_.name, job_.label + ": epoch " + std::to_string(epoch.epoch) + ", val accuracy " +
                       fixed(val.accuracy.front() * 100, 1) +
                       (exits_ > 1 ? " to " + fixed(val.accuracy.back() * 100, 1) : "") + " %, " +
                       fixed(images_per_second(), 0) + " img/s");
  if (setting_.report) setting_.report(epoch);
  running_.reset();
}

// Whoever was told of these epochs may have died before he wrote it down.
void Learner::tell_journal() const {
  auto const path = job_.folder / "journal.jsonl";
  if (!setting_.report || !fs::exists(path)) return;
  for (auto const& line : split(read_file(path), '\n')) {
    auto const json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    setting_.report({.kind = "epoch",
                     .node = job_.phase.key,
                     .label = job_.label,
                     .step = json.at("steps"),
                     .steps = job_.phase.steps,
                     .images_per_second = json.value("images_per_second", 0.0),
                     .epoch = json.at("epoch"),
                     .lr = json.at("lr"),
                     .exits = job_.net.exit_names(),
                     .train_loss = json.at("train").at("loss"),
                     .train_accuracy = json.at("train").at("accuracy"),
                     .val_loss = json.at("val").at("loss"),
                     .val_accuracy = json.at("val").at("accuracy"),
                     .seconds = json.at("seconds")});
  }
}

void Learner::report_progress() {
  double const now = wall_seconds();
  if (!setting_.report || now - reported_at_ < 0.5) return;
  reported_at_ = now;
  setting_.report({.kind = "progress",
                   .node = job_.phase.key,
                   .label = job_.label,
                   .step = step_,
                   .steps = job_.phase.steps,
                   .images_per_second = images_per_second()});
}

TrainResult Learner::finish(FeedRows const& val) {
  running_.collect();
  if (train_.keep != Keep::last && !best_.empty()) {
    load_tensors(job_.net, best_, {""}, "kept weights");
    val_ = measure_val(val);
  } else if (val_.loss.empty()) {
    val_ = measure_val(val);  // nothing was left to do since the last checkpoint
  }
  return {.seconds = seconds(),
          .step_seconds = step_seconds_,
          .steps = step_,
          .epochs = static_cast<double>(step_) / static_cast<double>(epoch_steps_),
          .samples = samples_,
          .stopped_early = stopped_ && step_ < job_.phase.steps,
          .val = val_};
}

void Learner::save() {
  double const begun = wall_seconds();
  running_.collect();
  TensorFile file;
  for (auto const& [name, tensor] : tensors_of(job_.net)) file.tensors["net." + name] = to_bytes(tensor);
  for (auto const& [name, tensor] : optimizer_.state()) file.tensors["optim." + name] = to_bytes(tensor);
  if (own_)
    for (auto const& [name, tensor] : own_->state()) file.tensors["own." + name] = to_bytes(tensor);
  for (auto const& [name, tensor] : best_) file.tensors["best." + name] = tensor;
  auto const exits = static_cast<std::int64_t>(exits_);
  file.tensors["stopper.best"] = pack(Dtype::f64, {exits}, stopper_.best);
  file.tensors["stopper.counter"] = pack(Dtype::i32, {exits}, stopper_.counter);
  file.tensors["running"] = pack(Dtype::f64, {2 * exits}, running_.sums);
  file.tensors["progress"] = pack(Dtype::i64, {5},
                                  std::vector<std::int64_t>{step_, static_cast<std::int64_t>(journal_bytes_),
                                                            stopper_.started, unchecked_, stopped_});
  file.tensors["clock"] =
      pack(Dtype::f64, {5}, std::vector<double>{step_seconds_, val_seconds_, samples_, running_.samples, best_mean_});
  file.metadata["phase"] = job_.phase.key;
  save_checkpoint(job_.folder, std::move(file));
  saved_at_ = wall_seconds();
  step_seconds_ += saved_at_ - begun;
}

void Learner::resume() {
  auto const file = load_checkpoint(job_.folder, job_.phase.key);
  auto const journal = job_.folder / "journal.jsonl";
  if (!file) {
    std::error_code ignored;
    fs::remove(journal, ignored);
    return;
  }
  std::map<std::string, TensorBytes> net;
  std::map<std::string, Tensor> optim, own;
  for (auto const& [name, tensor] : file->tensors) {
    if (name.starts_with("net.")) net[name.substr(4)] = tensor;
    if (name.starts_with("optim.")) optim[name.substr(6)] = from_bytes(tensor);
    if (name.starts_with("own.")) own[name.substr(4)] = from_bytes(tensor);
    if (name.starts_with("best.")) best_[name.substr(5)] = tensor;
  }
  load_tensors(job_.net, net, {""}, "checkpoint of " + job_.label);
  optimizer_.load_state(optim);
  if (own_) own_->load_state(own);
  stopper_.best = unpack<double>(file->tensors.at("stopper.best"));
  stopper_.counter = unpack<int>(file->tensors.at("stopper.counter"));
  running_.sums = unpack<double>(file->tensors.at("running"));
  auto const progress = unpack<std::int64_t>(file->tensors.at("progress"));
  auto const clock = unpack<double>(file->tensors.at("clock"));
  step_ = progress[0];
  journal_bytes_ = static_cast<std::size_t>(progress[1]);
  stopper_.started = progress[2] != 0;
  unchecked_ = progress.at(3) != 0;
  stopped_ = progress.at(4) != 0;
  rate_ = rate_of(step_ - 1);  // for the journal, when it is still to be written
  step_seconds_ = clock[0];
  val_seconds_ = clock[1];
  samples_ = clock[2];
  running_.samples = clock[3];
  best_mean_ = clock[4];
  // Lines written after the checkpoint will be written again.
  if (fs::exists(journal) && fs::file_size(journal) > journal_bytes_) fs::resize_file(journal, journal_bytes_);
  tell_journal();
  say(train_.name,
      job_.label + ": going on at step " + std::to_string(step_) + " of " + std::to_string(job_.phase.steps));
}

}  // namespace eexit
