#include "core/execute/train.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/optimizer.h"
#include "core/execute/timing.h"
#include "core/net/weights.h"
#include "core/plan/protocol.h"
#include "core/plan/stopper.h"
#include "core/store/store.h"

namespace eexit {

namespace {

using Json = nlohmann::ordered_json;

// bf16 autocast on one kind of device while it lives.
class Autocast {
 public:
  Autocast(bool on, torch::Device device)
      : device_(device.type()), before_(at::autocast::is_autocast_enabled(device_)) {
    at::autocast::set_autocast_enabled(device_, on);
    if (on) at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
    at::autocast::increment_nesting();
  }
  Autocast(Autocast const&) = delete;
  Autocast& operator=(Autocast const&) = delete;
  ~Autocast() {
    // Weights cast for this step must not be found again after they changed.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, before_);
  }

 private:
  at::DeviceType device_;
  bool before_;
};

// Losses and right answers of the running epoch. They stay on the device until asked for: no synchronisation per step.
class Running {
 public:
  Running(std::size_t exits, std::string label) : exits_(exits), label_(std::move(label)) { reset(); }

  // losses_k, right_k: [exits] mean losses and counts of one batch.
  void add(Tensor losses_k, Tensor right_k, std::int64_t rows, long step) {
    losses_.push_back(std::move(losses_k));
    right_.push_back(std::move(right_k));
    rows_.push_back(rows);
    if (losses_.size() == 1) first_step_ = step;
    if (losses_.size() >= 50) collect();
  }

  // Brings what is pending to the host; RunError when a loss is not finite.
  void collect() {
    if (losses_.empty()) return;
    auto const losses = torch::stack(losses_).to(torch::kCPU, torch::kFloat64).contiguous();
    auto const right = torch::stack(right_).to(torch::kCPU, torch::kFloat64).contiguous();
    auto const* loss = losses.const_data_ptr<double>();
    auto const* hits = right.const_data_ptr<double>();
    for (std::size_t i = 0; i < losses_.size(); ++i) {
      for (std::size_t k = 0; k < exits_; ++k) {
        double const value = loss[i * exits_ + k];
        if (!std::isfinite(value))
          throw RunError(label_ + ", step " + std::to_string(first_step_ + static_cast<long>(i) + 1) + ", exit " +
                             std::to_string(k + 1) + " of " + std::to_string(exits_) + ": the loss is " +
                             shortest(value) + "; lower the learning rate or clip gradients",
                         Exit::runs_failed);
        sums[k] += value * static_cast<double>(rows_[i]);
        sums[exits_ + k] += hits[i * exits_ + k];
      }
      samples += static_cast<double>(rows_[i]);
    }
    losses_.clear();
    right_.clear();
    rows_.clear();
  }

  void reset() {
    sums.assign(2 * exits_, 0.0);
    samples = 0;
  }

  std::vector<double> sums;  // losses x samples, then right answers, by exit
  double samples = 0;

 private:
  std::size_t exits_;
  std::string label_;
  std::vector<Tensor> losses_, right_;
  std::vector<std::int64_t> rows_;
  long first_step_ = 0;
};

class Trainer {
 public:
  explicit Trainer(TrainJob const& job)
      : job_(job),
        train_(std::get<Train>(job.phase.phase)),
        rows_(job.run.splits->train),
        device_(job.images.x_bchw.device()),
        exits_(job.net.exit_names().size()),
        optimizer_(train_.recipe.optim, (set_learning(job.net, train_.learn), parameters_of(job.net, train_.learn))),
        stopper_(make_stopper(train_.stop.value_or(Stop{}), counted())),
        running_(exits_, job.label) {
    // A backbone has one exit, whatever the run's heads are weighted by.
    auto const weights = train_.with_heads()
                             ? exit_weights(train_.recipe.exit_weights, costs_of(job.run, Convention::mac))
                             : std::vector<double>{1.0};
    weights_k_ = torch::tensor(weights, torch::kFloat64).to(torch::kFloat32).to(device_);
    epoch_steps_ = steps_an_epoch({.rows = static_cast<int>(rows_.size()), .batch = job.run.train.batch});
    check_every_ = train_.with_heads() ? std::min(epoch_steps_, 300L) : epoch_steps_;
  }

