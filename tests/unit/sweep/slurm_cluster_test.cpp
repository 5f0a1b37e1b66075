// Against a real Slurm, run by tests/slurm/cluster.sh only. The jobs are this executable again, as "slurm element": it
// counts to a number, keeps its count in a file when it is stopped, and requeues itself before a time limit, as a
// worker of a sweep does.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/process.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/sweep/slurm.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;

namespace {

void wait_ms(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

void until(int seconds, std::string const& what, std::function<bool()> const& holds) {
  for (int i = 0; i < seconds * 10; ++i) {
    if (holds()) return;
    wait_ms(100);
  }
  FAIL("not within " + std::to_string(seconds) + " s: " + what);
}

// `count` tenths of a second of work in each element; its last words are in the folder's file "<level>-<element>".
SlurmJob level(fs::path const& folder, std::string const& name, int elements, int count) {
  auto const self = fs::read_symlink("/proc/self/exe").string();
  return {.name = name,
          .elements = elements,
          .command = {"bash", "-c", "exec env LEVEL=\"$1\" COUNT=\"$2\" ELEMENT=\"$3\" \"$0\" '[slurm-element]'", self,
                      (folder / name).string(), std::to_string(count)}};
}

std::string variable(char const* name) {
  char const* const value = std::getenv(name);
  return value ? value : "";
}

std::string text_of(fs::path const& file) { return fs::exists(file) ? read_file(file) : ""; }

bool ended(fs::path const& folder) {
  auto const states = slurm_states(folder);
  if (!states) return false;
  return std::all_of(states->begin(), states->end(), [](SlurmCount const& c) { return c.pending + c.running == 0; });
}

int running(fs::path const& folder) {
  auto const states = slurm_states(folder).value();
  int sum = 0;
  for (auto const& job : states) sum += job.running;
  return sum;
}

int cpus() { return static_cast<int>(std::thread::hardware_concurrency()); }

struct Folder : test::TemporaryFolder {
  SlurmOptions options(std::vector<std::pair<std::string, std::string>> const& given = {}) const {
    return {.spec = {.options = given}, .folder = path};
  }
  std::string events() const { return text_of(path / "events"); }
};

}  // namespace

TEST_CASE("slurm element", "[.][slurm-element]") {
  install_signal_handlers();
  auto const stem = variable("LEVEL") + "-" + variable("ELEMENT");
  auto const events = fs::path(stem).parent_path() / "events";
  auto const log = [&](std::string const& what) {
    append_file(events, fs::path(stem).filename().string() + " " + what + "\n");
  };
  auto const before = text_of(stem);
  long long done = before.empty() ? 0 : parse_integer(before, "count");
  log("starts at " + std::to_string(done) + " restart " + variable("SLURM_RESTART_COUNT"));
  while (done < parse_integer(variable("COUNT"), "COUNT") && !stop_requested()) {
    wait_ms(100);
    ++done;
  }
  write_file(stem, std::to_string(done));
  if (!stop_requested()) {
    log("ends");
    _exit(stem.ends_with("-1") ? 1 : 0);  // every second one "fails"
  }
  log(stop_was_time_limit() ? "is warned" : "is terminated");
  if (stop_was_time_limit()) log(slurm_requeue() ? "is requeued" : "is not requeued");
  _exit(75);
}

TEST_CASE("cluster: levels one after the other, whatever became of their elements", "[.][cluster]") {
  Folder const folder;
  auto last = level(folder.path, "last", 1, 1);
  last.array = false;
  auto options = folder.options({{"mem", "100M"}, {"comment", "it's a \"test\""}});
  options.spec.max_running = 1;
  auto const ids = slurm_submit({level(folder.path, "first", 3, 5), level(folder.path, "second", 2, 5), last}, options);
  REQUIRE(ids.size() == 3);
  until(60, "the end", [&] { return ended(folder.path); });
  CHECK(folder.events() ==
        "first-0 starts at 0 restart \nfirst-0 ends\nfirst-1 starts at 0 restart \nfirst-1 ends\n"
        "first-2 starts at 0 restart \nfirst-2 ends\nsecond-0 starts at 0 restart \nsecond-0 ends\n"
        "second-1 starts at 0 restart \nsecond-1 ends\nlast- starts at 0 restart \nlast- ends\n");
  CHECK(fs::exists(folder.path / ("first-" + ids[0] + "_2.log")));
  CHECK(fs::exists(folder.path / ("last-" + ids[2] + ".log")));
}

TEST_CASE("cluster: a folder with an odd name, a level larger than an array", "[.][cluster]") {
  Folder const folder;
  auto options = folder.options();
  options.folder = folder.path / "it's \"100\" %j #1/slurm";
  auto piece = level(folder.path, "odd", 2, 1);
  piece.first = 1000;
  write_file(options.folder / "odd.sbatch", slurm_script(piece, options));
  auto const id = run_command({"sbatch", "--parsable", (options.folder / "odd.sbatch").string()}).value();
  CHECK(id.err.empty());
  until(60, "the end", [&] { return fs::exists(folder.path / "odd-1000") && fs::exists(folder.path / "odd-1001"); });
  CHECK(fs::exists(options.folder / ("odd-" + split(id.out, '\n').front() + "_1.log")));
}

TEST_CASE("cluster: a refused job takes the others back", "[.][cluster]") {
  Folder const folder;
  auto greedy = level(folder.path, "greedy", 3000, 1);  // pieces of 1000
  CHECK_THROWS_AS(slurm_submit({greedy}, folder.options({{"mem", "1000G"}})), RunError);
  CHECK(test::message_of<RunError>([&] {
          slurm_submit({greedy}, folder.options({{"no-such-option", "1"}}));
        }) == "sbatch refused greedy-from-0: unrecognized option '--no-such-option=1'");
  CHECK(ended(folder.path));
}

TEST_CASE("cluster: pre-empted jobs are requeued and go on", "[.][cluster]") {
  Folder const folder;
  slurm_submit({level(folder.path, "low", cpus(), 100), level(folder.path, "after", 1, 1)},
               folder.options({{"partition", "low"}}));
  until(60, "all elements running", [&] { return running(folder.path) == cpus(); });
  wait_ms(1500);
  auto const high = run_command({"sbatch", "--parsable", "--partition=high", "--ntasks=" + std::to_string(cpus()),
                                 "--output=/dev/null", "--wrap=sleep 1"});
  REQUIRE(high->status == 0);
  until(120, "the end", [&] { return ended(folder.path); });
  auto const events = folder.events();
  CAPTURE(events);
  for (int i = 0; i < cpus(); ++i) {
    auto const element = "low-" + std::to_string(i);
    CHECK(text_of(folder.path / element) == "100");
    CHECK(events.find(element + " is terminated\n") != std::string::npos);
    CHECK(events.find(element + " is warned\n") == std::string::npos);
    auto const again = events.find(element + " starts at ", events.find(element + " is terminated\n"));
    REQUIRE(again != std::string::npos);
    auto const line = events.substr(again, events.find('\n', again) - again);
    CHECK(line.ends_with(" restart 1"));
    CHECK_FALSE(line.starts_with(element + " starts at 0 "));
    CHECK(events.find(element + " ends\n") < events.find("after-0 starts"));
  }
}

TEST_CASE("cluster: before its time limit a job saves and is requeued", "[.][cluster]") {
  Folder const folder;
  auto options = folder.options({{"time", "1"}});
  options.spec.signal_seconds = 20;  // comes 10 to 40 s after the start
  slurm_submit({level(folder.path, "long", 2, 450), level(folder.path, "after", 1, 1)}, options);
  until(240, "the end", [&] { return ended(folder.path); });
  auto const events = folder.events();
  CAPTURE(events);
  for (std::string const element : {"long-0", "long-1"}) {
    CHECK(text_of(folder.path / element) == "450");
    // Requeued by its own number: the other element is asked once too, and each starts again on its own.
    CHECK(events.find(element + " is warned\n") != std::string::npos);
    CHECK(events.find(element + " is requeued\n") != std::string::npos);
    CHECK(events.find(element + " is not requeued\n") == std::string::npos);
    CHECK(events.find(element + " is terminated\n") == std::string::npos);
    CHECK(events.find(" restart 1\n", events.find(element + " is requeued\n")) != std::string::npos);
    CHECK(events.find(element + " ends\n") < events.find("after-0 starts"));
  }
}

TEST_CASE("cluster: what is cancelled stays away", "[.][cluster]") {
  Folder const folder;
  slurm_submit({level(folder.path, "many", cpus() + 3, 600), level(folder.path, "after", 2, 1)}, folder.options());
  until(60, "elements running", [&] { return running(folder.path) == cpus(); });
  CHECK(test::message_of<SpecError>([&] { slurm_submit({}, folder.options()); }).find("still queued") !=
        std::string::npos);
  wait_ms(1000);
  CHECK(slurm_cancel(folder.path) == cpus() + 5);
  until(30, "nothing queued", [&] { return ended(folder.path); });
  CHECK(slurm_cancel(folder.path) == 0);
  wait_ms(15000);  // longer than the hold of requeued jobs on the cluster of the tests
  CHECK(ended(folder.path));
  auto const events = folder.events();
  CAPTURE(events);
  CHECK(events.find("many-0 is terminated\n") != std::string::npos);
  CHECK(events.find("restart 1") == std::string::npos);
  CHECK(events.find("after-") == std::string::npos);
}
