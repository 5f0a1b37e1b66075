#include "datasets/formats/npy.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/base/stream.h"
#include "core/base/text.h"
#include "datasets/formats/corruptions.h"
#include "datasets/test_sets.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"
#include "tests/unit/datasets/idx_bytes.h"

using namespace eexit;
using namespace std::string_literals;
using test::message_of;
namespace fs = std::filesystem;

namespace {

std::string npy(std::string const& dict, std::string const& data) {
  auto text = dict;
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  return "\x93NUMPY\x01\x00"s + static_cast<char>(text.size() % 256) + static_cast<char>(text.size() / 256) + text +
         data;
}

std::string dict(std::string const& type, std::string const& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
}

std::string counted(std::size_t count) {
  std::string bytes(count, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

std::string refusal(std::string const& content) {
  TestFolder const folder;
  auto const path = folder.write("fog.npy", content);
  auto const message = message_of<SpecError>([&] { open_npy(path); });
  CHECK(message.starts_with(path.string() + ": "));
  CHECK(message.find('\n') == message.npos);
  return message;
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// Ten pictures of 2 x 2, two a severity.
void write_arrays(TestFolder const& folder, std::string const& labels) {
  folder.write("fog.npy", npy(dict("|u1", "10, 2, 2, 3"), counted(120)));
  folder.write("labels.npy", labels);
}

}  // namespace

TEST_CASE("npy: bytes by rows and integers", "[datasets]") {
  TestFolder const folder;
  auto const cube = open_npy(folder.write("a.npy", npy(dict("|u1", "5, 2, 3"), counted(30))));
  CHECK(cube.bytes);
  CHECK(cube.shape == std::vector<std::int64_t>{5, 2, 3});
  CHECK(cube.row_items() == 6);
  CHECK(read_npy_rows(cube, 1, 1) == std::vector<std::uint8_t>{6, 7, 8, 9, 10, 11});
  CHECK(read_npy_rows(cube, 0, 5).size() == 30);
  CHECK_THROWS_AS(read_npy_rows(cube, 4, 2), std::logic_error);

  auto const list = open_npy(folder.write(
      "b.npy", npy(dict("<i8", "3,"), "\x05\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x01\0\0\0\0\0\0"s)));
  CHECK_FALSE(list.bytes);
  CHECK(read_npy_integers(list, 0, 3) == std::vector<std::int64_t>{5, -1, 256});
  CHECK(read_npy_integers(list, 1, 1) == std::vector<std::int64_t>{-1});
  auto const small = open_npy(folder.write("c.npy", npy(dict("|u1", "4,"), "\x01\x02\x03\xff")));
  CHECK(read_npy_integers(small, 0, 4) == std::vector<std::int64_t>{1, 2, 3, 255});
  // As other writers put it.
  auto const other = "{\"shape\":(2,2),\"fortran_order\":False,\"descr\":\"|u1\"}";
  CHECK(open_npy(folder.write("d.npy", npy(other, "abcd"))).rows() == 2);
}

TEST_CASE("npy: what is refused", "[datasets]") {
  auto const good = npy(dict("|u1", "5, 2"), counted(10));
  CHECK(has(refusal(""), "is empty"));
  CHECK(has(refusal("<html>"), "HTML page"));
  CHECK(has(refusal("something"), "does not begin with NumPy's magic"));
  CHECK(has(refusal(good.substr(0, 9)), "has 9 bytes"));
  CHECK(has(refusal(good.substr(0, 40)), "The file is cut short"));
  CHECK(has(refusal(good.substr(0, good.size() - 1)), "header promises "));
  CHECK(has(refusal(good + "x"), "header promises "));
  auto version = good;
  version[6] = 2;
  CHECK(has(refusal(version), "is version 2.0 of the format (expected version 1.0)"));
  CHECK(has(refusal(npy(dict("<f4", "5, 2"), "")), "an array of type \"<f4\""));
  CHECK(has(refusal(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }", "ab")), "in Fortran order"));
  CHECK(has(refusal(npy("{'descr': '|u1', 'shape': (2,), }", "ab")), "a key is missing"));
  CHECK(has(refusal(npy("{'descr': '|u1', 'descr': '|u1', 'shape': (2,), }", "ab")), "key \"descr\" twice"));
  CHECK(has(refusal(npy("{'type': '|u1'}", "ab")), "unknown key \"type\""));
  CHECK(has(refusal(npy(dict("|u1", "-2, 1"), "ab")), "a length that is no number"));
  CHECK(has(refusal(npy(dict("|u1", ""), "a")), "0 dimensions"));
  CHECK(has(refusal(npy(dict("|u1", "4294967296, 4294967296"), "")), "more than 2^40 items"));
  TestFolder const folder;
  CHECK(has(message_of<SpecError>([&] { open_npy(folder.path() / "no.npy"); }), "no such file"));
  CHECK(has(message_of<SpecError>([&] { open_npy(folder.path()); }), "is not a regular file"));
}

TEST_CASE("npy: damaged headers are refused, or the array has the file's size", "[datasets]") {
  TestFolder const folder;
  auto const good = npy(dict("|u1", "5, 2"), counted(10));
  int odd = 0, read = 0;
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    auto bytes = good;
    if (i < 200) {
      bytes.resize(bytes.size() * static_cast<std::size_t>(i) / 200);
    } else {
      auto const bit = random.below(static_cast<int>(bytes.size()) * 8);
      bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
    }
    auto const path = folder.write("a.npy", bytes);
    try {
      auto const file = open_npy(path);
      ++read;
      if (file.start + static_cast<std::uint64_t>(file.rows() * file.row_items()) != bytes.size()) ++odd;
      if (file.bytes) read_npy_rows(file, 0, file.rows());
    } catch (SpecError const& error) {
      if (!std::string_view(error.what()).starts_with(path.string() + ": ")) ++odd;
    }
  }
  CHECK(odd == 0);
  CHECK(read < 500);
}

TEST_CASE("corruptions: arrays, a fifth of the rows a severity", "[datasets]") {
  TestFolder const folder;
  write_arrays(folder, npy(dict("|u1", "10,"), "\x03\x01\x02\x01\x02\x01\x02\x01\x02\x00"s));
  folder.write("blur.npy", npy(dict("|u1", "10, 2, 2, 3"), counted(120)));
  folder.write("notes.txt", "x");
  CHECK(corruption_arrays(folder.path()) == std::vector<std::string>{"blur", "fog"});

  auto const lightest = corruption_array(folder.path(), "fog", 1, 4);
  CHECK(lightest.shape == ImageShape{3, 2, 2});
  CHECK(lightest.labels == std::vector<int>{3, 1});
  auto const worst = corruption_array(folder.path(), "fog", 5, 4);
  CHECK(worst.labels == std::vector<int>{2, 0});
  std::vector<std::uint8_t> out(24);
  worst.read(std::vector<int>{1, 0}, out.data());
  // Row 9 of the file: bytes 108 to 119, pixel by pixel; here channel by channel.
  CHECK(std::vector<std::uint8_t>(out.begin(), out.begin() + 12) ==
        std::vector<std::uint8_t>{108, 111, 114, 117, 109, 112, 115, 118, 110, 113, 116, 119});
  CHECK(out[12] == 96);
  CHECK_THROWS_AS(worst.read(std::vector<int>{2}, out.data()), std::logic_error);

  auto const refused = [&](std::string const& labels, int classes) {
    write_arrays(folder, labels);
    return message_of<SpecError>([&] { corruption_array(folder.path(), "fog", 1, classes); });
  };
  CHECK(has(refused(npy(dict("|u1", "10,"), counted(10)), 1), "label 1 at index 1 (expected 0 to 0)"));
  CHECK(has(refused(npy(dict("|u1", "9,"), counted(9)), 10), "expected 10 labels, as fog.npy has pictures"));
  CHECK(has(refused(npy(dict("|u1", "10,"), counted(10)), 10), "nothing thrown"));
  folder.write("fog.npy", npy(dict("|u1", "9, 2, 2, 3"), counted(108)));
  CHECK(has(message_of<SpecError>([&] { corruption_array(folder.path(), "fog", 1, 10); }),
            "an array of 9 x 2 x 2 x 3 bytes"));
  CHECK(has(message_of<SpecError>([&] { corruption_array(folder.path(), "snow", 1, 10); }), "snow.npy: no such"));
}

TEST_CASE("corruptions: one test set a corruption and severity, of the shape and classes trained on", "[datasets]") {
  TestFolder const folder;
  write_arrays(folder, npy(dict("|u1", "10,"), "\x03\x01\x02\x01\x02\x01\x02\x01\x02\x00"s));
  folder.write("blur.npy", npy(dict("|u1", "10, 2, 2, 3"), counted(120)));
  auto const extra = [&](std::string const& more) {
    return Choice{"corruptions", R"({"dir": ")" + folder.path().string() + "\"" + more + "}"};
  };
  auto const names = [&](std::string const& more, ImageShape const& shape = {3, 2, 2}) {
    std::vector<std::string> all;
    for (auto const& set : look_at_test_sets(extra(more), {.shape = shape, .classes = 4})) all.push_back(set.name);
    return join(all, " ");
  };
  CHECK(names("") == "blur/1 blur/2 blur/3 blur/4 blur/5 fog/1 fog/2 fog/3 fog/4 fog/5");
  CHECK(names(R"(, "corruptions": ["fog"], "severities": [5, 1])") == "fog/5 fog/1");

  auto const sets = look_at_test_sets(extra(R"(, "corruptions": ["fog"])"), {.shape = {3, 2, 2}, .classes = 4});
  for (auto const& set : sets) {
    CHECK(set.rows == 2);
    CHECK(open_test_set(set, 4).rows() == 2);
    CHECK(std::count_if(sets.begin(), sets.end(), [&](auto const& other) { return other.identity == set.identity; }) ==
          1);
  }
  CHECK(open_test_set(sets[4], 4).labels == std::vector<int>{2, 0});

  auto const refused = [&](auto const& call) { return message_of<SpecError>(call); };
  CHECK(has(refused([&] { names(R"(, "corruptions": ["fogg"])"); }), "no corruption \"fogg\""));
  CHECK(has(
      refused([&] {
        names("", {3, 8, 8});
      }),
      "test set blur/1: expected 3 x 8 x 8 and 4 classes, as the data trained on has, found 3 x 2 x 2 and 4 classes"));
  CHECK(has(refused([&] { names(R"(, "severities": [6])"); }), "severities"));
  CHECK(has(refused([] { look_at_test_sets({"corruptions", "{}"}, {}); }), "dir: expected the folder"));
  CHECK(has(refused([] { look_at_test_sets({"corruption", "{}"}, {}); }), "no test set \"corruption\""));
}