  TrainResult run() {
    resume();
    Progress progress(job_.label, job_.phase.steps);
    begun_ = wall_seconds();
    saved_at_ = begun_;
    bool stop = false;
    while (step_ < job_.phase.steps && !stop) {
      train_step();
      bool const epoch_ends = step_ % epoch_steps_ == 0 || step_ == job_.phase.steps;
      stop = checks(epoch_ends);
      progress.update(step_, fixed(images_per_second(), 0) + " img/s");
      keep_safe(stop);
    }
    running_.collect();
    if (train_.keep != Keep::last && !best_.empty()) load_tensors(job_.net, best_, {""}, "kept weights");
    result_.seconds = seconds();
    result_.step_seconds = result_.seconds - val_seconds_;
    result_.steps = step_;
    result_.epochs = static_cast<double>(step_) / static_cast<double>(epoch_steps_);
    result_.samples = samples_;
    result_.stopped_early = stop && step_ < job_.phase.steps;
    return result_;
  }

 private:
  // Exits without trainable parameters are left out of early stopping: frozen, they would never wear out.
  std::vector<bool> counted() const {
    std::vector<bool> counts;
    for (auto const& name : job_.net.exit_names()) {
      auto const prefix = name == "last" ? std::string("last.") : "head." + name + ".";
      bool const trunk = train_.learns("stage.");
      bool own = false;
      for (auto const& item : job_.net.named_parameters())
        own = own || (item.key().starts_with(prefix) && item.value().requires_grad());
      counts.push_back(trunk || own);
    }
    return counts;
  }

  std::uint64_t stream(std::initializer_list<std::string_view> more) const {
    auto const kind = stream_seed(job_.run.seed, {train_.name, std::to_string(train_.occurrence)});
    return stream_seed(kind, more);
  }

  void set_order(long epoch) {
    if (epoch == order_epoch_) return;
    Random random(stream({"order", std::to_string(epoch)}));
    order_ = permutation(static_cast<int>(rows_.size()), random);
    for (auto& at : order_) at = rows_[static_cast<std::size_t>(at)];
    order_epoch_ = epoch;
  }

  Batch next_batch() {
    set_order(step_ / epoch_steps_);
    auto const size = static_cast<long>(job_.run.train.batch);
    auto const from = (step_ % epoch_steps_) * size;
    auto const to = std::min(from + size, static_cast<long>(order_.size()));
    std::vector<int> const chosen(order_.begin() + from, order_.begin() + to);
    return augmented_batch(job_.images, chosen, job_.run.data.augment,
                           Random(stream({"augment", std::to_string(step_)})));
  }

  void train_step() {
    auto const batch = next_batch();
    set_learning_modes();
    Earlier answers;
    Tensor losses_k;
    auto const step_stream = stream({"dropout", std::to_string(step_)});
    Taps const taps{.record_trunk = train_.learns("stage."),
                    .before = [&](std::string const& part) { torch::manual_seed(stream_seed(step_stream, {part})); }};
    {
      Autocast const autocast(job_.run.train.bf16, device_);
      answers = answer_all(job_.net, batch.input, taps);
      std::vector<Tensor> losses, right;
      for (auto const& answer : answers)
        losses.push_back(job_.task.loss(answer.logits, batch.target_b, train_.recipe.label_smoothing).mean());
      losses_k = torch::stack(losses);
    }
    auto loss = job_.method.weigh && train_.with_heads() ? job_.method.weigh(losses_k) : (losses_k * weights_k_).sum();
    if (job_.method.extra_loss && train_.with_heads()) loss = loss + job_.method.extra_loss(answers);
    loss.backward();
    if (train_.recipe.clip) optimizer_.clip(*train_.recipe.clip);
    rate_ = rate_at(train_.recipe.schedule, base_rate(train_.recipe.optim), step_, job_.phase.steps, epoch_steps_);
    optimizer_.step(rate_);
    optimizer_.zero_grad();
    count_right(answers, batch.target_b, losses_k.detach());
    ++step_;
  }

  void count_right(Earlier const& answers, Tensor const& target, Tensor const& losses_k) {
    torch::NoGradGuard no_grad;
    std::vector<Tensor> right;
    for (auto const& answer : answers) right.push_back(job_.task.right(answer.logits, target));
    running_.add(losses_k, torch::stack(right), target.size(0), step_);
    samples_ += static_cast<double>(target.size(0));
  }

  void set_learning_modes() {
    if (measuring_) set_learning(job_.net, train_.learn);
    measuring_ = false;
  }

