#include "core/base/safetensors.h"

#include <cstring>
#include <limits>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/stream.h"
#include "tests/support/catch.h"
#include "tests/unit/base/temporary_folder.h"

using namespace eexit;
using eexit::test::message_of;
using eexit::test::TemporaryFolder;

namespace {

TensorFile example() {
  TensorFile file;
  file.tensors["b.weight"] = pack<float>(Dtype::f32, {2, 2}, {1, -2, 0.5, 3});
  file.tensors["a.mask"] = pack<std::uint8_t>(Dtype::u8, {3}, {1, 0, 1});
  file.tensors["c.steps"] = pack<std::int64_t>(Dtype::i64, {}, {41});
  file.tensors["d.empty"] = {Dtype::f64, {0, 7}, ""};
  file.metadata["format"] = "eexit 1";
  file.metadata["note"] = "a fake \"digest\":\"here\"";
  return file;
}

// A file with the header as given and so many bytes of data.
std::string with_header(std::string const& header, std::size_t data) {
  std::string bytes(8, '\0');
  std::uint64_t const size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + std::string(data, 'd');
}

std::string one_tensor(std::string const& entry, std::size_t data) {
  return message_of<RunError>([&] { decode_tensors(with_header("{\"t\":" + entry + "}", data), "w", false); });
}

}  // namespace

TEST_CASE("safetensors: the layout, by hand", "[base]") {
  TensorFile file;
  file.tensors["small"] = pack<std::uint8_t>(Dtype::u8, {2}, {7, 8});
  file.tensors["wide"] = pack<std::int16_t>(Dtype::i16, {1}, {0x0102});
  // Widest first, so the header lists "wide" first; 113 bytes and 7 spaces.
  std::string const header =
      R"({"wide":{"dtype":"I16","shape":[1],"data_offsets":[0,2]},"small":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})";
  std::string const padded = header + std::string(7, ' ');
  CHECK(encode_tensors(file, false) == with_header(padded, 0) + "\x02\x01\x07\x08");
}

TEST_CASE("safetensors: what is written comes back", "[base]") {
  TensorFile const file = example();
  TensorFile const back = decode_tensors(encode_tensors(file), "w");
  REQUIRE(back.tensors.size() == 4);
  for (auto const& [name, tensor] : file.tensors) {
    CHECK(back.tensors.at(name).dtype == tensor.dtype);
    CHECK(back.tensors.at(name).shape == tensor.shape);
    CHECK(back.tensors.at(name).bytes == tensor.bytes);
  }
  CHECK(unpack<float>(back.tensors.at("b.weight")) == std::vector<float>{1, -2, 0.5, 3});
  CHECK(back.metadata.at("note") == file.metadata.at("note"));
  CHECK(encode_tensors(back) == encode_tensors(file));
  CHECK(decode_tensors(encode_tensors({}), "w").tensors.empty());
}

TEST_CASE("safetensors: the digest is that of the file with its digits zeroed", "[base]") {
  std::string bytes = encode_tensors(example());
  std::string const digest = decode_tensors(bytes, "w").metadata.at("digest");
  auto const at = bytes.find(digest);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, 64, std::string(64, '0'));
  CHECK(sha256(bytes) == digest);
}

TEST_CASE("safetensors: a file without digest only where that is allowed", "[base]") {
  std::string const bytes = encode_tensors(example(), false);
  CHECK(decode_tensors(bytes, "w", false).tensors.size() == 4);
  CHECK(message_of<RunError>([&] { decode_tensors(bytes, "w"); }) == "w: no digest in the metadata");
}

TEST_CASE("safetensors: every truncation is refused", "[base][property]") {
  std::string const bytes = encode_tensors(example());
  int accepted = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    accepted += message_of<RunError>([&] { decode_tensors(bytes.substr(0, length), "w"); }) == "nothing thrown";
  CHECK(accepted == 0);
  CHECK_THROWS_AS(decode_tensors(bytes + "x", "w"), RunError);
}

TEST_CASE("safetensors: 2,000 flipped bits are refused", "[base][property]") {
  std::string const bytes = encode_tensors(example());
  Random random(stream_seed(0, {"bit flips"}));
  int accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    int const bit = random.below(static_cast<int>(bytes.size()) * 8);
    char& byte = damaged[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    accepted += message_of<RunError>([&] { decode_tensors(damaged, "w"); }) == "nothing thrown";
  }
  CHECK(accepted == 0);
}

TEST_CASE("safetensors: a broken table is refused by name", "[base]") {
  CHECK(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4) == "nothing thrown");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 5) ==
        "w: the table needs 4 bytes of data, found 5");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4) ==
        "w: tensor \"t\": the shape does not fit the offsets");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", 8) ==
        "w: tensor \"t\": a gap or an overlap in the data before it");
  CHECK(one_tensor(R"({"dtype":"F99","shape":[1],"data_offsets":[0,4]})", 4) ==
        "w: tensor \"t\": unknown dtype \"F99\"");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4) ==
        "w: tensor \"t\": expected a whole number, found -1");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[1]})", 4) == "w: tensor \"t\": expected dtype, shape and data_offsets");
  // 2^62 elements of 4 bytes wrap to 0 bytes: the product must not.
  CHECK(one_tensor(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0) ==
        "w: tensor \"t\": the shape does not fit the offsets");
  CHECK(one_tensor(R"({"dtype":"F32","shape":[0,7],"data_offsets":[0,0]})", 0) == "nothing thrown");
  CHECK(message_of<RunError>([] { decode_tensors(with_header("[]", 0), "w"); }) ==
        "w: the header is not a JSON object");
  CHECK(message_of<RunError>([] { decode_tensors(std::string(8, '\xFF'), "w"); }) ==
        "w: cut short or damaged: a header of 18446744073709551615 bytes in a file of 8");
}

TEST_CASE("safetensors: a tensor whose bytes do not fill its shape is never written", "[base]") {
  TensorFile file;
  file.tensors["t"] = {Dtype::f32, {2}, "1234"};
  CHECK_THROWS_AS(encode_tensors(file), std::logic_error);
}

TEST_CASE("safetensors: dtypes", "[base]") {
  CHECK(size_of(Dtype::bf16) == 2);
  CHECK(name_of(Dtype::boolean) == "BOOL");
  CHECK(name_of(Dtype::f64) == "F64");
}

TEST_CASE("safetensors: a damaged file on disk is named", "[base]") {
  TemporaryFolder const folder;
  fs::path const path = folder.path / "weights.safetensors";
  write_tensors(path, example());
  CHECK(read_tensors(path).tensors.size() == 4);
  std::string bytes = read_file(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(path, bytes);
  CHECK(message_of<RunError>([&] { read_tensors(path); }) == path.string() + ": damaged: the digest does not match");
}
