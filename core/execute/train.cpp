#include "core/execute/train.h"

#include <algorithm>
#include <memory>
#include <set>

#include "core/base/error.h"
#include "core/base/signals.h"
#include "core/execute/ahead.h"
#include "core/execute/augment.h"
#include "core/execute/learner.h"
#include "core/execute/timing.h"
#include "core/plan/protocol.h"

namespace eexit {

namespace {

// The batches of a phase: which rows a step sees is a function of seed, phase and step.
class Batches {
 public:
  Batches(Run const& run, Train const& phase, Images const& images)
      : run_(run),
        phase_(phase),
        images_(images),
        augmenter_(run.data.augment),
        epoch_steps_(steps_an_epoch({.rows = static_cast<int>(run.splits->train.size()), .batch = run.train.batch})) {}

  std::vector<int> rows(long step) {
    set_order(step / epoch_steps_);
    auto const size = static_cast<long>(run_.train.batch);
    auto const from = (step % epoch_steps_) * size;
    auto const to = std::min(from + size, static_cast<long>(order_.size()));
    return {order_.begin() + from, order_.begin() + to};
  }

  Batch batch(long step) {
    return augmenter_.batch(images_, rows(step), phase_stream(run_.seed, phase_, {"augment", std::to_string(step)}));
  }

  long an_epoch() const { return epoch_steps_; }

  bool augmented() const { return augmenter_.changes(); }

  // Making a batch takes long enough to be done beside the step before it.
  std::size_t bytes() const {
    return static_cast<std::size_t>(run_.train.batch * run_.facts->shape.bytes()) * sizeof(float);
  }

  bool slow() const { return !images_.resident() || augmenter_.slow(); }

 private:
  void set_order(long epoch) {
    if (epoch == order_epoch_) return;
    auto const& rows = run_.splits->train;
    Random random(phase_stream(run_.seed, phase_, {"order", std::to_string(epoch)}));
    order_ = permutation(static_cast<int>(rows.size()), random);
    for (auto& at : order_) at = rows[static_cast<std::size_t>(at)];
    order_epoch_ = epoch;
  }

  Run const& run_;
  Train const& phase_;
  Images const& images_;
  Augmenter augmenter_;
  long epoch_steps_, order_epoch_ = -1;
  std::vector<int> order_;
};

// Feeds for one phase whose network learns, or for several whose trunk is frozen.
class Feeder {
 public:
  // first: the step that is asked for first.
  Feeder(std::span<TrainJob const> jobs, TrainSetting const& setting, long first)
      : setting_(setting), phase_(std::get<Train>(jobs[0].phase.phase)), batches_(jobs[0].run, phase_, setting.images) {
    long steps = 0;
    for (auto const& job : jobs) steps = std::max(steps, job.phase.steps);
    if (phase_.learns("stage.") || phase_.learns("last.")) {
      require(jobs.size() == 1, "a trunk that learns belongs to one phase");
      make_ahead(first, steps);
      return;
    }
    kept_ = !batches_.augmented() && steps >= batches_.an_epoch();
    if (!kept_) make_ahead(first, steps);
    std::set<std::string> carrying;
    for (auto const& job : jobs) carrying.insert(job.run.after.begin(), job.run.after.end());
    auto const& run = jobs[0].run;
    std::vector<std::string> const stages(carrying.begin(), carrying.end());
    val_.emplace(jobs[0].net, stages, setting.images, false);
    val_->keep(run.splits->val, setting.room);
    trunk_.emplace(jobs[0].net, stages, setting.images, run.train.bf16);
    auto rest = setting.room;
    rest.memory_bytes -= std::min(rest.memory_bytes, val_->bytes());
    if (kept_) trunk_->keep(run.splits->train, rest);
  }

  Feed at(long step) {
    if (kept_) return trunk_->kept(batches_.rows(step));
    auto batch = ahead_ ? ahead_->take(step) : batches_.batch(step);
    if (trunk_) return trunk_->pass(batch);
    return {.input = std::move(batch.input),
            .target_b = std::move(batch.target_b),
            .partner_b = std::move(batch.partner_b),
            .share_b = std::move(batch.share_b)};
  }

  Feed val(std::vector<int> const& rows) const { return val_ ? val_->kept(rows) : plain_rows(setting_.images)(rows); }

 private:
  // Half of the threads: a step uses all of them, but seldom all the time. No more batches than 512 MiB hold.
  void make_ahead(long first, long steps) {
    if (!batches_.slow() || first >= steps) return;
    constexpr std::size_t room = std::size_t{512} << 20;
    int const fit = static_cast<int>(std::clamp<std::size_t>(room / batches_.bytes(), 1, 1024));
    int const workers = std::min(std::max(1, torch::get_num_threads() / 2), fit);
    ahead_.emplace([this] { return [own = batches_](long step) mutable { return own.batch(step); }; }, first, steps,
                   workers, std::min(workers + 2, fit));
  }

