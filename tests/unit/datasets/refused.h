// What the tests of all readers ask: is a damaged file refused, in the one form that messages have?
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/stream.h"
#include "datasets/dataset.h"
#include "tests/support/catch.h"
#include "tests/unit/datasets/idx_bytes.h"

namespace eexit {

struct Refusal {
  std::string message;
  Exit code;
};

template <class Read>
std::optional<Refusal> refusal_of(Read read) {
  try {
    read();
  } catch (SpecError const& error) {
    return Refusal{error.what(), error.code};
  }
  return std::nullopt;
}

inline bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// The one form that all messages have.
inline bool one_line(std::string const& message, std::filesystem::path const& path) {
  return message.starts_with(path.string() + ": ") && !has(message, "\n") && has(message, " (expected ") &&
         has(message, "). ");
}

// The call refuses the file: code, form and part of the message.
template <class Read>
void check_refusal(std::filesystem::path const& path, std::string const& part, Read read, Exit code = Exit::data) {
  auto const refusal = refusal_of(read);
  INFO(part << ": " << (refusal ? refusal->message : "read"));
  REQUIRE(refusal);
  CHECK(refusal->code == code);
  CHECK(one_line(refusal->message, path));
  CHECK(has(refusal->message, part));
}

// Things that arrive under a data file's name, whatever its format. `good`: what the reader would take.
template <class Write, class Read>
void check_foreign_formats(std::string const& good, Write write, Read read) {
  using namespace std::string_literals;
  auto const refused = [&](std::string const& content, std::string const& part) {
    check_refusal(write(content), part, read);
  };
  refused("", "is empty, has 0 bytes");
  refused("<!DOCTYPE html>\n<html><body>404</body></html>", "is an HTML page, the download failed");
  refused("<html>", "is an HTML page");
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 26421880\n",
          "is a Git LFS pointer, not the data");
  refused("PK\x03\x04" + std::string(200, 'x'), "is a zip archive");
  refused("\x28\xb5\x2f\xfd" + std::string(200, 'x'), "is compressed with zstd");
  refused("\xfd\x37\x7a\x58\x5a\x00"s + std::string(200, 'x'), "is compressed with xz");
  refused("BZh91AY&SY" + std::string(200, 'x'), "is compressed with bzip2");
  refused(gzip(gzip(std::string(200, 'x'))), "is gzip inside gzip");
  refused(gzip("<html><head><title>404</title>"), "is an HTML page");
  auto const cut = gzip(good);
  refused(cut.substr(0, cut.size() - 9), "gzip stream ends early at inflated byte ");
}

struct Damage {
  int cuts = 0, cuts_read = 0, flips = 0, flips_read = 0;
  int odd = 0;  // refused in another form than all messages have, or read as something else than asked
};

// Cuts the content at 200 places and more, flips each of 2,000 bits chosen at random. `write` gives the path of the
// file under these bytes; `read` reads it and says whether what came out has the right form.
template <class Write, class Read>
Damage damage_of(std::string const& content, Write write, Read read) {
  Damage damage;
  auto const try_reading = [&](std::string const& bytes) {
    auto const path = write(bytes);
    try {
      if (!read()) ++damage.odd;
      return 1;
    } catch (SpecError const& error) {
      if (!one_line(error.what(), path)) ++damage.odd;
      return 0;
    }
  };
  auto const step = std::max<std::size_t>(1, content.size() / 200);
  for (std::size_t length = 0; length < content.size(); length += step) {
    ++damage.cuts;
    damage.cuts_read += try_reading(content.substr(0, length));
  }
  Random random(11);
  for (; damage.flips < 2000; ++damage.flips) {
    auto flipped = content;
    auto const bit = random.below(static_cast<int>(content.size()) * 8);
    flipped[static_cast<std::size_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
    damage.flips_read += try_reading(flipped);
  }
  return damage;
}

// A reader whose parameters are the JSON text.
inline JsonReader data_reader(std::string const& params) {
  static auto const source = std::make_shared<Source const>(Source{"spec.json", {}});
  return {params, source, "/data"};
}

// The set `name` read from a folder; `more`: further parameters, such as R"(, "labels": "coarse")".
inline DataSource data_at(std::string const& name, std::filesystem::path const& folder, std::string const& more = "") {
  auto reader = data_reader(R"({"dir": ")" + folder.string() + '"' + more + "}");
  return find(datasets(), "data set", name, "test").make(reader);
}

inline std::vector<std::uint8_t> image_of(Dataset const& dataset, int row) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(dataset.shape.bytes()));
  dataset.read(std::vector<int>{row}, out.data());
  return out;
}

// $EEXIT_DATA for the length of a test.
class DataVariable {
 public:
  explicit DataVariable(std::string const& value) {
    if (char const* old = std::getenv("EEXIT_DATA")) old_ = old;
    setenv("EEXIT_DATA", value.c_str(), 1);
  }
  DataVariable(DataVariable const&) = delete;
  DataVariable& operator=(DataVariable const&) = delete;
  ~DataVariable() {
    if (old_)
      setenv("EEXIT_DATA", old_->c_str(), 1);
    else
      unsetenv("EEXIT_DATA");
  }

 private:
  std::optional<std::string> old_;
};

}  // namespace eexit
