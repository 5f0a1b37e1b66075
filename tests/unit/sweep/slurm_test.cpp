// Against tests/support/stub_slurm; tests/slurm/cluster.sh does the same to a real Slurm.
#include "core/sweep/slurm.h"

#include <functional>

#include "core/base/error.h"
#include "core/base/process.h"
#include "tests/support/approve.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/base/variable.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;
using test::Variable;

namespace {

using Ids = std::vector<std::string>;

SlurmSpec spec() {
  SlurmSpec made;
  made.options = {{"time", "02:00:00"}, {"mem", "4G"}, {"exclusive", ""}, {"comment", "it's a \"\\ #1"}};
  return made;
}

SlurmJob level(int number, int elements) {
  auto const name = std::to_string(number);
  return {.name = "small-level-" + name, .elements = elements, .command = {"/usr/bin/eexit", "work", name + ".json"}};
}

SlurmJob tables() { return {.name = "small-tables", .array = false, .command = {"/usr/bin/eexit", "sweep", "s.json"}}; }

// A folder for the stubs' files and one for the sweep's, and the stubs before all else in PATH.
struct Stubs {
  TemporaryFolder folder;
  fs::path files = folder.path / "stub", out = folder.path / "it's 100 %j/slurm";
  Variable path{"PATH", std::string(EEXIT_TESTS_DIR) + "/support/stub_slurm:" + std::getenv("PATH")};
  Variable told{"STUB_SLURM", files.string()};
  Stubs() { fs::create_directories(files); }
  void set(std::string const& name, std::string const& content = "") const { write_file(files / name, content); }
  void unset(std::string const& name) const { fs::remove(files / name); }
  SlurmOptions options(int running = 0) const {
    SlurmOptions made{.spec = spec(), .folder = out};
    made.spec.max_running = running;
    return made;
  }
  // What the stubs were asked since the last time.
  std::string asked() const {
    auto text = fs::exists(files / "log") ? read_file(files / "log") : "";
    for (auto at = text.find(out.string()); at != std::string::npos; at = text.find(out.string()))
      text.replace(at, out.string().size(), "OUT");
    unset("log");
    return text;
  }
};

template <class Error>
Exit code_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code;
  }
  return Exit::ok;
}

}  // namespace

TEST_CASE("slurm: scripts", "[sweep]") {
  SlurmOptions options{.spec = spec(), .folder = "/data/it's 100 %j/slurm"};
  options.spec.max_running = 8;
  auto array = level(0, 48);
  array.command = {"/opt/e exit", "work", "it's $HOME/`level` \"0\".json", ""};
  auto piece = level(1, 500);
  piece.first = 1000;
  std::string text = slurm_script(array, options) + "\n" + slurm_script(tables(), options) + "\n";
  options.spec.signal_seconds = 300;
  options.spec.max_running = 0;
  approve("slurm_scripts.txt", text + slurm_script(piece, options));
  options.folder = "/data/back\\slash";
  CHECK(message_of<SpecError>([&] { slurm_script(array, options); }).starts_with("/data/back\\slash: "));
}

TEST_CASE("slurm: a script becomes the program, with its arguments as they are", "[sweep]") {
  TemporaryFolder const folder;
  auto const script = folder.path / "script";
  SlurmJob job{.name = "j",
               .command = {"sh", "-c", "echo $$; printf '%s|' \"$@\"", "sh", "a b", "it's \"$HOME\"`\\", ""}};
  Variable const element("SLURM_ARRAY_TASK_ID", "7");
  auto const words = [&] {
    write_file(script, slurm_script(job, {.folder = folder.path}));
    auto const output = run_command({"bash", "-c", "echo $$; exec bash \"$0\"", script.string()}).value();
    CHECK(output.status == 0);
    auto const newline = output.out.find('\n'), second = output.out.find('\n', newline + 1);
    // The same process all the way: signals reach the program.
    CHECK(output.out.substr(0, newline) == output.out.substr(newline + 1, second - newline - 1));
    return output.out.substr(second + 1);
  };
  CHECK(words() == "a b|it's \"$HOME\"`\\||7|");
  job.first = 2000;
  CHECK(words() == "a b|it's \"$HOME\"`\\||2007|");
  job.array = false;
  CHECK(words() == "a b|it's \"$HOME\"`\\||");
}