  TrainSetting const& setting_;
  Train const& phase_;
  Batches batches_;
  std::optional<FrozenTrunk> trunk_, val_;  // val is measured in f32
  bool kept_ = false;                       // features of the training rows, seen more than once
  std::optional<Ahead> ahead_;
};

class Loop {
 public:
  Loop(std::span<TrainJob const> jobs, TrainSetting const& setting, TrainEnd const& end)
      : jobs_(jobs), setting_(setting), end_(end) {
    for (auto const& job : jobs) learners_.push_back(std::make_unique<Learner>(job, setting));
  }

  void run() {
    double const begun = wall_seconds();
    Feeder feeder(jobs_, setting_, next_step());
    for (auto& learner : learners_) learner->add_seconds((wall_seconds() - begun) / static_cast<double>(jobs_.size()));
    FeedRows const val = [&](std::vector<int> const& rows) { return feeder.val(rows); };
    try {
      for (std::size_t i = 0; i < learners_.size(); ++i) attempt(i, [&](Learner& learner) { learner.catch_up(val); });
      end_finished(val);
      while (still_learning() > 0) {
        step(feeder, val);
        end_finished(val);
        throw_if_stop_requested();
      }
    } catch (Interrupted const&) {
      stop();
      throw;
    }
  }

 private:
  // Those furthest behind go first: a kill may have left learners of one trunk at different checkpoints.
  long next_step() const {
    long next = -1;
    for (auto const& learner : learners_)
      if (learner && (next < 0 || learner->step() < next)) next = learner->step();
    return std::max(next, 0L);
  }

  void step(Feeder& feeder, FeedRows const& val) {
    long const next = next_step();
    std::vector<std::size_t> now;
    for (std::size_t i = 0; i < learners_.size(); ++i)
      if (learners_[i] && learners_[i]->step() == next) now.push_back(i);
    double const begun = wall_seconds();
    auto const feed = feeder.at(next);
    double const shared = (wall_seconds() - begun) / static_cast<double>(now.size());
    for (auto const i : now) {
      throw_if_stop_requested();  // each has checkpoints of its own
      attempt(i, [&](Learner& learner) {
        learner.add_seconds(shared);
        learner.train_step(feed);
        learner.after_step(val);
      });
    }
  }

  // A phase that diverges ends alone: the others learn nothing from it.
  template <class Do>
  void attempt(std::size_t i, Do const& action) {
    try {
      action(*learners_[i]);
    } catch (RunError const& error) {
      if (error.code != Exit::runs_failed) throw;
      auto const steps = learners_[i]->step();
      learners_[i].reset();
      end_.diverged(i, error.what(), steps);
    }
  }

  void end_finished(FeedRows const& val) {
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      if (!learners_[i] || !learners_[i]->finished()) continue;
      attempt(i, [&](Learner& learner) {
        auto const result = learner.finish(val);
        learners_[i].reset();
        end_.done(i, result);
      });
    }
  }

  std::size_t still_learning() const {
    return static_cast<std::size_t>(
        std::count_if(learners_.begin(), learners_.end(), [](auto const& learner) { return learner != nullptr; }));
  }

  void stop() {
    std::string text;
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      if (!learners_[i]) continue;
      attempt(i, [](Learner& learner) { learner.save(); });
      if (!learners_[i]) continue;
      text += (text.empty() ? "" : "; ") + learners_[i]->label() + ": stopped at step " +
              std::to_string(learners_[i]->step());
    }
    if (!text.empty()) throw Interrupted(text + "; run again to go on");
  }

  std::span<TrainJob const> jobs_;
  TrainSetting const& setting_;
  TrainEnd const& end_;
  std::vector<std::unique_ptr<Learner>> learners_;  // none: ended
};

}  // namespace

Measured measure(ExitNet& net, Task const& task, FeedRows const& feed_rows, std::vector<int> const& rows, int batch,
                 Unlabelled const* unlabelled) {
  torch::NoGradGuard no_grad;
  net.eval();
  auto const exits = net.exit_names().size();
  Measured measured{.loss = std::vector<double>(exits, 0.0), .accuracy = std::vector<double>(exits, 0.0)};
  auto const size = static_cast<std::size_t>(std::max(batch, 128));
  for (std::size_t from = 0; from < rows.size(); from += size) {
    throw_if_stop_requested();
    auto const feed = feed_rows(
        {rows.begin() + static_cast<long>(from), rows.begin() + static_cast<long>(std::min(from + size, rows.size()))});
    auto const answers = answer_all(net, feed.stages(net), feed.input);
    for (std::size_t k = 0; k < exits; ++k) {
      auto const loss_b = unlabelled != nullptr ? unlabelled->loss(feed.input, answers[k])
                                                : task.loss(answers[k].logits, feed.target_b, 0);
      auto const right = unlabelled != nullptr ? unlabelled->right(feed.input, answers[k])
                                               : task.right(answers[k].logits, feed.target_b);
      measured.loss[k] += loss_b.to(torch::kFloat64).sum().item<double>();
      measured.accuracy[k] += right.item<double>();
    }
  }
  for (std::size_t k = 0; k < exits; ++k) {
    measured.loss[k] /= static_cast<double>(rows.size());
    measured.accuracy[k] /= static_cast<double>(rows.size());
  }
  return measured;
}

void train(std::span<TrainJob const> jobs, TrainSetting const& setting, TrainEnd const& end) {
  Loop(jobs, setting, end).run();
}

}  // namespace eexit
