#include "core/report/tensorboard.h"

#include <unistd.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/host.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/report/tfevents.h"

using namespace eexit;
using test::decode_tfevents;
using test::message_of;
using test::TemporaryFolder;

TEST_CASE("tensorboard: CRC-32C has the published values", "[report]") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(crc32c("a") == 0xC1D04330);
  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43);
  std::string rising, falling;
  for (char c = 0; c < 32; ++c) rising += c, falling.insert(falling.begin(), c);
  CHECK(crc32c(rising) == 0x46DD794E);
  CHECK(crc32c(falling) == 0x113FDB5C);
  CHECK(test::crc32c_by_bits(rising) == 0x46DD794E);
}

TEST_CASE("tensorboard: a file reads back, record by record", "[report]") {
  TemporaryFolder const folder;
  double const nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  TensorBoardFile file(folder.path / "tb" / "run");
  std::string const long_tag(300, 't');
  file.scalars(std::array{Scalar{"val/loss/exit_last", 0.1}, Scalar{"lr", 0}}, 150, 1769860800.125);
  file.scalars(std::array{Scalar{"val/loss/exit_last", nan}, Scalar{"größe", -1e300}, Scalar{long_tag, infinite}},
               5000000000, 1769860801);
  file.scalars({}, 7, 0);

  auto const name = file.path().filename().string();
  CHECK(file.path().parent_path() == folder.path / "tb" / "run");
  CHECK(name.starts_with("events.out.tfevents."));
  CHECK(name.ends_with("." + host_name() + "." + std::to_string(getpid()) + ".0"));
  auto const bytes = read_file(file.path());
  auto const events = decode_tfevents(bytes);
  REQUIRE(events.size() == 4);
  CHECK(events[0].file_version == "brain.Event:2");
  CHECK(std::abs(events[0].wall_time - unix_seconds()) < 100);
  CHECK(events[0].values.empty());
  CHECK(events[1].session_status == 1);
  CHECK(events[1].step == 150);
  CHECK(events[2].step == 150);
  CHECK(events[2].wall_time == 1769860800.125);
  CHECK(events[2].values == std::map<std::string, float>{{"val/loss/exit_last", 0.1F}, {"lr", 0}});
  CHECK(events[3].step == 5000000000);
  CHECK(events[3].session_status == 0);
  CHECK(std::isnan(events[3].values.at("val/loss/exit_last")));
  CHECK(events[3].values.at("größe") == -std::numeric_limits<float>::infinity());
  CHECK(events[3].values.at(long_tag) == std::numeric_limits<float>::infinity());
  for (std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{20}, bytes.size() - 1}) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    CHECK_THROWS_AS(decode_tfevents(damaged), std::runtime_error);
  }
}

TEST_CASE("tensorboard: what was written is in the file without closing it", "[report]") {
  TemporaryFolder const folder;
  TensorBoardFile file(folder.path);
  for (long step = 1; step <= 3; ++step) {
    file.scalars(std::array{Scalar{"lr", 0.5}}, step, 1);
    CHECK(decode_tfevents(read_file(file.path())).size() == static_cast<std::size_t>(2 + step));
  }
  auto const moved = std::move(file);
  CHECK(fs::exists(moved.path()));
}

TEST_CASE("tensorboard: each file is a new one, later ones later in order", "[report]") {
  TemporaryFolder const folder;
  TensorBoardFile const first(folder.path), second(folder.path);
  CHECK(first.path() < second.path());
  CHECK(read_file(first.path()).size() == read_file(second.path()).size());
}

TEST_CASE("tensorboard: a folder that cannot be made says why", "[report]") {
  TemporaryFolder const folder;
  write_file(folder.path / "file", "");
  CHECK(message_of<RunError>([&] {
          TensorBoardFile file(folder.path / "file" / "run");
        }).starts_with(folder.path.string() + "/file/run: cannot make the folder: "));
}