TEST_CASE("slurm: each level waits for the one before it", "[sweep]") {
  Stubs const stubs;
  CHECK(slurm_submit({level(0, 3), level(1, 0), level(2, 2), tables()}, stubs.options()) == Ids{"101", "102", "103"});
  CHECK(stubs.asked() ==
        "scontrol show config\n"
        "sbatch --parsable OUT/small-level-0.sbatch\n"
        "sbatch --parsable --dependency=afterany:101 OUT/small-level-2.sbatch\n"
        "sbatch --parsable --dependency=afterany:102 OUT/small-tables.sbatch\n");
  CHECK(read_file(stubs.files / "102.sbatch") == slurm_script(level(2, 2), stubs.options()));
  approve("slurm_jobs.json", read_file(stubs.out / "jobs.json"));

  // As a cluster of several answers.
  stubs.set("answer", "77;east\n");
  CHECK(slurm_submit({tables()}, stubs.options()) == Ids{"77"});
}

TEST_CASE("slurm: a level larger than an array may be", "[sweep]") {
  Stubs const stubs;
  stubs.set("config", "MaxArrayTasks = 3\nMaxArraySize            = 1001\n");
  auto const submit = [&](int running) {
    auto const ids = slurm_submit({level(0, 2500), tables()}, stubs.options(running));
    CHECK(ids.size() == 4);
    auto log = stubs.asked();
    return log.substr(log.find("sbatch"));
  };
  CHECK(submit(0) ==
        "sbatch --parsable OUT/small-level-0-from-0.sbatch\n"
        "sbatch --parsable OUT/small-level-0-from-1000.sbatch\n"
        "sbatch --parsable OUT/small-level-0-from-2000.sbatch\n"
        "sbatch --parsable --dependency=afterany:101:102:103 OUT/small-tables.sbatch\n");
  CHECK(read_file(stubs.files / "103.sbatch").find("--array=0-499\n") != std::string::npos);
  CHECK(read_file(stubs.files / "103.sbatch").find("\"$((SLURM_ARRAY_TASK_ID + 2000))\"") != std::string::npos);
  // Never more than 8 at once: the pieces take turns.
  CHECK(submit(8) ==
        "sbatch --parsable OUT/small-level-0-from-0.sbatch\n"
        "sbatch --parsable --dependency=afterany:105 OUT/small-level-0-from-1000.sbatch\n"
        "sbatch --parsable --dependency=afterany:106 OUT/small-level-0-from-2000.sbatch\n"
        "sbatch --parsable --dependency=afterany:105:106:107 OUT/small-tables.sbatch\n");
  CHECK(read_file(stubs.files / "107.sbatch").find("--array=0-499%8\n") != std::string::npos);
  stubs.set("config", "MaxArraySize = 900\n");
  slurm_submit({level(0, 901)}, stubs.options());
  CHECK(read_file(stubs.files / "109.sbatch").find("--array=0-899\n") != std::string::npos);
  CHECK(read_file(stubs.files / "110.sbatch").find("--array=0-0\n") != std::string::npos);
}

TEST_CASE("slurm: what sbatch refuses takes back what was submitted before", "[sweep]") {
  Stubs const stubs;
  stubs.set("refuse", "small-tables.sbatch");
  auto const submit = [&] { slurm_submit({level(0, 3), level(1, 2), tables()}, stubs.options()); };
  CHECK(message_of<RunError>(submit) == "sbatch refused small-tables: invalid partition specified: nix");
  CHECK(code_of<RunError>(submit) == Exit::io);
  stubs.asked();
  CHECK_THROWS_AS(submit(), RunError);
  auto const log = stubs.asked();
  CHECK(log.substr(log.find("scancel")) == "scancel --state=PENDING 105 106\nscancel 105 106\n");
  CHECK(slurm_states(stubs.out)->empty());

  stubs.set("refuse", "small-level-0.sbatch");
  CHECK_THROWS_AS(submit(), RunError);
  CHECK(stubs.asked().find("scancel") == std::string::npos);

  stubs.set("refuse", "small-level-1.sbatch");
  stubs.set("down");  // scancel fails too
  CHECK(message_of<RunError>(submit) ==
        "sbatch refused small-level-1: invalid partition specified: nix; jobs submitted before could not be cancelled: "
        "scancel: Kill job error on job id 101: Access/permission denied");
  CHECK(read_file(stubs.out / "jobs.json").find("small-level-0") != std::string::npos);

  stubs.unset("down");
  stubs.unset("refuse");
  stubs.set("answer", "Submitted batch job\n");
  CHECK(message_of<RunError>(submit) == "sbatch told no job number for small-level-0: \"Submitted batch job\n\"");
}

