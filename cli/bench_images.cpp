#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>

#include "cli/benchmarks.h"
#include "cli/study_files.h"
#include "core/base/text.h"
#include "core/execute/augment.h"
#include "core/execute/timing.h"

namespace eexit::cli {

namespace {

// Threads of torch's for as long as this lives.
class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  Threads(Threads const&) = delete;
  Threads& operator=(Threads const&) = delete;
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

// Seconds of work on rows, batch by batch as training asks for them.
double one_thread(std::vector<int> const& rows, int batch, std::function<void(std::vector<int> const&)> const& work) {
  Threads const one(1);
  double const begun = wall_seconds();
  for (auto from = rows.begin(); from != rows.end();) {
    auto const to = from + std::min<long>(batch, rows.end() - from);
    work({from, to});
    from = to;
  }
  return wall_seconds() - begun;
}

}  // namespace

// How fast images are read and augmented on one thread, and what it costs a joint step that they are read meanwhile.
int bench_images(Args const& args) {
  TrainBench const bench(args);
  auto const& run = bench.run;
  auto const& resident = bench.images;
  int const steps = bench.steps, rounds = bench.rounds;
  auto const streamed = load_images(open_data(run.data.source, Split::train), bench.device, 0);
  auto const& train = run.splits->train;
  std::vector<int> const rows(train.begin(),
                              train.begin() + std::min<long>(run.train.batch * steps, static_cast<long>(train.size())));
  Augmenter const augmenter(run.data.augment);
  TimedTraining const in_memory(run, *joint_phase_of(run), steps, bench.device, resident),
      meanwhile(run, *joint_phase_of(run), steps, bench.device, streamed);
  std::vector<Arm> const arms = {
      {"read, one thread",
       [&] { return one_thread(rows, run.train.batch, [&](auto const& some) { bytes_of(streamed, some); }); }},
      {"augment and normalise, one thread",
       [&] {
         return one_thread(rows, run.train.batch, [&](auto const& some) { augmenter.batch(resident, some, 1); });
       }},
      {"steps, images in memory", [&] { return in_memory(false); }},
      {"the same again (A/A)", [&] { return in_memory(false); }},
      {"steps, images read meanwhile", [&] { return meanwhile(false); }}};
  auto const seconds = interleave(arms, rounds);
  Table table{
      .title = title("images", run, steps) + ", data " + run.data.source.name + ", augment " + run.data.augment.name,
      .header = {"arm", "img/s", "time of steps in memory"}};
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    bool const trains = arm >= 2;
    double const images = trains ? run.train.batch * steps : static_cast<double>(rows.size());
    table.rows.push_back({arms[arm].name, speed_text(images, seconds[arm]),
                          trains ? spread(quotients(seconds[arm], seconds[2]), 3) : "-"});
  }
  table.footnotes = {drift_text(seconds[2], seconds[3]), hardware(rounds)};
  print(table, args.json);
  return 0;
}

}  // namespace eexit::cli
