// Weights as bytes and back.
#include "core/net/weights.h"
#include "core/base/error.h"
#include "tests/support/nets/nets.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

constexpr std::uint64_t seed = 11;

TensorFile file_of(ExitNet const& net, std::vector<std::string> const& prefixes = {""}) {
  TensorFile file;
  for (auto const& [name, tensor] : tensors_of(net, prefixes)) file.tensors[name] = to_bytes(tensor);
  return file;
}

std::string refusal(ExitNet& net, std::map<std::string, TensorBytes> const& values) {
  return test::message_of<RunError>([&] { load_tensors(net, values, {""}, "place"); });
}

}  // namespace

TEST_CASE("weights written and read give the same answers to the bit", "[weights]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    torch::NoGradGuard no_grad;
    auto const net = make_trained(small, seed);
    place(*net, torch::kCPU);
    auto const bytes = encode_tensors(file_of(*net));
    auto const other = make(small, seed + 1);
    place(*other, torch::kCPU);
    auto const input = small.input(4, seed);
    auto const expected = answer_all(*net, input);
    CHECK_FALSE(torch::equal(answer_all(*other, input)[0].logits, expected[0].logits));
    load_tensors(*other, decode_tensors(bytes, "test").tensors, {""}, "test");
    auto const answers = answer_all(*other, input);
    for (std::size_t k = 0; k < expected.size(); ++k) CHECK(torch::equal(answers[k].logits, expected[k].logits));
    CHECK(encode_tensors(file_of(*other)) == bytes);
    for (auto const& parameter : other->parameters())
      if (parameter.dim() == 4) CHECK(parameter.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

TEST_CASE("a backbone's weights load into a net with heads and leave the heads alone", "[weights]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    std::vector<std::string> const trunk = {"stage.", "last."};
    auto const plain = make(small, seed, false);
    auto const net = make(small, seed + 1);
    auto const heads_before = encode_tensors(file_of(*net, {"head.", "extra."}));
    load_tensors(*net, file_of(*plain).tensors, trunk, "test");
    CHECK(encode_tensors(file_of(*net, trunk)) == encode_tensors(file_of(*plain)));
    CHECK(encode_tensors(file_of(*net, {"head.", "extra."})) == heads_before);
    // And a whole file gives its backbone alone.
    load_tensors(*plain, file_of(*net).tensors, trunk, "test");
    CHECK_THROWS_AS(load_tensors(*plain, file_of(*net).tensors, {""}, "test"), RunError);
  }
}

TEST_CASE("missing and mis-shaped tensors are refused by name and nothing is loaded", "[weights]") {
  for (auto const& small : small_nets()) {
    INFO(small.name);
    auto const net = make(small, seed);
    auto const before = encode_tensors(file_of(*net));
    auto const good = file_of(*make(small, seed + 1)).tensors;
    for (auto const& [name, tensor] : good) {
      INFO(name);
      auto damaged = good;
      damaged.erase(name);
      CHECK(refusal(*net, damaged) == "place: " + name + " is missing");
      damaged = good;
      damaged[name].shape.insert(damaged[name].shape.begin(), 1);
      CHECK(refusal(*net, damaged).starts_with("place: " + name + " has shape [1"));
      // The same bytes as another type.
      damaged = good;
      damaged[name].dtype = tensor.dtype == Dtype::f32 ? Dtype::i32 : Dtype::f64;
      CHECK(refusal(*net, damaged).starts_with("place: " + name));
    }
    CHECK(encode_tensors(file_of(*net)) == before);
  }
}

TEST_CASE("tensors of every type go through bytes", "[weights]") {
  for (auto const type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    auto const tensor = torch::arange(12).reshape({1, 2, 3, 2}).to(type);
    auto const there = to_bytes(tensor.contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(there.bytes.size() == 12 * torch::elementSize(type));
    auto const back = from_bytes(there);
    CHECK(back.scalar_type() == type);
    CHECK(torch::equal(back, tensor));
  }
  CHECK(from_bytes(to_bytes(torch::tensor(2.5))).item<double>() == 2.5);
}

}  // namespace eexit