TEST_CASE("slurm: a machine without it", "[sweep]") {
  TemporaryFolder const folder;
  Variable const nowhere("PATH", folder.path.string());
  auto const submit = [&] { slurm_submit({level(0, 3)}, {.folder = folder.path}); };
  CHECK(message_of<RunError>(submit) == "sbatch is not installed here: --slurm needs a machine that submits jobs");
  CHECK(code_of<RunError>(submit) == Exit::setup);
  write_file(folder.path / "jobs.json", R"({"jobs": [{"id": "101", "name": "a", "elements": 3}]})");
  CHECK_FALSE(slurm_states(folder.path));
  CHECK(code_of<RunError>([&] { slurm_cancel(folder.path); }) == Exit::setup);
  write_file(folder.path / "jobs.json", "{");
  CHECK(message_of<RunError>([&] { slurm_states(folder.path); }).find("jobs.json: damaged") != std::string::npos);
}

TEST_CASE("slurm: what became of the jobs", "[sweep]") {
  Stubs const stubs;
  CHECK(slurm_states(stubs.out)->empty());  // nothing submitted
  slurm_submit({level(0, 5), level(1, 2), tables()}, stubs.options());
  stubs.asked();
  stubs.set("queue", "101 RUNNING\n101 PENDING\n101 COMPLETING\n102 PENDING\n102 PENDING\n103 PENDING\n99 RUNNING\n");
  auto const states = slurm_states(stubs.out).value();
  CHECK(stubs.asked() == "squeue --noheader --array --format=%F %T --jobs=101,102,103\n");
  REQUIRE(states.size() == 3);
  CHECK(states[0].name == "small-level-0");
  CHECK(states[0].elements == 5);
  CHECK(states[0].pending == 1);
  CHECK(states[0].running == 2);
  CHECK(states[1].pending == 2);
  CHECK(states[2].elements == 1);
  CHECK(states[2].pending == 1);

  // Not again while they are queued.
  auto const again = [&] { slurm_submit({level(0, 5)}, stubs.options()); };
  CHECK(message_of<SpecError>(again) ==
        "small-level-0 is still queued as job 101: wait for its end, or --cancel first");
  CHECK(code_of<SpecError>(again) == Exit::usage);

  // All forgotten: all ended. An answer of another kind: unknown.
  stubs.unset("queue");
  CHECK(slurm_states(stubs.out).value()[0].pending == 0);
  CHECK_NOTHROW(again());
  stubs.set("down");
  CHECK_FALSE(slurm_states(stubs.out));
}

TEST_CASE("slurm: cancelling ends what waits before what runs", "[sweep]") {
  Stubs const stubs;
  CHECK(slurm_cancel(stubs.out) == 0);
  slurm_submit({level(0, 5), level(1, 2), tables()}, stubs.options());
  stubs.set("queue", "102 RUNNING\n102 PENDING\n103 PENDING\n");
  stubs.asked();
  CHECK(slurm_cancel(stubs.out) == 3);
  auto const log = stubs.asked();
  CHECK(log.substr(log.find("scancel")) == "scancel --state=PENDING 102 103\nscancel 102 103\n");
  stubs.set("queue");
  CHECK(slurm_cancel(stubs.out) == 0);
  CHECK(stubs.asked().find("scancel") == std::string::npos);
}

TEST_CASE("slurm: a job asks to be started again", "[sweep]") {
  Stubs const stubs;
  Variable const no_job("SLURM_JOB_ID", std::nullopt), no_array("SLURM_ARRAY_JOB_ID", std::nullopt),
      no_element("SLURM_ARRAY_TASK_ID", std::nullopt);
  CHECK_FALSE(slurm_requeue());
  CHECK(stubs.asked().empty());
  Variable const job("SLURM_JOB_ID", "101");
  CHECK(slurm_requeue());
  CHECK(stubs.asked() == "scontrol requeue 101\n");
  Variable const array("SLURM_ARRAY_JOB_ID", "101"), element("SLURM_ARRAY_TASK_ID", "3");
  CHECK(slurm_requeue());
  CHECK(stubs.asked() == "scontrol requeue 101_3\n");
  stubs.set("killed");
  CHECK(slurm_requeue());
  stubs.set("down");
  CHECK_FALSE(slurm_requeue());
}
