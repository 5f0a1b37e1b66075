#include "core/sweep/tensorboard_log.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/report/tfevents.h"

using namespace eexit;
using test::decode_tfevents;
using test::TemporaryFolder;

namespace {

Event epoch(std::string const& label, int number) {
  return {.kind = "epoch",
          .label = label,
          .step = number * 10L,
          .steps = 30,
          .images_per_second = 600,
          .epoch = number,
          .lr = 0.5,
          .exits = {"0", "last"},
          .train_loss = {3, 2},
          .train_accuracy = {0.25, 0.5},
          .val_loss = {4, 1},
          .val_accuracy = {0.125, 0.75},
          .time = "2026-01-31T12:00:00.500Z"};
}

std::vector<fs::path> files_in(fs::path const& folder) {
  std::vector<fs::path> all;
  for (auto const& entry : fs::directory_iterator(folder)) all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("tensorboard log: an epoch in numbers", "[sweep]") {
  std::map<std::string, double> values;
  for (auto const& scalar : scalars_of(epoch("a", 1))) values[scalar.tag] = scalar.value;
  CHECK(values == std::map<std::string, double>{{"train/loss/exit_0", 3},
                                                {"train/loss/exit_last", 2},
                                                {"train/accuracy/exit_0", 0.25},
                                                {"train/accuracy/exit_last", 0.5},
                                                {"val/loss/exit_0", 4},
                                                {"val/loss/exit_last", 1},
                                                {"val/accuracy/exit_0", 0.125},
                                                {"val/accuracy/exit_last", 0.75},
                                                {"lr", 0.5},
                                                {"images_per_second", 600}});
  auto const unnamed = scalars_of({.kind = "epoch", .val_loss = {1, 2}});
  REQUIRE(unnamed.size() == 3);
  CHECK(unnamed[0].tag == "val/loss/exit_1");
  CHECK(unnamed[1].tag == "val/loss/exit_2");
  CHECK(unnamed[2].tag == "lr");
  CHECK(scalars_of({.kind = "progress", .images_per_second = 600}).empty());
}

TEST_CASE("tensorboard log: folder names", "[sweep]") {
  CHECK(folder_name("mlp-joint-s0-0a1b2c3d, joint") == "mlp-joint-s0-0a1b2c3d_joint");
  CHECK(folder_name("run 1/4 größe") == "run_1_4_gr_e");
  CHECK(folder_name("..") == "_..");
  CHECK(folder_name("../../x") == ".._.._x");
  CHECK(folder_name("") == "_");
  CHECK(folder_name(std::string(1000, 'x')).size() == 200);
}

TEST_CASE("tensorboard log: a folder a node, a file each time it is begun", "[sweep]") {
  TemporaryFolder const folder;
  auto const written = [&](std::string const& label, std::size_t file) {
    std::vector<long> steps;
    for (auto const& event : decode_tfevents(read_file(files_in(folder.path / "tb" / label).at(file))))
      if (!event.values.empty()) steps.push_back(event.step);
    return steps;
  };
  {
    TensorBoardLog log(folder.path / "tb");
    CHECK(fs::is_directory(folder.path / "tb"));
    log.write({.kind = "node_started", .label = "a"});
    log.write(epoch("a", 1));
    log.write(epoch("b", 1));
    log.write(epoch("a", 2));
    log.write({.kind = "node_interrupted", .label = "a"});
    log.write({.kind = "sweep_done"});
  }
  CHECK(files_in(folder.path / "tb").size() == 2);
  CHECK(files_in(folder.path / "tb" / "a").size() == 1);
  CHECK(written("a", 0) == std::vector<long>{10, 20});
  CHECK(written("b", 0) == std::vector<long>{10});

  TensorBoardLog log(folder.path / "tb");
  log.write(epoch("a", 2));
  log.write(epoch("a", 3));
  CHECK(written("a", 1) == std::vector<long>{20, 30});
  // What TensorBoard needs to drop the first telling of step 20.
  auto const events = decode_tfevents(read_file(files_in(folder.path / "tb" / "a").at(1)));
  CHECK(events.at(1).session_status == 1);
  CHECK(events.at(1).step == 20);
  CHECK(events.at(2).wall_time == 1769860800.5);
}