  // Over all interruptions.
  double seconds() const { return seconds_before_ + wall_seconds() - begun_; }
  double images_per_second() const { return samples_ / std::max(seconds() - val_seconds_, 1e-9); }

  Measured measure_val() {
    measuring_ = true;
    running_.collect();  // training that is still queued on a device is not the check's time
    double const begun = wall_seconds();
    auto const measured = measure(job_.net, job_.task, job_.images, job_.run.splits->val, job_.run.train.batch);
    val_seconds_ += wall_seconds() - begun;
    return measured;
  }

  // Checks on val and the journal. True: stop early.
  bool checks(bool epoch_ends) {
    bool const watches = train_.stop.has_value() || train_.keep != Keep::last;
    bool const due = watches && (step_ % check_every_ == 0 || step_ == job_.phase.steps);
    if (!due && !epoch_ends) return false;
    auto const val = measure_val();
    bool const stop = due && check(val);
    if (epoch_ends || stop) write_journal(val);
    return stop;
  }

  bool check(Measured const& val) {
    bool save = false, stop = false;
    if (train_.keep == Keep::mean) {
      double const mean =
          std::accumulate(val.accuracy.begin(), val.accuracy.end(), 0.0) / static_cast<double>(val.accuracy.size());
      save = mean > best_mean_;
      best_mean_ = std::max(best_mean_, mean);
    }
    auto const verdict = stopper_.check(stopper_.rule.on_accuracy ? val.accuracy : val.loss);
    if (train_.keep == Keep::any_exit) save = verdict.improved;
    stop = train_.stop && verdict.stop;
    if (save) {
      best_.clear();
      for (auto const& [name, tensor] : tensors_of(job_.net)) best_[name] = to_bytes(tensor);
    }
    return stop;
  }

  void write_journal(Measured const& val) {
    running_.collect();
    Json line = {
        {"phase", train_.name}, {"epoch", (step_ + epoch_steps_ - 1) / epoch_steps_}, {"steps", step_}, {"lr", rate_}};
    std::vector<double> loss, accuracy;
    for (std::size_t k = 0; k < exits_; ++k) {
      loss.push_back(running_.sums[k] / std::max(running_.samples, 1.0));
      accuracy.push_back(running_.sums[exits_ + k] / std::max(running_.samples, 1.0));
    }
    line["train"] = {{"loss", loss}, {"accuracy", accuracy}};
    line["val"] = {{"loss", val.loss}, {"accuracy", val.accuracy}};
    line["seconds"] = std::round(seconds() * 1000) / 1000;
    auto const text = line.dump() + "\n";
    append_file(job_.folder / "journal.jsonl", text);
    journal_bytes_ += text.size();
    say(train_.name, job_.label + ": epoch " + std::to_string(line["epoch"].get<long>()) + ", val accuracy " +
                         fixed(val.accuracy.front() * 100, 1) +
                         (exits_ > 1 ? " to " + fixed(val.accuracy.back() * 100, 1) : "") + " %, " +
                         fixed(images_per_second(), 0) + " img/s");
    running_.reset();
  }

  // A checkpoint when one is due or a stop was asked for.
  void keep_safe(bool finished) {
    if (finished || step_ >= job_.phase.steps) return;
    bool const asked = stop_requested();
    if (!asked && wall_seconds() - saved_at_ < job_.run.train.checkpoint_seconds) return;
    save();
    saved_at_ = wall_seconds();
    if (asked) throw Interrupted(job_.label + ": stopped at step " + std::to_string(step_) + "; run again to go on");
  }

  void save() {
    running_.collect();
    TensorFile file;
    for (auto const& [name, tensor] : tensors_of(job_.net)) file.tensors["net." + name] = to_bytes(tensor);
    for (auto const& [name, tensor] : optimizer_.state()) file.tensors["optim." + name] = to_bytes(tensor);
    for (auto const& [name, tensor] : best_) file.tensors["best." + name] = tensor;
    auto const exits = static_cast<std::int64_t>(exits_);
    file.tensors["stopper.best"] = pack(Dtype::f64, {exits}, stopper_.best);
    file.tensors["stopper.counter"] = pack(Dtype::i32, {exits}, stopper_.counter);
    file.tensors["running"] = pack(Dtype::f64, {2 * exits}, running_.sums);
    file.tensors["progress"] = pack(
        Dtype::i64, {3}, std::vector<std::int64_t>{step_, static_cast<std::int64_t>(journal_bytes_), stopper_.started});
    file.tensors["clock"] =
        pack(Dtype::f64, {5}, std::vector<double>{seconds(), val_seconds_, samples_, running_.samples, best_mean_});
    file.metadata["phase"] = job_.phase.key;
    save_checkpoint(job_.folder, std::move(file));
  }

