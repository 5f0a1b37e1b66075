#include "core/execute/ahead.h"

#include <ATen/Parallel.h>

#include "core/base/error.h"

namespace eexit {

Ahead::Ahead(std::function<Make()> make_for_worker, long first, long end, int workers, int depth)
    : end_(end), depth_(depth), next_(first), taken_(first) {
  require(workers >= 1 && depth >= 1, "batches are made ahead by one thread at least");
  try {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this, make = make_for_worker()] { work(make); });
  } catch (...) {
    close();
    throw;
  }
}

Ahead::~Ahead() { close(); }

void Ahead::close() {
  {
    std::lock_guard const lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Ahead::work(Make const& make) {
  at::set_num_threads(1);  // of this thread: the step that is being computed has the others
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closed_ || (next_ < end_ && next_ < taken_ + depth_); });
    if (closed_) return;
    long const step = next_++;
    made_[step];
    lock.unlock();
    Made made;
    try {
      made.batch = make(step);
    } catch (...) {
      made.error = std::current_exception();
    }
    made.ready = true;
    lock.lock();
    // Passed over meanwhile: nobody will ask for it.
    if (auto const waiting = made_.find(step); waiting != made_.end()) waiting->second = std::move(made);
    changed_.notify_all();
  }
}

Batch Ahead::take(long step) {
  require(step < end_, "a step beyond the last is asked for");
  std::unique_lock lock(mutex_);
  if (step < taken_ || step >= next_) {  // not the next ones: begin there
    made_.clear();
    next_ = step;
  }
  taken_ = step;
  made_.erase(made_.begin(), made_.lower_bound(step));
  changed_.notify_all();
  changed_.wait(lock, [&] {
    auto const found = made_.find(step);
    return found != made_.end() && found->second.ready;
  });
  auto made = std::move(made_.at(step));
  made_.erase(step);
  taken_ = step + 1;
  changed_.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

}  // namespace eexit
