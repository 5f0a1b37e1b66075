// One phase on its way: what learns, its optimiser, early stopping, journal and checkpoints.
#pragma once

#include "core/base/safetensors.h"
#include "core/execute/optimizer.h"
#include "core/execute/running.h"
#include "core/execute/train.h"
#include "core/plan/stopper.h"

namespace eexit {

class Learner {
 public:
  Learner(TrainJob const&, TrainSetting const&);  // goes on from the newest good checkpoint

  long step() const { return step_; }  // the next one
  bool finished() const { return stopped_ || step_ >= job_.phase.steps; }
  std::string const& label() const { return job_.label; }

  // RunError (Exit::runs_failed) naming phase, step and exit when a loss is not finite.
  void train_step(Feed const&);
  // What is due after a step: checks on val, the journal, a checkpoint.
  void after_step(FeedRows const& val);
  // What was due when a stop came while val was measured.
  void catch_up(FeedRows const& val) {
    if (unchecked_) after_step(val);
  }
  void add_seconds(double shared) { step_seconds_ += shared; }  // this learner's part of work done for several
  void save();                                                  // a checkpoint
  TrainResult finish(FeedRows const& val);                      // the net gets the weights that the phase keeps

 private:
  std::vector<bool> counted() const;
  double rate_of(long step) const;
  Taps taps() const;
  void set_weights();
  std::vector<Tensor> losses_of(Earlier const&, Feed const&) const;  // by exit, [rows]
  Tensor whole_loss(Earlier const&, std::vector<Tensor> const& losses, Tensor const& losses_k) const;
  bool distills() const { return train_.recipe.distill.kind != Distill::Kind::none; }
  void learn_own(Feed const&);
  Measured measure_val(FeedRows const&);
  bool check(Measured const&);
  void write_journal(Measured const&);
  void tell_journal() const;
  void report_progress();
  void resume();
  double seconds() const { return step_seconds_ + val_seconds_; }
  double images_per_second() const;

  TrainJob const job_;
  TrainSetting const& setting_;
  Train const& train_;
  torch::Device device_;
  std::size_t exits_;
  Optimizer optimizer_;
  std::optional<Optimizer> own_;  // of what the method learns by its own rule
  Stopper stopper_;
  Running running_;
  Tensor weights_k_;
  std::function<State(std::size_t, State&)> branch_;
  Unlabelled const* unlabelled_ = nullptr;  // what is learned where that is not from labels
  Measured val_;
  std::map<std::string, TensorBytes> best_;
  long step_ = 0, epoch_steps_ = 0, check_every_ = 0;
  std::size_t journal_bytes_ = 0;
  double rate_ = 0, samples_ = 0, best_mean_ = -1;
  double step_seconds_ = 0, val_seconds_ = 0, saved_at_ = 0, reported_at_ = 0;
  bool measuring_ = false, stopped_ = false;
  bool unchecked_ = false;  // the check on val after the last step has not come to its end
};

// Random stream of a phase: a function of the seed, the kind of phase and how many of that kind came before.
std::uint64_t phase_stream(std::uint64_t seed, Train const&, std::initializer_list<std::string_view> more);

}  // namespace eexit