  void resume() {
    auto const file = load_checkpoint(job_.folder, job_.phase.key);
    auto const journal = job_.folder / "journal.jsonl";
    if (!file) {
      std::error_code ignored;
      fs::remove(journal, ignored);
      return;
    }
    std::map<std::string, TensorBytes> net;
    std::map<std::string, Tensor> optim;
    for (auto const& [name, tensor] : file->tensors) {
      if (name.starts_with("net.")) net[name.substr(4)] = tensor;
      if (name.starts_with("optim.")) optim[name.substr(6)] = from_bytes(tensor);
      if (name.starts_with("best.")) best_[name.substr(5)] = tensor;
    }
    load_tensors(job_.net, net, {""}, "checkpoint of " + job_.label);
    optimizer_.load_state(optim);
    stopper_.best = unpack<double>(file->tensors.at("stopper.best"));
    stopper_.counter = unpack<int>(file->tensors.at("stopper.counter"));
    running_.sums = unpack<double>(file->tensors.at("running"));
    auto const progress = unpack<std::int64_t>(file->tensors.at("progress"));
    auto const clock = unpack<double>(file->tensors.at("clock"));
    step_ = progress[0];
    journal_bytes_ = static_cast<std::size_t>(progress[1]);
    stopper_.started = progress[2] != 0;
    seconds_before_ = clock[0];
    val_seconds_ = clock[1];
    samples_ = clock[2];
    running_.samples = clock[3];
    best_mean_ = clock[4];
    // Lines written after the checkpoint will be written again.
    if (fs::exists(journal) && fs::file_size(journal) > journal_bytes_) fs::resize_file(journal, journal_bytes_);
    say(train_.name,
        job_.label + ": going on at step " + std::to_string(step_) + " of " + std::to_string(job_.phase.steps));
  }

  TrainJob const& job_;
  Train const& train_;
  std::vector<int> const& rows_;
  torch::Device device_;
  std::size_t exits_;
  Optimizer optimizer_;
  Stopper stopper_;
  Running running_;
  Tensor weights_k_;
  std::vector<int> order_;
  std::map<std::string, TensorBytes> best_;
  TrainResult result_;
  long order_epoch_ = -1, step_ = 0, epoch_steps_ = 0, check_every_ = 0;
  std::size_t journal_bytes_ = 0;
  double rate_ = 0, samples_ = 0, best_mean_ = -1;
  double begun_ = 0, saved_at_ = 0, seconds_before_ = 0, val_seconds_ = 0;
  bool measuring_ = false;
};

}  // namespace

Measured measure(ExitNet& net, Task const& task, Images const& images, std::vector<int> const& rows, int batch) {
  torch::NoGradGuard no_grad;
  net.eval();
  auto const exits = net.exit_names().size();
  Measured measured{.loss = std::vector<double>(exits, 0.0), .accuracy = std::vector<double>(exits, 0.0)};
  auto const size = static_cast<std::size_t>(std::max(batch, 128));
  for (std::size_t from = 0; from < rows.size(); from += size) {
    std::vector<int> const chosen(rows.begin() + static_cast<long>(from),
                                  rows.begin() + static_cast<long>(std::min(from + size, rows.size())));
    auto const part = plain_batch(images, chosen);
    auto const answers = answer_all(net, part.input);
    for (std::size_t k = 0; k < exits; ++k) {
      measured.loss[k] += task.loss(answers[k].logits, part.target_b, 0).to(torch::kFloat64).sum().item<double>();
      measured.accuracy[k] += task.right(answers[k].logits, part.target_b).item<double>();
    }
  }
  for (std::size_t k = 0; k < exits; ++k) {
    measured.loss[k] /= static_cast<double>(rows.size());
    measured.accuracy[k] /= static_cast<double>(rows.size());
  }
  return measured;
}

TrainResult train(TrainJob const& job) { return Trainer(job).run(); }

}  // namespace eexit
