#include "core/sweep/events.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/host.h"
#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using test::message_of;
using test::TemporaryFolder;

namespace {

Event epoch_event() {
  return {.kind = "epoch",
          .node = "0123456789abcdef",
          .label = "run 1/4 mlp-joint-s0, joint",
          .step = 50,
          .steps = 150,
          .images_per_second = 604.1234567,
          .epoch = 2,
          .lr = 0.1 + 0.2,
          .exits = {"0", "1", "last"},
          .train_loss = {1.5, 1e-300, 2},
          .train_accuracy = {0.5, 0.75, 1},
          .val_loss = {0, 1, 2},
          .val_accuracy = {0.1, 0.2, 0.3},
          .seconds = 12.345,
          .time = "2026-01-31T12:00:00.123Z",
          .pid = 4242,
          .host = "node7"};
}

std::vector<Event> events_in(fs::path const& path) {
  std::vector<Event> all;
  for (auto const& line : split(read_file(path), '\n'))
    if (auto const event = from_line(line)) all.push_back(*event);
  return all;
}

}  // namespace

TEST_CASE("events: one compact line, only what is set", "[sweep]") {
  CHECK(to_line({.kind = "node_failed", .node = "ab", .reason = "the loss is nan"}) ==
        R"({"event":"node_failed","node":"ab","reason":"the loss is nan"})"
        "\n");
  CHECK(to_line({.kind = "epoch", .node = "ab", .epoch = 1, .train_loss = {2.5}, .val_loss = {2, 3}}) ==
        R"({"event":"epoch","node":"ab","epoch":1,"step":0,"steps":0,"lr":0.0,"images_per_second":0.0,"seconds":0.0,)"
        R"("train":{"loss":[2.5]},"val":{"loss":[2.0,3.0]}})"
        "\n");
  CHECK(to_line({.kind = "progress", .steps = 100}) ==
        R"({"event":"progress","step":0,"steps":100,"images_per_second":0.0})"
        "\n");
  CHECK_THROWS_AS(to_line({.kind = "epok"}), std::logic_error);
}

TEST_CASE("events: every kind reads back as it was", "[sweep]") {
  CHECK(from_line(to_line(epoch_event())) == epoch_event());
  for (char const* const kind : {"sweep_started", "node_started", "progress", "epoch", "node_done", "node_failed",
                                 "node_interrupted", "sweep_done"}) {
    CHECK(from_line(to_line({.kind = kind})) == Event{.kind = kind});
    auto all = epoch_event();
    all.kind = kind;
    all.reason = "r";
    all.nodes = 12;
    all.failed = 1;
    CHECK(from_line(to_line(all)) == all);
  }
}

TEST_CASE("events: a reason with controls, quotes and broken UTF-8 stays one line", "[sweep]") {
  std::string const reason = "a\nb\r\t\"\\\x01\x1b[31m\x7f größe \xe2\x80\xa8";
  auto const line = to_line({.kind = "node_failed", .reason = reason});
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(from_line(line)->reason == reason);
  CHECK(from_line(to_line({.kind = "node_failed", .reason = "bad \xff\xc3 end"}))->reason ==
        "bad \xef\xbf\xbd\xef\xbf\xbd end");
  std::string const zero("a\0b", 3);
  CHECK(from_line(to_line({.kind = "node_failed", .reason = zero}))->reason == zero);
  auto const longest = to_line({.kind = "node_failed", .reason = std::string(100000, 'x')});
  CHECK(longest.size() < 2100);
  CHECK(from_line(longest)->reason.ends_with("x..."));
}

TEST_CASE("events: numbers that JSON does not have come back as NaN", "[sweep]") {
  double const infinite = std::numeric_limits<double>::infinity();
  auto const back = from_line(to_line({.kind = "epoch", .lr = infinite, .val_loss = {1, std::nan(""), -infinite}}));
  REQUIRE(back);
  CHECK(std::isnan(back->lr));
  REQUIRE(back->val_loss.size() == 3);
  CHECK(back->val_loss[0] == 1);
  CHECK(std::isnan(back->val_loss[1]));
  CHECK(std::isnan(back->val_loss[2]));
  auto const most = std::numeric_limits<double>::max();
  CHECK(from_line(to_line({.kind = "epoch", .val_loss = {most, -most}}))->val_loss == std::vector<double>{most, -most});
}

TEST_CASE("events: cut lines are none", "[sweep]") {
  auto line = to_line(epoch_event());
  line.pop_back();
  for (std::size_t size = 0; size < line.size(); ++size) CHECK_FALSE(from_line(line.substr(0, size)));
  CHECK(from_line(line));
  CHECK(from_line(line + "\r\n"));
  // Torn and glued together by two writers.
  CHECK_FALSE(from_line(line.substr(0, 30) + line));
  CHECK_FALSE(from_line(line + line));
}

