// Batches made ahead of the steps that take them.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/execute/images.h"

namespace eexit {

// Threads that make the batches of the steps to come, at most `depth` of them ready or being made. What a step is given
// does not depend on them: a batch is a function of its step.
class Ahead {
 public:
  using Make = std::function<Batch(long step)>;

  // The steps from `first` to `end` - 1. make_for_worker: a Make for each thread, which alone calls it, one call at a
  // time.
  Ahead(std::function<Make()> make_for_worker, long first, long end, int workers, int depth);
  Ahead(Ahead const&) = delete;
  Ahead& operator=(Ahead const&) = delete;
  ~Ahead();

  // The batch of a step; steps in rising order are ready soonest. Rethrows what making it threw.
  Batch take(long step);

 private:
  struct Made {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };
  void work(Make const&);
  void close();

  long end_, depth_;
  long next_;   // to be begun
  long taken_;  // all before it are taken or passed over
  bool closed_ = false;
  std::map<long, Made> made_;  // begun and not taken
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace eexit