TEST_CASE("events: foreign lines are none", "[sweep]") {
  for (std::string const text : {R"()",
                                 R"(\n)",
                                 R"([W] some library warns)",
                                 R"(5)",
                                 R"(null)",
                                 R"([])",
                                 R"("epoch")",
                                 R"({})",
                                 R"({"event": 1})",
                                 R"({"event": "epok"})",
                                 R"({"kind": "epoch"})",
                                 R"({"event": "epoch", "epoch": "2"})",
                                 R"({"event": "epoch", "step": 1.5})",
                                 R"({"event": "epoch", "step": -1})",
                                 R"({"event": "epoch", "step": 9223372036854775808})",
                                 R"({"event": "epoch", "step": 1e400})",
                                 R"({"event": "epoch", "lr": 1e400})",
                                 R"({"event": "epoch", "epoch": 2147483648})",
                                 R"({"event": "epoch", "step": 123456789012345678901234567890})",
                                 R"({"event": "epoch", "node": 7})",
                                 R"({"event": "epoch", "train": {"loss": 1}})",
                                 R"({"event": "epoch", "train": {"loss": [1, "2"]}})",
                                 R"({"event": "epoch", "exits": [1]})",
                                 R"({"event": "epoch", "val": {"accuracy": [[1]]}})"}) {
    INFO(text);
    CHECK_FALSE(from_line(text));
  }
  CHECK_FALSE(from_line(std::string("{\"event\":\"epoch\"}\0junk", 22)));
  CHECK_FALSE(from_line("{\"event\":\"epoch\",\"label\":\"\xff\"}"));
  CHECK_FALSE(from_line(R"({"event":"epoch","label":")" + std::string(1 << 20, 'x') + R"("})"));
  CHECK_FALSE(from_line(std::string(500000, '[')));
  CHECK(from_line(R"({"event": "epoch", "step": 9223372036854775807})")->step == 9223372036854775807);
  CHECK(from_line(R"({"event": "epoch", "colour": "green", "train": 3})")->kind == "epoch");
}

TEST_CASE("events: one byte changed anywhere gives an event or nothing, never a crash", "[sweep]") {
  auto const line = to_line(epoch_event());
  int read = 0;
  for (std::size_t i = 0; i < line.size(); ++i)
    for (char const c : {'\0', '"', '{', '9', '-', 'e', '\xff', ' '}) {
      auto changed = line;
      changed[i] = c;
      if (from_line(changed)) ++read;
    }
  CHECK(read > 0);
}

TEST_CASE("events: stamped with time, process and machine, unless they are known", "[sweep]") {
  auto const now = stamped({.kind = "progress"});
  CHECK(now.pid == getpid());
  CHECK(now.host == host_name());
  CHECK(now.time.size() == 24);
  CHECK(std::abs(parse_utc(now.time).value_or(0) - unix_seconds()) < 10);
  CHECK(stamped(epoch_event()) == epoch_event());
}

TEST_CASE("events: a log appends whole lines, also behind a cut one", "[sweep]") {
  TemporaryFolder const folder;
  auto const path = folder.path / "studies" / "s" / "events.jsonl";
  { EventLog(path).write(epoch_event()); }
  std::ofstream(path, std::ios::app) << R"({"event":"epoch","no)";
  {
    EventLog log(path);
    log.write({.kind = "node_done", .seconds = 3});
    log.write({.kind = "sweep_done"});
  }
  auto const events = events_in(path);
  REQUIRE(events.size() == 3);
  CHECK(events[0] == epoch_event());
  CHECK(events[1].kind == "node_done");
  CHECK(events[1].pid == getpid());
  CHECK(events[2].kind == "sweep_done");
  CHECK(split(read_file(path), '\n').size() == 5);
}

TEST_CASE("events: several processes share a log", "[sweep]") {
  TemporaryFolder const folder;
  auto const path = folder.path / "events.jsonl";
  constexpr int writers = 4, lines = 200;
  std::vector<pid_t> children;
  for (int child = 0; child < writers; ++child) {
    pid_t const pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      EventLog log(path);
      for (int i = 0; i < lines; ++i) log.write({.kind = "progress", .label = std::string(300, 'x'), .step = i});
      _exit(0);
    }
    children.push_back(pid);
  }
  for (auto const pid : children) {
    int status = -1;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  std::map<int, long> next;
  auto const events = events_in(path);
  CHECK(events.size() == writers * lines);
  for (auto const& event : events) CHECK(event.step == next[event.pid]++);
}

TEST_CASE("events: a log that cannot be written says where", "[sweep]") {
  TemporaryFolder const folder;
  CHECK(message_of<RunError>([&] { EventLog log(folder.path); }) ==
        folder.path.string() + ": cannot write: Is a directory");
  CHECK(message_of<RunError>([] {
          EventLog log("/dev/full");
          log.write({.kind = "sweep_done"});
        }) == "/dev/full: cannot write: No space left on device");
}
